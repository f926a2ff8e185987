import type { MediaId, ParticipantId, RoomId, StreamId } from '../../shared/ids.ts';
import type { Layers } from '../../shared/media-api.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import { Board, type Page } from './board.ts';
import { type Connection, type ConnectionDirection, type Direction, isLost } from './connection.ts';
import { Connections } from './connections.ts';
import { Refusal } from './errors.ts';
import type { LeaveReason, MediaOrder, Notice, RoomEvent, UnnumberedRoomEvent } from './events.ts';
import type { Floor, FloorRecord } from './floor.ts';
import { KEPT_MESSAGES, type Message, messageIdOf } from './message.ts';
import type { Outcome } from './negotiation.ts';
import { deadlineOf, type Indication, type Participant, type Presence, type SessionId, type Time } from './participant.ts';
import { kindOf, type PictureSize, type Publication, type Source } from './publication.ts';
import { Publications } from './publications.ts';
import { Collection, type RecordStore } from './records.ts';
import type { RoomRecord, RoomSnapshot, Topology } from './snapshot.ts';
import { defaultStreamOf, type Stream, type StreamRecord } from './stream.ts';
import type { Subscription } from './subscription.ts';
import type { View } from './view.ts';

/** Where the room's decisions go. Called synchronously and in order. */
export interface RoomOutlet {
  event(event: RoomEvent): void;
  notice(notice: Notice): void;
  order(order: MediaOrder): void;
  /** Runs a task a little later, unless the process ends before. */
  defer(task: () => void): void;
  /** Somebody, perhaps one whom nobody knew, is not in the room any more: its sessions are over. */
  gone(participantId: ParticipantId, reason: LeaveReason): void;
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
  readonly indication?: Partial<Indication>;
  /** See {@link Participant}. */
  readonly origin?: string;
  readonly role?: string;
  readonly name?: string;
  readonly observer?: true;
  readonly direct?: true;
  readonly lease?: Time;
}

/** What a stream is to be, when it is opened. */
export interface StreamOptions {
  readonly label?: string;
  readonly attributes?: unknown;
}

const ALL_ON: Indication = { audio: true, video: true };

/** A room that nobody entered, or nobody came back to after its media were lost, is forgotten after this long. */
const UNUSED_ROOM_LIFE: Time = 5 * 60_000;

/** An attempt to join that is older than this gives way to a new one of the same identity. */
const STALE_ENTRY: Time = 10_000;

