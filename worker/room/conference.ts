import { assertNever } from '../../shared/assert-never.ts';
import type { IceServer } from '../../shared/ice.ts';
import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { BodyInputOf, ConsumerInfo, IncomingLimit, ResultOf, TransportInfo } from '../../shared/media-api.ts';
import type { DtlsParameters, MediaKind, RtpCapabilities, RtpParameters } from '../../shared/rtp.ts';
import type { Description } from '../../shared/sdp.ts';
import type { Connection, ConnectionDirection, Direction } from './connection.ts';
import { Refusal } from './errors.ts';
import type { MediaOrder } from './events.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { MediaPlane } from './media-plane.ts';
import { outcomeOf, type Part, planOf, type Sources, streamOf, viewOf, type Watching } from './negotiation.ts';
import type { Participant, Time } from './participant.ts';
import { type Publication, type Source, kindOf } from './publication.ts';
import type { JoinOptions, Room } from './room.ts';
import type { Stream } from './stream.ts';
import { watchedOf } from './view.ts';

/** Everything that a client needs to send and to receive. */
export interface Entry {
  readonly participant: Participant;
  readonly rtpCapabilities: ResultOf<'openRoom'>['rtpCapabilities'];
  readonly transports: Readonly<Record<Direction, TransportInfo>>;
  readonly iceServers: readonly IceServer[];
}

/** A client's offer of a connection that is negotiated by SDP. */
export interface Offer {
  readonly sdp: string;
  /** What the connection is for, in words of the protocol: an answered offer takes the place of an earlier one with the same purpose. */
  readonly purpose: string;
  /** What the protocol has to remember of the connection. */
  readonly note?: unknown;
}

/** What a participant publishes by an offer. */
export interface PublishOptions {
  /** One that is open already; without it the default streams of the sources. */
  readonly stream?: StreamId;
  /** What the first section of each kind shows; microphone and camera if not given. */
  readonly sources?: Sources;
}

/** Whom to watch: everything of a participant, what it sends from some sources, or one stream. */
export type Watched = { readonly participant: ParticipantId; readonly sources?: readonly Source[] } | { readonly stream: StreamId };

/** What the sections of a client's offer are for, in words of a protocol. */
export type OfferedPart = Extract<Part, { use: 'publish' }> | OfferedView;

/** Only some sources of a stream, where that is watched; its tracks go to the `mediaStream` of the client, if not to one for all of the stream. */
interface OfferedView extends Pick<Watching, 'sources' | 'mediaStream' | 'isAnnounced'> {
  readonly use: 'view';
  readonly mids?: readonly string[];
  readonly watched: Watched;
}

/** As a function where it is to be found out only when it is the offer's turn what its sections are for: until then things may come and go. */
type Parts = readonly OfferedPart[] | (() => readonly OfferedPart[]);

/** What the media node is to offer to a participant that watches another. */
export interface WantedView {
  readonly watched: Watched;
  /** The sections that are there, whether or not there is anything to see or to hear yet. */
  readonly kinds: readonly MediaKind[];
  readonly purpose: string;
}

/** What may flow in the room; what is left out stays as it is. */
export type MediaLimits = BodyInputOf<'setLimits'>;

/** A description for the client, and the connection that it is about. */
export interface Negotiated extends Description {
  /** Its `state` may be `connected` by now. What comes later comes as a notice. */
  readonly connection: Connection;
}

/** What a participant sends in a section that says only the kind. */
const CAMERA: Sources = { audio: 'microphone', video: 'camera' };

/**
 * What a participant does that needs both the room's decision and the media node's work.
 *
 * The room decides first where it can refuse, then the media node works, then the room takes the result over. While the media node works the
 * participant may leave or be replaced: its generation is checked again afterwards, and what was made for it is taken down.
 */
export class Conference {
  readonly #room: Room;
  readonly #media: MediaPlane;
  /** One queue per participant and direction for what depends on the order of calls. */
  readonly #queues = new KeyedQueue();

  constructor(room: Room, media: MediaPlane) {
    this.#room = room;
    this.#media = media;
  }

  /**
   * Makes sure that the room has media.
   *
   * @throws Refusal `media-unavailable`.
   */
  async prepare(): Promise<void> {
    await this.#media.open();
  }

