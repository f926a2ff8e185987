import type { ParticipantId } from '../../../shared/ids.ts';
import type { MediaKind } from '../../../shared/rtp.ts';
import { kindOf } from '../../room/publication.ts';
import { PROBLEMS, Problem } from './errors.ts';
import { newId } from './ids.ts';
import { wishedLayers } from './layers.ts';
import type { Ledger, Member, SessionRecord, SubscriptionSession, Transport, WantedTrack } from './ledger.ts';
import { type ClientRequest, ROLES, type SubscribedTrack } from './messages.ts';
import type { Streams } from './streams.ts';

type Request<Event extends ClientRequest['event']> = Extract<ClientRequest, { event: Event }>;

/** No client has more of them at the same time. */
const MAX_OPEN_SESSIONS = 512;

/** What a request for a session is answered with. */
export interface Opened {
  readonly id: string;
  readonly transportId: string;
}

/** What members publish and subscribe to: the requests about it. Whatever is refused throws a {@link Problem} and has changed nothing. */
export class Sessions {
  readonly #ledger: Ledger;
  readonly #streams: Streams;

  constructor(ledger: Ledger, streams: Streams) {
    this.#ledger = ledger;
    this.#streams = streams;
  }

  publish(member: Member, request: Request<'publish'>): Opened {
    const { tracks, attributes = {} } = request;
    if (!tracks.every(({ kind }) => ROLES[member.role].publish[kind])) throw new Problem(PROBLEMS.unauthorized);
    const opened = this.#open(member, request);
    this.#ledger.room.openStream(member.id, opened.id, { attributes });
    this.#ledger.sessions.set({ ...opened, type: 'publication', participantId: member.id, state: 'new', tracks, attributes });
    return opened;
  }