/** Leases are moved in steps of this at least: whoever says much must not make a write of every word. */
const LEASE_STEP: Time = 5_000;

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
  readonly #floors: Collection<FloorRecord>;
  readonly #messages: Collection<Message>;
  readonly #board: Board;
  readonly #settings: RoomSettings;
  readonly #outlet: RoomOutlet;
  readonly id: RoomId;
  /** Number of the last event. Where that drew a stroke, it is stored together with the stroke. */
  #sequence: number;
  /** Who is audible now. Not stored: the media node tells it anew whenever it changes. */
  #talking: ReadonlySet<ParticipantId> = new Set();

  constructor(snapshot: RoomSnapshot, settings: RoomSettings, store: RecordStore, outlet: RoomOutlet) {
    this.id = snapshot.room.id;
    this.#record = new Collection('room', store, [snapshot.room]);
    this.#participants = new Collection('participants', store, snapshot.participants);
    this.#publications = new Publications(snapshot, store);
    this.#connections = new Connections(snapshot, store, outlet);
    this.#floors = new Collection('floors', store, snapshot.floors);
    this.#messages = new Collection('messages', store, snapshot.messages);
    this.#board = new Board(store, {
      defer: (task) => {
        outlet.defer(task);
      },
      stored: () => {
        this.#saveSequence();
      },
    });
    this.#sequence = snapshot.room.sequence;
    this.#settings = settings;
    this.#outlet = outlet;
  }

  /** Stores a room that has just been made. A room that was loaded is stored already. */
  save(): void {
    this.#record.set(this.#own);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get topology(): Topology {
    return this.#own.topology;
  }

  get capacity(): number {
    return Math.min(this.#settings.capacity, this.#own.capacity ?? Infinity);
  }

  /** All but the observers, in the order in which they joined. */
  participants(): Participant[] {
    return this.#participants.filter(({ observer }) => observer !== true).toSorted(byGeneration);
  }

  observers(): Participant[] {
    return this.#participants.filter(({ observer }) => observer === true);
  }

  /** The participant that has been in the room longest: it may do what concerns all. */
  host(): Participant | undefined {
    return this.participants().find(({ presence }) => presence.state !== 'entering');
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

  /** The streams that have begun. */
  streams(): Stream[] {
    return this.#publications.streams();
  }

  streamsOf(participantId: ParticipantId): Stream[] {
    return this.#publications.streamsOf(participantId);
  }

  /** A stream that has begun. */
  stream(id: StreamId): Stream | undefined {
    return this.streams().find((stream) => stream.id === id);
  }

  /** The stream of that name, whether or not it has begun. */
  streamLabelled(label: string): StreamRecord | undefined {
    return this.#publications.streamRecords().find((stream) => stream.label === label);
  }

  floorHolder(floor: Floor): ParticipantId | undefined {
    return this.#floors.get(floor)?.participantId;
  }

  /** The latest lines of chat, the oldest first. */
  messages(): Message[] {
    return this.#messages.values();
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

  viewsOfStream(stream: StreamId): View[] {
    return this.#connections.viewsOfStream(stream);
  }

  /** What the others are shown of a participant's microphone and camera; a screen is something to see, too. */
  indicationOf(participantId: ParticipantId): Indication {
    const declared = this.#participants.get(participantId)?.indication;
    const shows = (kind: MediaKind) => this.publicationsOf(participantId).some(({ source, paused }) => !paused && kindOf(source) === kind);
    return declared ? { ...ALL_ON, ...declared } : { audio: shows('audio'), video: shows('video') };
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
    if (!earlier && options.observer !== true && this.participants().length >= this.capacity) throw new Refusal('room-full');
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

  /**
   * An observer becomes a participant like the others, which are told of it. Nothing changes for one that is no observer.
   *
   * @param name as the others are to call it, unless it has a name.
   * @throws Refusal `participant-not-found`, `room-full`.
   */
  reveal(id: ParticipantId, name: string): void {
    const { observer, ...participant } = this.require(id);
    if (observer !== true) return;
    if (this.participants().length >= this.capacity) throw new Refusal('room-full');
    this.#participants.set({ name, ...participant });
    if (participant.presence.state !== 'entering') this.#announce(id);
  }

  /** A participant that has not opened its session yet gave a sign of life. */
  extendEntry(id: ParticipantId, until: Time): void {
    const participant = this.#participants.get(id);
    if (participant?.presence.state === 'entering') {
      this.#participants.set({ ...participant, presence: { state: 'entering', until } });
    }
  }

  /** A participant with a lease gave a sign of life. */
  renewLease(id: ParticipantId, until: Time): void {
    const participant = this.#participants.get(id);
    if (participant?.lease === undefined || until < participant.lease + LEASE_STEP) return;
    this.#participants.set({ ...participant, lease: until });
  }

  /** Puts a participant out. @throws Refusal `participant-not-found`. */
  expel(id: ParticipantId): void {
    this.#remove(this.require(id), 'expelled');
  }

  /** Ends the room with everybody in it. */
  end(): void {
    // Observers hear the end of what they observe.
    for (const { id } of [...this.participants(), ...this.observers()]) this.leave(id, 'room-ended');
    this.#noteEntry();
  }

  /** Removes everybody whose lease has run out. */
  sweep(now: Time): void {
    for (const participant of this.#participants.values()) {
      const until = deadlineOf(participant);
      if (until !== null && until <= now) this.#remove(participant, 'vanished');
    }
  }

  /** When `sweep` or `isOver` will next have something to say; `null` if only an event can change the room. */
  nextDeadline(): Time | null {
    if (this.#participants.size === 0) return this.#own.createdAt + UNUSED_ROOM_LIFE;
    const leases = this.#participants.values().flatMap((participant) => deadlineOf(participant) ?? []);
    return leases.length > 0 ? Math.min(...leases) : null;
  }

  /** Whether the room has ended: the last participant has left, or nobody came in time. */
  isOver(now: Time): boolean {
    if (this.#participants.size > 0) return false;
    return this.#own.entered || now >= this.#own.createdAt + UNUSED_ROOM_LIFE;
  }

  // ---- Publishing and subscribing ------------------------------------------------------------------------------------------

  /** Adds what a producer of the media node carries. A publication of the same source is replaced. */
  publish(participantId: ParticipantId, source: Source, id: MediaId, format: Pick<Publication, 'codec' | 'rids'> = {}): Publication {
    const stream = defaultStreamOf(this.require(participantId), source);
    return this.#changePublications(participantId, () => this.#addPublication({ id, participantId, stream, source, ...format }));
  }

  /** Ends a publication. @returns whether there was one. */
  unpublish(participantId: ParticipantId, source: Source): boolean {
    return this.#changePublications(participantId, () => this.#withdraw(this.#published(participantId, source)));
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
    const publication = this.#published(participantId, source);
    if (!publication) return false;
    this.#outlet.order({ type: paused ? 'pause-producer' : 'resume-producer', participantId, producer: publication.id });
    this.#changePublications(participantId, () => {
      this.#markPaused(publication, paused);
    });
    return true;
  }

  /**
   * Opens a stream that has a name or attributes, or that is one of several of its owner; it begins with the first publication in it.
   *
   * @throws Refusal `stream-exists` while a stream of that id, or of that name, is open.
   */
  openStream(participantId: ParticipantId, id: StreamId, options: StreamOptions = {}): StreamRecord {
    this.require(participantId);
    const { label } = options;
    const isTaken = this.#publications.streamRecord(id) ?? (label !== undefined && this.streamLabelled(label));
    if (isTaken) throw new Refusal('stream-exists');
    return this.#publications.setStream({ id, participantId, ...options });
  }

  /** Whether something may be published in a stream, or is. */
  isOpenStream(id: StreamId): boolean {
    return this.#publications.streamRecord(id) !== undefined;
  }

  /** Ends a stream with everything that is published in it, and a stream that never began. Unknown ones are ignored. */
  closeStream(id: StreamId): void {
    const stream = this.#publications.streamRecord(id);
    if (!stream) return;
    this.#changePublications(stream.participantId, () => {
      for (const publication of this.#publications.in(id)) this.#withdraw(publication);
    });
    this.#publications.deleteStream(id);
  }

  /**
   * Pauses or resumes what is published in a stream, for everybody.
   *
   * @param kind only of this kind.
   * @returns whether there is anything of it.
   */
  setStreamPaused(id: StreamId, kind: MediaKind, paused: boolean): boolean {
    const concerned = this.#publications.in(id).filter((publication) => kindOf(publication.source) === kind);
    for (const { participantId, id: producer } of concerned) {
      this.#outlet.order({ type: paused ? 'pause-producer' : 'resume-producer', participantId, producer });
      this.#changePublications(participantId, () => {
        const publication = this.#publications.get(producer);
        if (publication) this.#markPaused(publication, paused);
      });
    }
    return concerned.length > 0;
  }

  /**
   * Declares what the others are shown of a stream, which goes on sending all the same.
   *
   * @param kind only of this kind.
   */
  declareStream(id: StreamId, kind: MediaKind, on: boolean): void {
    for (const publication of this.#publications.in(id)) {
      if (kindOf(publication.source) !== kind || publication.paused !== on) continue;
      this.#changePublications(publication.participantId, () => {
        this.#markPaused(publication, !on);
      });
    }
  }

  /**
   * Declares what the others are shown of the participant's microphones or cameras, which goes on sending all the same. Also a declaration that
   * changes nothing is told.
   */
  declare(participantId: ParticipantId, kind: MediaKind, on: boolean): void {
    const participant = this.require(participantId);
    const before = participant.indication ?? this.indicationOf(participantId);
    this.#participants.set({ ...participant, indication: { ...before, [kind]: on } });
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
   * @param options what the media node offers in it, where the client makes no offer; what its protocol has to remember of it.
   */
  openConnection(
    participantId: ParticipantId,
    direction: ConnectionDirection,
    purpose: string,
    id: MediaId,
    options: Pick<Connection, 'offered' | 'note'> = {},
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
      ...options,
    });
  }

  /** Replaces what a protocol remembers of a connection. Unknown ones are ignored. */
  annotate(connectionId: MediaId, note: unknown): void {
    const connection = this.#connections.get(connectionId);
    if (connection) this.#connections.set({ ...connection, note });
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
   * @throws Refusal `superseded`; `participant-not-found` or `stream-not-found` when what is to be viewed is gone, or when a stream
   * that is to be published in is not (or no longer) open for this participant.
   */
  establish(negotiated: Connection, { tracks, leftover = [], views }: Outcome): Connection {
    const connection = this.requireNewest(negotiated);
    const { participantId } = connection;
    for (const { watchedId, stream } of views) this.#requireWatched(watchedId, stream);
    for (const { stream } of tracks) this.#requireOwnStream(participantId, stream);
    const established = this.#changePublications(participantId, () => {
      for (const earlier of this.#connections.for(connection)) if (earlier.id !== connection.id) this.#dropConnection(earlier);
      const changed = this.#connections.set({ ...connection, isEstablished: true });
      this.#publishOver(changed, tracks);
      return changed;
    });
    for (const producer of leftover) this.#outlet.order({ type: 'close-producer', participantId, producer });
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

  /** Chooses the layers that a participant receives in a section. @returns whether there is such a section. */
  setSectionLayers(connectionId: MediaId, mid: string, layers: Layers): boolean {
    const view = this.#connections.viewsIn(connectionId).find(({ sections }) => sections.some((section) => section.mid === mid));
    if (!view) return false;
    this.#outlet.order({ type: 'choose-layers', participantId: view.participantId, connection: connectionId, mid, layers });
    return true;
  }

  /** Ends a connection with what is published and viewed over it. A participant that had lost nothing else has lost nothing any more. */
  closeConnection(id: MediaId): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    const { participantId } = connection;
    this.#changePublications(participantId, () => {
      this.#dropConnection(connection);
    });
    this.#endMediaLoss(connection.participantId);
  }

  // ---- What participants tell each other ------------------------------------------------------------------------------------

  /** Gives a participant the name by which the others are to call it. */
  rename(participantId: ParticipantId, name: string): void {
    this.#participants.set({ ...this.require(participantId), name });
    this.#tell(participantId, { type: 'participant-renamed', participantId, name });
  }

  /** Notes that a participant blurs its background, or does not any more. The picture itself is the client's affair. */
  setBlurred(participantId: ParticipantId, on: boolean): void {
    this.#participants.set({ ...this.require(participantId), blurred: on });
    this.#tell(participantId, { type: 'blur-changed', participantId, on });
  }

  /**
   * Says something in the room's chat, to everybody or to one.
   *
   * @throws Refusal `participant-not-found` where either of the two is not there.
   */
  say(from: ParticipantId, text: string, now: Time, to?: ParticipantId): void {
    this.#requireAnnounced(from);
    if (to !== undefined) this.require(to);
    const addressee = to === undefined ? {} : { to };
    this.#messages.set({ id: messageIdOf(this.sequence + 1), from, ...addressee, text, at: now });
    const oldest = this.#messages.size > KEPT_MESSAGES ? this.#messages.oldest() : undefined;
    if (oldest) this.#messages.delete(oldest.id);
    this.#tell(from, { type: 'message-sent', participantId: from, text, ...addressee });
  }

  /**
   * Passes on something that only the clients understand. It is not kept.
   *
   * @throws Refusal `participant-not-found` where sender or addressee is not there.
   */
  sendData(from: ParticipantId, data: unknown, about: { readonly to?: ParticipantId; readonly stream?: StreamId } = {}): void {
    this.#requireAnnounced(from);
    if (about.to !== undefined) this.require(about.to);
    this.#tell(from, { type: 'data-sent', participantId: from, data, ...about });
  }

  /**
   * Draws a stroke on the room's board, in words that only the clients understand.
   *
   * @param clears whether the stroke empties the board.
   */
  draw(participantId: ParticipantId, stroke: string, clears: boolean): void {
    this.#requireAnnounced(participantId);
    if (clears) this.#board.clear();
    this.#tell(participantId, { type: 'stroke-drawn', participantId, stroke, clears });
    if (!clears) this.#board.add(stroke, this.sequence);
  }

  /** A part of what stands on the board, in the order in which it was drawn. @param after where the last part ended. */
  boardFrom(after?: string): Page {
    return this.#board.read(after);
  }

  /**
   * Takes a floor. Whoever has it already keeps it, and nobody is told again.
   *
   * @throws Refusal `participant-not-found`, `floor-taken`.
   */
  takeFloor(floor: Floor, participantId: ParticipantId): void {
    this.#requireAnnounced(participantId);
    this.requireFloor(floor, participantId);
    if (this.floorHolder(floor) === participantId) return;
    this.#floors.set({ id: floor, participantId });
    this.#tell(participantId, { type: 'floor-taken', participantId, floor });
  }

  /** @throws Refusal `floor-taken` when somebody else has the floor. A floor that nobody has is open to all. */
  requireFloor(floor: Floor, participantId: ParticipantId): void {
    const holder = this.floorHolder(floor);
    if (holder !== undefined && holder !== participantId) throw new Refusal('floor-taken');
  }

  /** Gives a floor back. What was drawn ends with the whiteboard. @throws Refusal `floor-not-held`. */
  releaseFloor(floor: Floor, participantId: ParticipantId): void {
    if (this.floorHolder(floor) !== participantId) throw new Refusal('floor-not-held');
    this.#floors.delete(floor);
    if (floor === 'whiteboard') this.#board.clear();
    this.#tell(participantId, { type: 'floor-released', participantId, floor });
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

  /**
   * The pictures of a publication have this size from now on. One that has ended is passed over.
   *
   * @param sizedLayer which layer of simulcast has it, counted from 0.
   */
  pictureSized(id: MediaId, size: PictureSize, sizedLayer: number): void {
    const publication = this.#publications.get(id);
    if (publication) this.#publications.set({ ...publication, size, sizedLayer });
  }

  /** These publications are audible now, and no others. Whoever publishes before anybody knows of it talks from the next time on. */
  audibleChanged(publications: readonly MediaId[]): void {
    const owners = publications.flatMap((id) => this.#publications.get(id)?.participantId ?? []);
    const talking = new Set(owners.filter((id) => this.#participants.get(id)?.presence.state !== 'entering'));
    const before = this.#talking;
    this.#talking = talking;
    for (const participantId of before) if (!talking.has(participantId)) this.#emitTalking(participantId, false);
    for (const participantId of talking) if (!before.has(participantId)) this.#emitTalking(participantId, true);
  }

  /** The media node has lost everything: nobody is connected any more. The room waits for its members as a new one does. */
  mediaLost(now: Time): void {
    if (this.#participants.size > 0) this.#record.set({ ...this.#own, createdAt: now, entered: false });
    this.#connections.forgetAll();
    for (const participant of this.#participants.values()) this.#remove(participant, 'media-lost');
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
    this.#sequence += 1;
    // The board sees to it, once for many strokes.
    if (event.type !== 'stroke-drawn' || event.clears) this.#saveSequence();
    this.#outlet.event({ ...event, sequence: this.#sequence });
  }

  #saveSequence(): void {
    this.#record.set({ ...this.#own, sequence: this.#sequence });
  }

  /** Tells something about a participant, unless nobody knows of it yet. */
  #tell(participantId: ParticipantId, event: UnnumberedRoomEvent): void {
    const participant = this.#participants.get(participantId);
    if (participant && participant.presence.state !== 'entering' && !participant.observer) this.#emit(event);
  }

  #announce(participantId: ParticipantId): void {
    const participant = this.require(participantId);
    if (participant.observer) return;
    const turned = this.topology === 'direct' && !this.staysDirect();
    if (turned) this.#record.set({ ...this.#own, topology: 'routed' });
    this.#emit({
      type: 'participant-joined',
      participantId,
      participant,
      publications: this.publicationsOf(participantId),
      streams: this.streamsOf(participantId),
      indication: this.indicationOf(participantId),
      topology: this.topology,
      turned,
    });
  }

  /** Whether those who are announced, and one more where given, exchange their media directly. */
  staysDirect(newcomer?: { readonly direct: boolean }): boolean {
    const announced = this.participants().filter(({ presence }) => presence.state !== 'entering');
    const canAll = announced.every(({ direct }) => direct) && newcomer?.direct !== false;
    return this.topology === 'direct' && canAll && announced.length + (newcomer ? 1 : 0) <= 2;
  }

  #emitTalking(participantId: ParticipantId, talking: boolean): void {
    if (this.#participants.get(participantId)) this.#emit({ type: 'talking-changed', participantId, talking });
  }

  /** What follows from a change of a participant's publications, for its viewers and for what others are shown, follows once, from the whole of it. */
  #changePublications<Result>(participantId: ParticipantId, change: () => Result): Result {
    const [before, streamsBefore] = [this.indicationOf(participantId), this.streamsOf(participantId)];
    const result = change();
    this.#connections.show(participantId, this.publicationsOf(participantId));
    this.#tellStreams(participantId, streamsBefore);
    const after = this.indicationOf(participantId);
    for (const kind of ['audio', 'video'] as const) {
      if (after[kind] !== before[kind]) this.#tell(participantId, { type: 'indication-changed', participantId, kind, on: after[kind] });
    }
    return result;
  }

  /** Tells which streams have begun, changed and ended. Those that have ended are forgotten, and nobody views them any more. */
  #tellStreams(participantId: ParticipantId, before: readonly Stream[]): void {
    const after = this.streamsOf(participantId);
    for (const stream of before.filter(({ id }) => !after.some((one) => one.id === id))) this.#endStream(stream);
    for (const stream of after) {
      const earlier = before.find(({ id }) => id === stream.id);
      if (!earlier) this.#tell(participantId, { type: 'stream-started', participantId, stream });
      else if (!hasSamePublications(earlier, stream)) this.#tell(participantId, { type: 'stream-changed', participantId, stream });
    }
  }

  #endStream(stream: Stream): void {
    const { id, participantId } = stream;
    this.#publications.deleteStream(id);
    this.#tell(participantId, { type: 'stream-ended', participantId, stream });
    this.#connections.endViewsOfStream(id);
  }

  /** What a participant publishes of a source in its default stream. */
  #published(participantId: ParticipantId, source: Source): Publication | undefined {
    const participant = this.#participants.get(participantId);
    return participant && this.#publications.from(defaultStreamOf(participant, source), source);
  }

  #addPublication(added: Omit<Publication, 'paused'>): Publication {
    const { participantId, source, stream } = added;
    if (!this.#publications.streamRecord(stream)) this.#publications.setStream({ id: stream, participantId });
    this.#withdraw(this.#publications.from(stream, source));
    const declared = this.require(participantId).indication;
    const publication = this.#publications.set({ ...added, paused: declared?.[kindOf(source)] === false });
    this.#tell(participantId, { type: 'publication-added', participantId, publication });
    return publication;
  }

  #withdraw(publication: Publication | undefined): boolean {
    if (!publication) return false;
    this.#outlet.order({ type: 'close-producer', participantId: publication.participantId, producer: publication.id });
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

  #dropConnection(connection: Connection): void {
    this.#connections.close(connection);
    for (const publication of this.#publications.over(connection.id)) this.#endPublication(publication);
  }

  /** Its client has closed a connection. */
  #endConnection(connection: Connection): void {
    this.#connections.end(connection);
    this.#changePublications(connection.participantId, () => {
      for (const publication of this.#publications.over(connection.id)) this.#endPublication(publication);
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

  /** What nobody knows to be there cannot say or take anything. @throws Refusal `participant-not-found` */
  #requireAnnounced(id: ParticipantId): void {
    const { presence, observer } = this.require(id);
    if (presence.state === 'entering' || observer) throw new Refusal('participant-not-found');
  }

  #requireWatched(watchedId: ParticipantId, stream: StreamId | undefined): void {
    this.require(watchedId);
    if (stream !== undefined && !this.stream(stream)) throw new Refusal('stream-not-found');
  }

  #requireOwnStream(participantId: ParticipantId, stream: StreamId | undefined): void {
    if (stream === undefined || this.#publications.streamRecord(stream)?.participantId === participantId) return;
    throw new Refusal('stream-not-found');
  }

  /** What is published over the connection now. What went on stays, and what the media node has ended with the negotiation needs no order. */
  #publishOver({ id: connectionId, participantId }: Connection, tracks: Outcome['tracks']): void {
    const participant = this.require(participantId);
    const over = this.#publications.over(connectionId);
    const wanted = tracks.map((track) => ({ ...track, stream: track.stream ?? defaultStreamOf(participant, track.source) }));
    const isSame = (publication: Publication, track: (typeof wanted)[number]) =>
      publication.id === track.id && publication.source === track.source && publication.stream === track.stream;
    for (const publication of over) {
      if (!wanted.some((track) => isSame(publication, track))) this.#endPublication(publication);
    }
    for (const track of wanted) {
      if (!over.some((publication) => isSame(publication, track))) this.#addPublication({ ...track, participantId, connectionId });
    }
  }

  /** Whoever gives up the connection that it has lost is not taken for vanished. */
  #endMediaLoss(id: ParticipantId): void {
    const participant = this.#participants.get(id);
    if (participant?.presence.state !== 'present' || isLost(this.#connections.of(id))) return;
    this.#participants.set({ ...participant, presence: { ...participant.presence, until: null } });
  }

  /** Its publications go with it without a word of their own: for the others, leaving says it all. */
  #remove(participant: Participant, reason: LeaveReason): void {
    const { id, presence, disclosed } = participant;
    for (const floor of this.#floors.filter((one) => one.participantId === id)) this.releaseFloor(floor.id, id);
    for (const stream of this.streamsOf(id)) this.#endStream(stream);
    for (const connection of this.#connections.of(id)) this.#connections.close(connection);
    this.#connections.endViewsOf(id);
    this.#publications.forgetAllOf(id);
    // Somebody may have been told of it, somebody else not: after these two events everybody agrees.
    if (presence.state === 'entering' && disclosed) this.#announce(id);
    this.#participants.delete(id);
    const isKnown = !participant.observer && (presence.state !== 'entering' || disclosed);
    if (isKnown) this.#emit({ type: 'participant-left', participantId: id, participant, reason });
    this.#outlet.gone(id, reason);
    if (!participant.observer && this.participants().length === 0) {
      this.#board.clear();
      // There is nothing to observe any more.
      for (const observer of this.observers()) this.#remove(observer, 'room-ended');
    }
  }
}

function byGeneration(one: Participant, other: Participant): number {
  return one.generation - other.generation;
}

function hasSamePublications(one: Stream, other: Stream): boolean {
  const ids = ({ publications }: Stream) => publications.map(({ id }) => id).join(' ');
  return ids(one) === ids(other);
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
