import type { MediaId, ParticipantId, RoomId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import { type Connection, type ConnectionDirection, type Direction, isLost } from './connection.ts';
import { Connections } from './connections.ts';
import { Refusal } from './errors.ts';
import type { LeaveReason, MediaOrder, Notice, RoomEvent, UnnumberedRoomEvent } from './events.ts';
import type { Outcome, Watching } from './negotiation.ts';
import { type Indication, type Participant, type Presence, type SessionId, type Time, leaseOf } from './participant.ts';
import { type Publication, type Source, kindOf } from './publication.ts';
import { Publications } from './publications.ts';
import { Collection, type RecordStore } from './records.ts';
import type { RoomRecord, RoomSnapshot } from './snapshot.ts';
import type { Subscription } from './subscription.ts';
import type { View } from './view.ts';

/** Where the room's decisions go. Called synchronously and in order. */
export interface RoomOutlet {
  event(event: RoomEvent): void;
  notice(notice: Notice): void;
  order(order: MediaOrder): void;
}

export interface RoomSettings {
  /** Most participants at the same time. */
  readonly capacity: number;
}

/** How a newcomer's stay differs from the ordinary one. */
export interface JoinOptions {
  /** A participant that gave the same word is replaced. */
  readonly takeover?: string;
  /** The participant declares what the others are shown; its publications do not tell it. */
  readonly indication?: Indication;
}

/** A room that nobody entered is forgotten after this long. */
const UNUSED_ROOM_LIFE: Time = 5 * 60_000;

/** An attempt to join that is older than this gives way to a new one of the same identity. */
const STALE_ENTRY: Time = 10_000;

/** A participant whose media connection is lost may still recover for this long. */
const MEDIA_LOSS_GRACE: Time = 10_000;

/**
 * The one model of a conference: who is there, what they publish and subscribe to, and the one order of everything that happens.
 *
 * It is synchronous and has no clock, no sockets and no network. Commands come in; events for the members and orders for the media node go
 * out through the outlet; every change is written through to the store. A refused command throws {@link Refusal} and changes nothing.
 */
export class Room {
  readonly #record: Collection<RoomRecord>;
  readonly #participants: Collection<Participant>;
  readonly #publications: Publications;
  readonly #connections: Connections;
  readonly #settings: RoomSettings;
  readonly #outlet: RoomOutlet;
  readonly id: RoomId;
  /** Who is audible now. Not stored: the media node tells it anew whenever it changes. */
  #talking: ReadonlySet<ParticipantId> = new Set();

  constructor(snapshot: RoomSnapshot, settings: RoomSettings, store: RecordStore, outlet: RoomOutlet) {
    this.id = snapshot.room.id;
    this.#record = new Collection('room', store, [snapshot.room]);
    this.#participants = new Collection('participants', store, snapshot.participants);
    this.#publications = new Publications(snapshot, store);
    this.#connections = new Connections(snapshot, store, outlet);
    this.#settings = settings;
    this.#outlet = outlet;
  }

  /** Stores a room that has just been made. A room that was loaded is stored already. */
  save(): void {
    this.#record.set(this.#own);
  }

  get sequence(): number {
    return this.#own.sequence;
  }

  participants(): Participant[] {
    return this.#participants.values();
  }

  participant(id: ParticipantId): Participant | undefined {
    return this.#participants.get(id);
  }

  publication(id: MediaId): Publication | undefined {
    return this.#publications.get(id);
  }

  publicationsOf(participantId: ParticipantId): Publication[] {
    return this.#publications.of(participantId);
  }

  subscriptionsOf(participantId: ParticipantId): Subscription[] {
    return this.#publications.subscriptionsOf(participantId);
  }

  connectionsOf(participantId: ParticipantId): Connection[] {
    return this.#connections.of(participantId);
  }

  connection(id: MediaId): Connection | undefined {
    return this.#connections.get(id);
  }

  /** The participant's newest connection for a purpose. */
  connectionFor(participantId: ParticipantId, purpose: string): Connection | undefined {
    return this.#connections.for({ participantId, purpose }).at(-1);
  }

  viewsBy(participantId: ParticipantId): View[] {
    return this.#connections.viewsBy(participantId);
  }

  /** What the others are shown of a participant's microphone and camera; a screen is something to see, too. */
  indicationOf(participantId: ParticipantId): Indication {
    const declared = this.#participants.get(participantId)?.indication;
    const shows = (kind: MediaKind) => this.publicationsOf(participantId).some(({ source, paused }) => !paused && kindOf(source) === kind);
    return declared ?? { audio: shows('audio'), video: shows('video') };
  }

  // ---- Joining and leaving -------------------------------------------------------------------------------------------------

  /**
   * Gives a newcomer its seat. The others hear of it when its session opens.
   *
   * @param until deadline for opening a session.
   * @throws Refusal `already-joined` while the same identity is there and may not be taken over, `room-full`.
   */
  join(id: ParticipantId, now: Time, until: Time, options: JoinOptions = {}): Participant {
    const earlier = this.#participants.get(id);
    if (earlier && !isStaleEntry(earlier, now) && !mayTakeOver(earlier, options)) throw new Refusal('already-joined');
    if (!earlier && this.#participants.size >= this.#settings.capacity) throw new Refusal('room-full');
    if (earlier) this.#remove(earlier, 'replaced');

    const generation = this.#own.lastGeneration + 1;
    this.#record.set({ ...this.#own, lastGeneration: generation });
    const presence: Presence = { state: 'entering', until };
    return this.#participants.set({ id, generation, joinedAt: now, presence, disclosed: false, ...options });
  }

  /**
   * The participant's session is open: a newcomer is announced with everything it publishes, one that was away comes back silently.
   *
   * @throws Refusal `participant-not-found`; `already-joined` while another session of it is alive.
   */
  openSession(id: ParticipantId, session: SessionId): Participant {
    const participant = this.require(id);
    const { presence } = participant;
    if (presence.state === 'present' && !isLost(this.#connections.of(id))) throw new Refusal('already-joined');

    this.#noteEntry();
    const opened = this.#participants.set({ ...participant, presence: { state: 'present', session, until: null }, disclosed: true });
    if (presence.state === 'entering') this.#announce(id);
    return opened;
  }

  /** The session was cut, not ended: the participant keeps its place until the deadline. A session that is not its current one changes nothing. */
  loseSession(id: ParticipantId, session: SessionId, until: Time): void {
    const participant = this.#withSession(id, session);
    if (participant) this.#participants.set({ ...participant, presence: { state: 'away', until } });
  }

  /** The session was ended by the participant. A session that is not its current one changes nothing. */
  endSession(id: ParticipantId, session: SessionId): void {
    const participant = this.#withSession(id, session);
    if (participant) this.#remove(participant, 'left');
  }

  /** Takes the participant out of the room, with all that it publishes. Unknown participants are ignored. */
  leave(id: ParticipantId, reason: LeaveReason): void {
    const participant = this.#participants.get(id);
    if (participant) this.#remove(participant, reason);
  }

  /** Somebody is about to be told that these participants exist, although they have not been announced. */
  disclose(participants: readonly Participant[]): void {
    for (const participant of participants) {
      if (!participant.disclosed) this.#participants.set({ ...participant, disclosed: true });
    }
  }

  /** A participant that has not opened its session yet gave a sign of life. */
  extendEntry(id: ParticipantId, until: Time): void {
    const participant = this.#participants.get(id);
    if (participant?.presence.state === 'entering') {
      this.#participants.set({ ...participant, presence: { state: 'entering', until } });
    }
  }

  /** Removes everybody whose lease has run out. */
  sweep(now: Time): void {
    for (const participant of this.participants()) {
      const until = leaseOf(participant);
      if (until !== null && until <= now) this.#remove(participant, 'vanished');
    }
  }

  /** When `sweep` or `isOver` will next have something to say; `null` if only an event can change the room. */
  nextDeadline(): Time | null {
    if (this.#participants.size === 0) return this.#own.createdAt + UNUSED_ROOM_LIFE;
    const leases = this.participants().flatMap((participant) => leaseOf(participant) ?? []);
    return leases.length > 0 ? Math.min(...leases) : null;
  }

  /** Whether the room has ended: the last participant has left, or nobody came in time. */
  isOver(now: Time): boolean {
    if (this.#participants.size > 0) return false;
    return this.#own.entered || now >= this.#own.createdAt + UNUSED_ROOM_LIFE;
  }

  // ---- Publishing and subscribing ------------------------------------------------------------------------------------------

  /** Adds what a producer of the media node carries. A publication of the same source is replaced. */
  publish(participantId: ParticipantId, source: Source, id: MediaId): Publication {
    this.require(participantId);
    return this.#changePublications(participantId, () => this.#addPublication({ id, participantId, source }));
  }

  /** Ends a publication. @returns whether there was one. */
  unpublish(participantId: ParticipantId, source: Source): boolean {
    return this.#changePublications(participantId, () => this.#withdraw(participantId, source));
  }

  /** The media node ended a producer by itself. */
  publicationEnded(id: MediaId): void {
    const publication = this.#publications.get(id);
    if (!publication) return;
    this.#changePublications(publication.participantId, () => {
      this.#endPublication(publication);
    });
  }

  /** Pauses or resumes a publication for everybody. @returns whether there is one. */
  setPaused(participantId: ParticipantId, source: Source, paused: boolean): boolean {
    const publication = this.#publications.from(participantId, source);
    if (!publication) return false;
    this.#outlet.order({ type: paused ? 'pause-producer' : 'resume-producer', participantId, producer: publication.id });
    this.#changePublications(participantId, () => {
      this.#markPaused(publication, paused);
    });
    return true;
  }

  /**
   * Declares what the others are shown of the participant's microphones or cameras, which goes on sending all the same. Also a declaration that
   * changes nothing is told.
   */
  declare(participantId: ParticipantId, kind: MediaKind, on: boolean): void {
    const participant = this.require(participantId);
    this.#participants.set({ ...participant, indication: { ...this.indicationOf(participantId), [kind]: on } });
    for (const publication of this.publicationsOf(participantId)) {
      if (kindOf(publication.source) === kind && publication.paused === on) this.#markPaused(publication, !on);
    }
    this.#tell(participantId, { type: 'indication-changed', participantId, kind, on });
  }

  /** Notes that a consumer of the media node carries a publication to a participant. */
  subscribe(participantId: ParticipantId, id: MediaId, publicationId: MediaId): Subscription {
    this.require(participantId);
    return this.#publications.subscribe({ id, participantId, publicationId });
  }

  // ---- Connections that are negotiated -------------------------------------------------------------------------------------

  /**
   * The participant begins to negotiate a connection. Earlier ones for the same purpose stay until this one has come to something, but what is
   * still being negotiated of them is superseded.
   *
   * @param id the connection's name on the media node, never used before.
   * @param offered what the media node offers in it, where the client makes no offer.
   */
  openConnection(
    participantId: ParticipantId,
    direction: ConnectionDirection,
    purpose: string,
    id: MediaId,
    offered?: Watching,
  ): Connection {
    this.require(participantId);
    return this.#connections.set({
      id,
      participantId,
      direction,
      purpose,
      negotiated: true,
      state: 'new',
      attempt: 1,
      isEstablished: false,
      ...(offered !== undefined && { offered }),
    });
  }

  /**
   * The participant begins to negotiate one of its connections anew. Until that has come to something, everything stays as it is.
   *
   * @throws Refusal `superseded` when the connection was closed or a newer one for its purpose was opened.
   */
  reopenConnection(participantId: ParticipantId, connectionId: MediaId): Connection {
    const connection = this.#connections.get(connectionId);
    if (connection?.participantId !== participantId || this.#newestFor(connection) !== connection) throw new Refusal('superseded');
    return this.#connections.set({ ...connection, attempt: connection.attempt + 1 });
  }

  /**
   * @param negotiated the connection as it was when the negotiation began.
   * @returns the connection as it is now.
   * @throws Refusal `superseded` when the connection was closed, is being negotiated anew, or a newer one for its purpose was opened.
   */
  requireNewest({ id, attempt }: Connection): Connection {
    const connection = this.#connections.get(id);
    if (connection?.attempt !== attempt || this.#newestFor(connection) !== connection) throw new Refusal('superseded');
    return connection;
  }

  /**
   * A negotiation has come to something: this is published and viewed over the connection, in place of everything that was for the same purpose.
   *
   * @param outcome as it was negotiated; what has changed meanwhile is made up for.
   * @throws Refusal `superseded`; `participant-not-found` when somebody who is to be viewed has left.
   */
  establish(negotiated: Connection, { tracks, views }: Outcome): Connection {
    for (const { watchedId } of views) this.require(watchedId);
    const connection = this.requireNewest(negotiated);
    for (const earlier of this.#connections.for(connection)) {
      if (earlier.id !== connection.id) this.closeConnection(earlier.id);
    }
    const established = this.#connections.set({ ...connection, isEstablished: true });
    this.#publishOver(established, tracks);
    this.#connections.setViews(established, views, (watchedId) => this.publicationsOf(watchedId));
    return established;
  }

  /** Ends the views in these sections of a connection, which itself stays. */
  endViews(connectionId: MediaId, mids: readonly string[]): void {
    for (const view of this.#connections.viewsIn(connectionId)) {
      if (view.sections.some(({ mid }) => mids.includes(mid))) this.#connections.endView(view);
    }
  }

  /** Stops what a participant receives in a section, for this participant only, or lets it go on. @returns whether there is such a section. */
  setSectionPaused(connectionId: MediaId, mid: string, paused: boolean): boolean {
    const view = this.#connections.viewsIn(connectionId).find(({ sections }) => sections.some((section) => section.mid === mid));
    if (!view) return false;
    this.#connections.setSectionPaused(view, mid, paused);
    return true;
  }

  /** Ends a connection with what is published and viewed over it. */
  closeConnection(id: MediaId): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    this.#connections.close(connection);
    this.#endPublicationsOver(connection);
  }

  // ---- What the media node reports -----------------------------------------------------------------------------------------

  /** Notes the transport that a participant uses in one direction. */
  connect(participantId: ParticipantId, direction: Direction, transport: MediaId): void {
    this.require(participantId);
    this.#noteEntry();
    this.#connections.set({
      id: transport,
      participantId,
      direction,
      purpose: direction,
      negotiated: false,
      state: 'new',
      attempt: 1,
      isEstablished: true,
    });
  }

  /**
   * A connection was connected, lost, or closed by the client. A participant that has lost all its media is given a short time to recover.
   * One that closed a negotiated connection has ended what it was for.
   */
  connectionChanged(id: MediaId, state: 'connected' | 'lost' | 'closed', now: Time): void {
    const connection = this.#connections.get(id);
    const participant = connection && this.#participants.get(connection.participantId);
    if (!participant) return;
    if (state === 'closed' && connection.negotiated) this.#endConnection(connection);
    else this.#changeConnection({ ...connection, state: state === 'closed' ? 'lost' : state });
    const presence = presenceAfterMediaChange(participant, isLost(this.#connections.of(participant.id)), now);
    this.#participants.set({ ...participant, presence });
  }

  /** These publications are audible now, and no others. */
  audibleChanged(publications: readonly MediaId[]): void {
    const talking = new Set(publications.flatMap((id) => this.#publications.get(id)?.participantId ?? []));
    const before = this.#talking;
    this.#talking = talking;
    for (const participantId of before) if (!talking.has(participantId)) this.#emitTalking(participantId, false);
    for (const participantId of talking) if (!before.has(participantId)) this.#emitTalking(participantId, true);
  }

  /** The media node has lost everything: nobody is connected any more. */
  mediaLost(): void {
    this.#connections.forgetAll();
    for (const participant of this.participants()) this.#remove(participant, 'media-lost');
  }

  /** @throws Refusal `participant-not-found`, or `superseded` when it has left (and perhaps joined anew) since that generation. */
  require(id: ParticipantId, generation?: number): Participant {
    const participant = this.#participants.get(id);
    if (generation !== undefined && participant?.generation !== generation) throw new Refusal('superseded');
    if (!participant) throw new Refusal('participant-not-found');
    return participant;
  }

  // ---- Inside --------------------------------------------------------------------------------------------------------------

  get #own(): RoomRecord {
    const own = this.#record.get(this.id);
    if (!own) throw new Error(`room ${this.id} has lost its own record`);
    return own;
  }

  #noteEntry(): void {
    if (!this.#own.entered) this.#record.set({ ...this.#own, entered: true });
  }

  #withSession(id: ParticipantId, session: SessionId): Participant | undefined {
    const participant = this.#participants.get(id);
    return participant?.presence.state === 'present' && participant.presence.session === session ? participant : undefined;
  }

  #emit(event: UnnumberedRoomEvent): void {
    const sequence = this.#own.sequence + 1;
    this.#record.set({ ...this.#own, sequence });
    this.#outlet.event({ ...event, sequence });
  }

  /** Tells something about a participant, unless nobody knows of it yet. */
  #tell(participantId: ParticipantId, event: UnnumberedRoomEvent): void {
    const presence = this.#participants.get(participantId)?.presence;
    if (presence && presence.state !== 'entering') this.#emit(event);
  }

  #announce(participantId: ParticipantId): void {
    const [publications, indication] = [this.publicationsOf(participantId), this.indicationOf(participantId)];
    this.#emit({ type: 'participant-joined', participantId, publications, indication });
  }

  #emitTalking(participantId: ParticipantId, talking: boolean): void {
    if (this.#participants.get(participantId)) this.#emit({ type: 'talking-changed', participantId, talking });
  }

  /** What follows from a change of a participant's publications, for its viewers and for what others are shown, follows once, from the whole of it. */
  #changePublications<Result>(participantId: ParticipantId, change: () => Result): Result {
    const before = this.indicationOf(participantId);
    const result = change();
    this.#connections.show(participantId, this.publicationsOf(participantId));
    const after = this.indicationOf(participantId);
    for (const kind of ['audio', 'video'] as const) {
      if (after[kind] !== before[kind]) this.#tell(participantId, { type: 'indication-changed', participantId, kind, on: after[kind] });
    }
    return result;
  }

  #addPublication(added: Omit<Publication, 'paused'>): Publication {
    const { participantId, source } = added;
    this.#withdraw(participantId, source);
    const declared = this.require(participantId).indication;
    const publication = this.#publications.set({ ...added, paused: declared ? !declared[kindOf(source)] : false });
    this.#tell(participantId, { type: 'publication-added', participantId, publication });
    return publication;
  }

  #withdraw(participantId: ParticipantId, source: Source): boolean {
    const publication = this.#publications.from(participantId, source);
    if (!publication) return false;
    this.#outlet.order({ type: 'close-producer', participantId, producer: publication.id });
    this.#endPublication(publication);
    return true;
  }

  #markPaused(before: Publication, paused: boolean): void {
    const { participantId } = before;
    const publication = this.#publications.set({ ...before, paused });
    this.#tell(participantId, { type: paused ? 'publication-paused' : 'publication-resumed', participantId, publication });
  }

  #endPublication(publication: Publication): void {
    const { participantId } = publication;
    this.#publications.forget(publication);
    this.#tell(participantId, { type: 'publication-removed', participantId, publication });
  }

  /** Its client has closed a connection. */
  #endConnection(connection: Connection): void {
    this.#connections.end(connection);
    this.#endPublicationsOver(connection);
  }

  #endPublicationsOver({ id, participantId }: Connection): void {
    this.#changePublications(participantId, () => {
      for (const publication of this.#publications.over(id)) this.#endPublication(publication);
    });
  }

  #changeConnection(changed: Connection): void {
    const { participantId, negotiated, isEstablished } = changed;
    const connection = this.#connections.set(changed);
    if (negotiated && isEstablished) this.#outlet.notice({ type: 'connection-changed', participantId, connection });
  }

  #newestFor(connection: Connection): Connection | undefined {
    return this.connectionFor(connection.participantId, connection.purpose);
  }

  /** What is published over the connection now. What went on stays, and what the media node has ended with the negotiation needs no order. */
  #publishOver({ id: connectionId, participantId }: Connection, tracks: Outcome['tracks']): void {
    const over = this.#publications.over(connectionId);
    const isSame = (publication: Publication, track: Outcome['tracks'][number]) =>
      publication.id === track.id && publication.source === track.source;
    this.#changePublications(participantId, () => {
      for (const publication of over) {
        if (!tracks.some((track) => isSame(publication, track))) this.#endPublication(publication);
      }
      for (const track of tracks) {
        if (!over.some((publication) => isSame(publication, track))) this.#addPublication({ ...track, participantId, connectionId });
      }
    });
  }

  /** Its publications go with it without a word of their own: for the others, leaving says it all. */
  #remove(participant: Participant, reason: LeaveReason): void {
    const { id, presence, disclosed } = participant;
    for (const connection of this.#connections.of(id)) this.#connections.close(connection);
    this.#connections.endViewsOf(id);
    this.#publications.forgetAllOf(id);
    // Somebody may have been told of it, somebody else not: after these two events everybody agrees.
    if (presence.state === 'entering' && disclosed) this.#announce(id);
    this.#participants.delete(id);
    if (presence.state === 'entering' && !disclosed) return;
    this.#emit({ type: 'participant-left', participantId: id, reason });
  }
}

function isStaleEntry({ presence, joinedAt }: Participant, now: Time): boolean {
  return presence.state === 'entering' && joinedAt + STALE_ENTRY <= now;
}

function mayTakeOver(earlier: Participant, { takeover }: JoinOptions): boolean {
  return takeover !== undefined && takeover === earlier.takeover;
}

/** Losing all media starts the lease of a participant that is present; getting some back ends it. */
function presenceAfterMediaChange({ presence }: Participant, lost: boolean, now: Time): Presence {
  if (presence.state !== 'present') return presence;
  return { ...presence, until: lost ? (presence.until ?? now + MEDIA_LOSS_GRACE) : null };
}