  /**
   * Gives a newcomer a seat and two transports. A seat whose transports cannot be made is given back.
   *
   * @param until deadline for opening a session.
   */
  async enter(id: ParticipantId, now: Time, until: Time, options: JoinOptions = {}): Promise<Entry> {
    const { generation } = this.#room.join(id, now, until, options);
    try {
      const { rtpCapabilities } = await this.#media.open();
      const [send, receive, ice] = await Promise.all([
        this.#openTransport(id, generation, 'send'),
        this.#openTransport(id, generation, 'receive'),
        this.#media.iceServers({ policy: 'sfu' }),
      ]);
      const participant = this.#room.require(id, generation);
      return { participant, rtpCapabilities, transports: { send, receive }, iceServers: ice.iceServers };
    } catch (error) {
      if (this.#room.participant(id)?.generation === generation) this.#room.leave(id, 'left');
      throw error;
    }
  }

  /** Completes one direction's DTLS handshake with the client's parameters. */
  async connect(id: ParticipantId, direction: Direction, dtlsParameters: DtlsParameters): Promise<void> {
    const transport = this.#transportOf(this.#room.require(id), direction);
    await this.#media.call('connectTransport', { transport }, { dtlsParameters });
  }

  /**
   * Publishes a track, in place of one of the same source.
   *
   * The earlier producer is closed before the new one is made, because a client may use its `mid` and ssrc again.
   *
   * @throws Refusal `floor-taken` for a screen, while somebody else has the floor for one.
   */
  async publish(id: ParticipantId, source: Source, rtpParameters: RtpParameters): Promise<Publication> {
    const { generation } = this.#room.require(id);
    this.#requireFloor(id, [source]);
    this.#room.unpublish(id, source);
    return this.#inTurn(id, 'send', async () => {
      const transport = this.#transportOf(this.#room.require(id, generation), 'send');
      const producer = await this.#media.call('createProducer', {}, { transport, kind: kindOf(source), rtpParameters });
      // If the participant has left meanwhile, its transport was closed, and the producer with it.
      this.#room.require(id, generation);
      try {
        this.#requireFloor(id, [source]);
      } catch (error) {
        await this.#media.call('closeProducer', { producer: producer.id }, {});
        throw error;
      }
      return this.#room.publish(id, source, producer.id, formatOf(rtpParameters));
    });
  }

  /**
   * Answers an offer by which the participant publishes the first section of each kind. A bad offer leaves what it published before as it was.
   *
   * @param sources what it sends.
   * @throws Refusal `floor-taken` for a screen, while somebody else has the floor for one; `superseded` when there is a newer offer or the participant has left: then the answer means nothing to the client.
   */
  publishByOffer(id: ParticipantId, offer: Offer, { stream, sources = CAMERA }: PublishOptions = {}): Promise<Negotiated> {
    const connection = this.#room.openConnection(id, 'send', offer.purpose, crypto.randomUUID(), { note: offer.note });
    const part: Part = { use: 'publish', sources, ...(stream !== undefined && { stream }) };
    return this.#answer(connection, offer.sdp, () => [part]);
  }

  /**
   * Answers an offer by which the participant views another. The answer does not wait for the other to publish: that appears when it is there,
   * and whatever takes its place later, without a new offer. A single stream, however, must have begun, and the view ends with it.
   *
   * @throws Refusal `participant-not-found`, `stream-not-found`; `superseded` when there is a newer offer or one of the two has left.
   */
  async viewByOffer(id: ParticipantId, watched: Watched, offer: Offer): Promise<Negotiated> {
    const part = this.#partOf({ use: 'view', watched });
    const connection = this.#room.openConnection(id, 'receive', offer.purpose, crypto.randomUUID(), { note: offer.note });
    return this.#answer(connection, offer.sdp, () => [part]);
  }

  /**
   * Answers the first offer of a connection in which the participant publishes and views what it likes, and which it negotiates again and again.
   * Sections for which there is nothing, because they have no part or because the watched has left, are answered `inactive`.
   *
   * @throws Refusal `participant-not-found` or `stream-not-found` when what is to be viewed is not there; `superseded`.
   */
  async negotiate(id: ParticipantId, offer: Offer, parts: Parts): Promise<Negotiated> {
    const known = this.#inTime(parts);
    return this.#answer(this.#room.openConnection(id, 'both', offer.purpose, crypto.randomUUID(), { note: offer.note }), offer.sdp, known);
  }

  /**
   * Answers a later offer of such a connection. The parts say again what all its sections are for; what is the same as before goes on. When the
   * offer cannot be answered, the connection stays as it was.
   *
   * @throws Refusal `participant-not-found`, `stream-not-found`; `superseded` when the connection is gone, or a newer offer has come.
   */
  async negotiateAgain(id: ParticipantId, connectionId: MediaId, sdp: string, parts: Parts): Promise<Negotiated> {
    const known = this.#inTime(parts);
    return this.#answer(this.#room.reopenConnection(id, connectionId), sdp, known);
  }

  /**
   * Makes an offer by which the participant will view another. Nothing is viewed before the participant has answered, however late; afterwards
   * everything appears that there is, and whatever takes its place later, without a new offer. The view of a single stream ends with it.
   *
   * @throws Refusal `participant-not-found`, `stream-not-found`; `superseded` when there is a newer offer for the purpose or one of the two has left.
   */
  async offerView(id: ParticipantId, { watched, kinds, purpose }: WantedView): Promise<Negotiated> {
    const watching = this.#watching(watched);
    const connection = this.#room.openConnection(id, 'receive', purpose, crypto.randomUUID(), { offered: watching });
    return this.#work(connection, async () => {
      const feed = { stream: streamOf(watching), kinds: [...kinds] };
      const description = await this.#media.call('createOffer', { connection: connection.id }, { attempt: 1, feeds: [feed] });
      this.#requireWatched(watching);
      return { ...description, connection: this.#room.requireNewest(connection) };
    });
  }

  /**
   * Takes the participant's answer to such an offer. One that makes no sense may be followed by a better one.
   *
   * @throws Refusal `superseded` when the offer does not count any more, was answered before or was made to somebody else.
   */
  completeView(id: ParticipantId, connectionId: MediaId, sdp: string): Promise<Connection> {
    const connection = this.#room.connection(connectionId);
    const watching = connection?.participantId === id && !connection.isEstablished ? connection.offered : undefined;
    if (!connection || !watching) return Promise.reject(new Refusal('superseded'));
    return this.#inTurn(id, connection.direction, async () => {
      this.#room.requireNewest(connection);
      const { sections } = await this.#media.call('completeOffer', { connection: connectionId }, { attempt: 1, sdp });
      this.#requireWatched(watching);
      return this.#room.establish(connection, { tracks: [], views: [viewOf(sections, watching)] });
    });
  }

  /**
   * Sets what may flow in the room. What is not there any more is passed over.
   *
   * @returns false while the room has no media.
   * @throws Refusal `media-unavailable`.
   */
  async setLimits(limits: MediaLimits): Promise<boolean> {
    if (!this.#media.isOpen) return false;
    await this.#media.call('setLimits', {}, limits);
    return true;
  }

  /** Subscribes to a publication. @returns what the client needs to receive it. */
  async subscribe(id: ParticipantId, publicationId: MediaId, rtpCapabilities: RtpCapabilities): Promise<ConsumerInfo> {
    const participant = this.#room.require(id);
    if (!this.#room.publication(publicationId)) throw new Refusal('publication-not-found');
    const transport = this.#transportOf(participant, 'receive');
    const consumer = await this.#media.call('createConsumer', {}, { transport, producer: publicationId, rtpCapabilities });
    this.#room.require(id, participant.generation);
    const publication = this.#room.publication(publicationId);
    if (!publication) throw new Refusal('publication-not-found');
    this.#room.subscribe(id, consumer.id, publicationId);
    // Its owner may have declared it to be paused without pausing its producer.
    return { ...consumer, producerPaused: consumer.producerPaused || publication.paused };
  }

  /**
   * Has a publication measured once a second from now on, for as long as it lasts.
   *
   * @throws Refusal `publication-not-found`; `media-unavailable`, also where too much is measured already.
   */
  async measure(publicationId: MediaId): Promise<void> {
    await this.#media.call('watchProducer', { producer: publicationId }, {});
  }

  /** Has what is sent in a section measured once a second from now on, for as long as its connection lasts. @throws Refusal like {@link measure} */
  async measureSection(connectionId: MediaId, mid: string): Promise<void> {
    await this.#media.call('watchSection', { connection: connectionId, mid }, {});
  }

  /**
   * Asks the media node whether a connection is up at this moment, where its report may still be on its way.
   *
   * @throws Refusal `superseded` when it is gone; `media-unavailable`
   */
  async isUp(connectionId: MediaId): Promise<boolean> {
    const stats = await this.#media.call('connectionStats', { connection: connectionId }, {});
    return stats.some(({ dtlsState }) => dtlsState === 'connected');
  }

  /**
   * Has it reported when nothing comes over a connection for so many seconds although its client publishes something that is not paused; once.
   *
   * @throws Refusal `media-unavailable`
   */
  async expectMedia(connectionId: MediaId, seconds: number): Promise<void> {
    await this.#media.call('expectMedia', { transport: connectionId }, { within: seconds });
  }

  /** Limits how much a client may send over a connection. One that is gone is passed over. @throws Refusal `media-unavailable` */
  async limit(connectionId: MediaId, limit: IncomingLimit): Promise<void> {
    await this.#media.call('setLimits', {}, { connections: [{ connection: connectionId, ...limit }] });
  }

  /** @returns a picture of a publication as PNG. @throws Refusal `publication-not-found` when none comes; `media-unavailable` */
  picture(publicationId: MediaId): Promise<Uint8Array> {
    return this.#media.call('snapshot', { producer: publicationId }, {});
  }

  /**
   * Carries out an order of the room, after everything that was begun earlier for the same participant and direction.
   *
   * A room without media has nothing left to order about; and an object that is gone already needs no order: its end is on its way here, or was
   * what the room wanted.
   *
   * @throws Refusal `media-unavailable`.
   */
  carryOut(order: MediaOrder): Promise<void> {
    return this.#inTurn(order.participantId, directionOf(order), async () => {
      if (!this.#media.isOpen) return;
      try {
        await this.#perform(order);
      } catch (error) {
        if (!this.#isMoot(error)) throw error;
      }
    });
  }

  #answer(connection: Connection, sdp: string, partsInTurn: () => readonly Part[]): Promise<Negotiated> {
    const { id, attempt, participantId } = connection;
    return this.#work(connection, async () => {
      const parts = partsInTurn();
      const sources = parts.flatMap((part) => (part.use === 'publish' ? Object.values(part.sources) : []));
      this.#requireFloor(participantId, sources);
      const plan = planOf(this.#possible(connection, parts), (watching) =>
        watchedOf(watching, this.#room.publicationsOf(watching.watchedId)),
      );
      const description = await this.#media.call('answerOffer', { connection: id }, { attempt, sdp, plan });
      this.#room.requireNewest(connection);
      this.#keepFloor(connection, parts);
      // It opens nothing, and so it must not take the place of anything.
      if (description.sections.length === 0) throw new Refusal('invalid-media-parameters', 'the offer has no media section');
      const outcome = outcomeOf(this.#possible(connection, parts), description.sections);
      return { ...description, connection: this.#room.establish(connection, outcome) };
    });
  }

  /** Lets the media node work for a negotiation when it is its turn. A connection of which nothing came is closed. */
  #work<Result>(connection: Connection, task: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(connection.participantId, connection.direction, async () => {
      try {
        this.#room.requireNewest(connection);
        await this.#media.open();
        return await task();
      } catch (error) {
        if (!connection.isEstablished) this.#room.closeConnection(connection.id);
        throw error;
      }
    });
  }

  /**
   * The parts whose participants are still there. A connection that was for nothing else has no use without them.
   *
   * @throws Refusal `superseded`
   */
  #possible({ direction }: Connection, parts: readonly Part[]): readonly Part[] {
    const isThere = (part: Part) =>
      part.use === 'publish' ? part.stream === undefined || this.#room.isOpenStream(part.stream) : this.#isThere(part);
    if (direction !== 'both' && !parts.every(isThere)) throw new Refusal('superseded');
    return parts.filter(isThere);
  }

  /** @throws Refusal `participant-not-found`, `stream-not-found` */
  #inTime(parts: Parts): () => readonly Part[] {
    if (typeof parts === 'function') return () => parts().map((part) => this.#partOf(part));
    const known = parts.map((part) => this.#partOf(part));
    return () => known;
  }

  /** @throws Refusal `participant-not-found`, `stream-not-found` */
  #partOf(part: OfferedPart): Part {
    if (part.use === 'publish') return part;
    const { mids, sources, mediaStream, isAnnounced } = part;
    return {
      use: 'view',
      ...this.#watching(part.watched),
      ...(mids && { mids }),
      ...(sources && { sources }),
      ...(mediaStream !== undefined && { mediaStream }),
      ...(isAnnounced && { isAnnounced }),
    };
  }

  #watching(watched: Watched): Watching {
    if ('stream' in watched) {
      const { participantId: watchedId } = this.#requireStream(watched.stream);
      return { watchedId, generation: this.#room.require(watchedId).generation, stream: watched.stream };
    }
    const { participant: watchedId, sources } = watched;
    return { watchedId, generation: this.#room.require(watchedId).generation, ...(sources && { sources }) };
  }

  #isThere({ watchedId, generation, stream }: Watching): boolean {
    const isSameStay = this.#room.participant(watchedId)?.generation === generation;
    return isSameStay && (stream === undefined || this.#room.stream(stream) !== undefined);
  }

  /** @throws Refusal `superseded` when the participant, or the stream, is not there any more. */
  #requireWatched(watching: Watching): void {
    if (!this.#isThere(watching)) throw new Refusal('superseded');
  }

  /** Runs a task after everything that was begun earlier for the same participant and direction. */
  #inTurn<Result>(id: ParticipantId, direction: ConnectionDirection, task: () => Promise<Result>): Promise<Result> {
    if (direction !== 'both') return this.#queues.run(`${direction} ${id}`, task);
    return this.#queues.run(`send ${id}`, () => this.#queues.run(`receive ${id}`, task));
  }

  /** Whether a failed order has no object any more; the whole room may have been closed on the media node while the order was on its way. */
  #isMoot(error: unknown): boolean {
    if (!this.#media.isOpen) return true;
    return error instanceof Refusal && (error.reason === 'publication-not-found' || error.reason === 'superseded');
  }

  async #perform(order: MediaOrder): Promise<void> {
    switch (order.type) {
      case 'close-transport':
        await this.#media.call('closeTransport', { transport: order.transport }, {});
        return;
      case 'close-producer':
        await this.#media.call('closeProducer', { producer: order.producer }, {});
        return;
      case 'close-connection':
        await this.#media.call('closeConnection', { connection: order.connection }, {});
        return;
      case 'attach-producer':
        await this.#media.call('attachProducer', { connection: order.connection, mid: order.mid }, { producer: order.producer });
        return;
      case 'detach-producer':
        await this.#media.call('detachProducer', { connection: order.connection, mid: order.mid }, {});
        return;
      case 'pause-section':
        await this.#media.call('setSectionPaused', { connection: order.connection, mid: order.mid }, { paused: order.paused });
        return;
      case 'choose-layers':
        await this.#media.call('setSectionLayers', { connection: order.connection, mid: order.mid }, order.layers);
        return;
      case 'pause-producer':
        await this.#media.call('pauseProducer', { producer: order.producer }, {});
        return;
      case 'resume-producer':
        await this.#media.call('resumeProducer', { producer: order.producer }, {});
        return;
      default:
        assertNever(order);
    }
  }

  async #openTransport(id: ParticipantId, generation: number, direction: Direction): Promise<TransportInfo> {
    const transport = await this.#media.call('createTransport', {}, {});
    if (this.#room.participant(id)?.generation !== generation) {
      await this.#media.call('closeTransport', { transport: transport.id }, {});
      throw new Refusal('superseded');
    }
    this.#room.connect(id, direction, transport.id);
    return transport;
  }

  /** One screen at a time, where somebody has asked for the floor. @throws Refusal `floor-taken` */
  #requireFloor(id: ParticipantId, sources: readonly Source[]): void {
    if (sources.includes('screen')) this.#room.requireFloor('screen', id);
  }

  /**
   * Somebody may have taken the floor for screens while the media node was at work. A connection of which nothing has come yet is closed again; of one that
   * carries other things, the screen ends.
   *
   * @throws Refusal `floor-taken`
   */
  #keepFloor({ participantId, isEstablished }: Connection, parts: readonly Part[]): void {
    const screens = parts.filter((part) => part.use === 'publish' && Object.values(part.sources).includes('screen'));
    const holder = this.#room.floorHolder('screen');
    if (screens.length === 0 || holder === undefined || holder === participantId) return;
    if (!isEstablished) throw new Refusal('floor-taken');
    for (const part of screens) if (part.use === 'publish' && part.stream !== undefined) this.#room.closeStream(part.stream);
  }

  #requireStream(id: StreamId): Stream {
    const stream = this.#room.stream(id);
    if (!stream) throw new Refusal('stream-not-found');
    return stream;
  }

  #transportOf({ id }: Participant, direction: Direction): MediaId {
    const transport = this.#room.connectionsOf(id).find((connection) => !connection.negotiated && connection.direction === direction);
    if (!transport) throw new Refusal('participant-not-found');
    return transport.id;
  }
}

/** What a client receives has no order but in negotiated connections; everything else is about what it sends. */
function directionOf(order: MediaOrder): ConnectionDirection {
  switch (order.type) {
    case 'close-connection':
      return order.direction;
    case 'attach-producer':
    case 'detach-producer':
    case 'pause-section':
    case 'choose-layers':
      return 'receive';
    case 'close-transport':
    case 'close-producer':
    case 'pause-producer':
    case 'resume-producer':
      return 'send';
    default:
      return assertNever(order);
  }
}

/** What others are told of how a publication is encoded. */
function formatOf({ codecs, encodings }: RtpParameters): Pick<Publication, 'codec' | 'rids'> {
  const [, codec] = /^(?:audio|video)\/(.+)$/u.exec(codecs[0]?.mimeType ?? '') ?? [];
  const rids = encodings.flatMap(({ rid }) => rid ?? []);
  return { ...(codec !== undefined && { codec }), ...(rids.length > 0 && { rids }) };
}