  subscribe(member: Member, request: Request<'subscribe'>): Opened {
    const tracks = request.tracks.map((track) => this.#wanted(track));
    const allowed = ROLES[member.role].subscribe;
    if (!tracks.every(({ kind }) => kind === undefined || allowed[kind])) throw new Problem(PROBLEMS.unauthorized);
    // A client asks for sound and picture also of a stream that has only one of them; it must have something to give.
    if (!tracks.some((track) => this.#kindsOf(track).some((kind) => allowed[kind]))) throw new Problem(PROBLEMS.noTrack);
    const opened = this.#open(member, request);
    this.#ledger.sessions.set({ ...opened, type: 'subscription', participantId: member.id, state: 'new', tracks, sections: [] });
    return opened;
  }

  unpublish(member: Member, { id }: Request<'unpublish'>): void {
    this.end(this.#own(member, id, 'publication'));
  }

  unsubscribe(member: Member, { id }: Request<'unsubscribe'>): void {
    this.end(this.#own(member, id, 'subscription'));
  }

  /** Pauses or resumes what a member publishes, for everybody. */
  control(member: Member, { id, paused, kinds }: Request<'stream-control'>): void {
    const session = this.#own(member, id, 'publication');
    const found = kinds.filter((kind) => this.#ledger.room.setStreamPaused(session.id, kind, paused));
    if (found.length === 0) throw new Problem(PROBLEMS.noTrack);
  }

  /** Changes what a member receives, and nobody else. */
  controlSubscription(member: Member, { id, change }: Request<'subscription-control'>): void {
    const session = this.#own(member, id, 'subscription');
    if ('updates' in change) this.#update(session, change.updates);
    else this.#pause(session, change.kinds, change.paused);
  }

  /** Ends a session. What it needed is taken down; ending it once more changes nothing. */
  end(session: SessionRecord): void {
    if (session.state === 'ended') return;
    const { room, sessions, transports } = this.#ledger;
    const ended = { ...session, state: 'ended' as const, tracks: [] };
    sessions.set(ended);
    const transport = transports.get(session.transportId);
    if (session.type === 'publication') room.closeStream(session.id);
    else if (transport?.connectionId != null) {
      room.endViews(
        transport.connectionId,
        session.sections.map(({ mid }) => mid),
      );
    }
    // Clients of protocol 1.1 have a PeerConnection for each session, and throw it away with it.
    if (transport?.form === 'kinds') this.endTransport(transport);
  }

  /** Ends a transport and all that is on it. */
  endTransport(transport: Transport): void {
    const { room, sessions, transports } = this.#ledger;
    transports.delete(transport.id);
    for (const session of sessions.filter(({ transportId }) => transportId === transport.id)) this.end(session);
    if (transport.connectionId !== null) room.closeConnection(transport.connectionId);
  }

  /** Ends all that somebody publishes and subscribes to. */
  endAllOf(participantId: ParticipantId): void {
    const { transports } = this.#ledger;
    for (const transport of transports.filter((one) => one.participantId === participantId)) this.endTransport(transport);
  }

  /** A stream's best picture has another size: whoever wants one of a certain size may be served better by another layer. */
  chooseAnew(streamId: string): void {
    for (const session of this.#ledger.sessions.values()) {
      if (session.type === 'subscription' && session.tracks.some((track) => track.streamId === streamId)) this.choose(session);
    }
  }

  // ---- Inside --------------------------------------------------------------------------------------------------------------

  /** Gives a session its id and its transport. */
  #open(member: Member, request: Request<'publish'> | Request<'subscribe'>): Opened {
    const mine = this.#ledger.sessions.filter(({ participantId, state }) => participantId === member.id && state !== 'ended');
    if (mine.length >= MAX_OPEN_SESSIONS) throw new Problem(PROBLEMS.tooMany);
    const mids = request.tracks.flatMap(({ mid }) => mid ?? []);
    const transport = this.#transportFor(member.id, request, mids);
    if (new Set(mids).size < mids.length || (transport && this.#usesAny(transport, mids))) throw new Problem(PROBLEMS.sectionTaken);
    const id = newId();
    if (transport) return { id, transportId: transport.id };
    const { form, event } = request;
    const made = { id, participantId: member.id, form, isForPublishing: event === 'publish', connectionId: null, isReady: false };
    this.#ledger.transports.set(made);
    return { id, transportId: id };
  }

  /**
   * The transport that a request means; `undefined` for a new one. The original document has no word for it in `publish`: two tracks of one
   * PeerConnection have different media sections, and those of two PeerConnections have not.
   */
  #transportFor(
    participantId: ParticipantId,
    { event, form, transportId }: Request<'publish'> | Request<'subscribe'>,
    mids: readonly string[],
  ): Transport | undefined {
    if (transportId !== undefined) {
      const transport = this.#ledger.transports.get(transportId);
      if (transport?.participantId !== participantId) throw new Problem(PROBLEMS.noTransport);
      return transport;
    }
    if (event !== 'publish' || form !== 'track') return undefined;
    const newest = this.#ledger.transports
      .filter((transport) => transport.participantId === participantId && transport.form === 'track' && transport.isForPublishing)
      .at(-1);
    return newest && !this.#usesAny(newest, mids) ? newest : undefined;
  }

  #usesAny(transport: Transport, mids: readonly string[]): boolean {
    const open = this.#ledger.sessions.filter(({ transportId, state }) => transportId === transport.id && state !== 'ended');
    return open.some(({ tracks }) => tracks.some(({ mid }) => mid !== undefined && mids.includes(mid)));
  }

  #wanted({ from, ...track }: SubscribedTrack): WantedTrack {
    const named = this.#streams.named(from);
    if (!named) throw new Problem(PROBLEMS.noStream);
    // A client may have guessed the kind of a track that it names; the track knows it.
    const { stream, ...which } = named;
    if (which.kind !== undefined && track.kind !== undefined && which.kind !== track.kind) throw new Problem(PROBLEMS.noTrack);
    return { ...track, ...which, streamId: stream.id };
  }

  /** Kinds that the stream has of what is wanted. */
  #kindsOf({ streamId, kind }: WantedTrack): MediaKind[] {
    const stream = this.#ledger.streams.get(streamId);
    const kinds = stream ? this.#streams.publicationsOf(stream).map(({ source }) => kindOf(source)) : [];
    return kinds.filter((one) => kind === undefined || one === kind);
  }

  #own<Type extends SessionRecord['type']>(member: Member, id: string, type: Type): Extract<SessionRecord, { type: Type }> {
    const session = this.#ledger.sessions.get(id);
    const isKnown = session?.type === type || (type === 'publication' && this.#ledger.streams.get(id) !== undefined);
    if (!isKnown) throw new Problem(type === 'publication' ? PROBLEMS.noStream : PROBLEMS.noSubscription);
    if (session?.participantId !== member.id) throw new Problem(PROBLEMS.unauthorized);
    return session as Extract<SessionRecord, { type: Type }>;
  }

  #pause({ transportId, sections }: SubscriptionSession, kinds: readonly MediaKind[], paused: boolean): void {
    const connectionId = this.#ledger.transports.get(transportId)?.connectionId;
    const concerned = sections.filter(({ kind }) => kinds.includes(kind));
    if (connectionId == null || concerned.length === 0) throw new Problem(PROBLEMS.noTrack);
    for (const { mid } of concerned) this.#ledger.room.setSectionPaused(connectionId, mid, paused);
  }

  #update(
    session: SubscriptionSession,
    updates: Extract<Request<'subscription-control'>['change'], { updates: unknown }>['updates'],
  ): void {
    const tracks = session.tracks.map((track) => {
      const update = updates.find(({ kind }) => track.kind === undefined || track.kind === kind);
      if (!update) return track;
      const named = update.from === undefined ? undefined : this.#streams.named(update.from);
      if (update.from !== undefined && !named) throw new Problem(PROBLEMS.noStream);
      // Another stream would need another negotiation; another layer of the same one does not.
      if (named && named.stream.id !== track.streamId) throw new Problem(PROBLEMS.cannotSwitch);
      return { ...track, ...(named?.rid !== undefined && { rid: named.rid }), ...(update.parameters && { parameters: update.parameters }) };
    });
    this.#ledger.sessions.set({ ...session, tracks });
    this.choose({ ...session, tracks });
  }

  /** Asks for the layers that come closest to what the subscriber wants. */
  choose(session: SubscriptionSession): void {
    const connectionId = this.#ledger.transports.get(session.transportId)?.connectionId;
    if (connectionId == null) return;
    for (const { mid, kind } of session.sections) {
      const track = session.tracks.find((one) => one.mid === mid) ?? session.tracks.find((one) => one.kind === kind);
      const stream = track && this.#ledger.streams.get(track.streamId);
      const publication = stream && this.#streams.publicationsOf(stream).find(({ source }) => kindOf(source) === 'video');
      if (kind !== 'video' || !track || !publication) continue;
      const layers = wishedLayers(track, publication.rids ?? [], this.#streams.qualityOf(stream));
      if (layers) this.#ledger.room.setSectionLayers(connectionId, mid, layers);
    }
  }
}
