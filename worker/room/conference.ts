import { assertNever } from '../../shared/assert-never.ts';
import type { IceServer } from '../../shared/ice.ts';
import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { ConsumerInfo, ResultOf, TransportInfo } from '../../shared/media-api.ts';
import type { DtlsParameters, MediaKind, RtpCapabilities, RtpParameters } from '../../shared/rtp.ts';
import type { Description, SectionInfo, SectionPlan } from '../../shared/sdp.ts';
import type { Connection, Direction } from './connection.ts';
import { Refusal } from './errors.ts';
import type { MediaOrder } from './events.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { MediaPlane } from './media-plane.ts';
import type { Participant, Time } from './participant.ts';
import { type Publication, type Source, kindOf } from './publication.ts';
import type { JoinOptions, Room } from './room.ts';
import type { Stream } from './stream.ts';
import { byPreference, type ViewSection } from './view.ts';

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
  readonly sources?: Readonly<Record<MediaKind, Source>>;
}

/** Whom to view: everything of a participant, or one stream. */
export type Watched = { readonly participant: ParticipantId } | { readonly stream: StreamId };

/** What a participant sends in a section that says only the kind. */
const SOURCES: Readonly<Record<MediaKind, Source>> = { audio: 'microphone', video: 'camera' };

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
   */
  publish(id: ParticipantId, source: Source, rtpParameters: RtpParameters): Promise<Publication> {
    const { generation } = this.#room.require(id);
    this.#room.unpublish(id, source);
    return this.#queues.run(queueOf(id, 'send'), async () => {
      const transport = this.#transportOf(this.#room.require(id, generation), 'send');
      const producer = await this.#media.call('createProducer', {}, { transport, kind: kindOf(source), rtpParameters });
      // If the participant has left meanwhile, its transport was closed, and the producer with it.
      this.#room.require(id, generation);
      return this.#room.publish(id, source, producer.id);
    });
  }

  /**
   * Answers an offer by which the participant publishes: its first section of each kind, as microphone and camera. A bad offer leaves what it
   * published before as it was.
   *
   * @throws Refusal `superseded` when there is a newer offer or the participant has left: then the answer means nothing to the client.
   */
  publishByOffer(id: ParticipantId, offer: Offer, { stream, sources = SOURCES }: PublishOptions = {}): Promise<Description> {
    const plan: SectionPlan = { use: 'publish' };
    return this.#negotiate(
      id,
      'send',
      offer,
      () => plan,
      (connection, sections) => {
        this.#room.publishOver(connection.id, tracksOf(sections, sources), stream);
      },
    );
  }

  /**
   * Answers an offer by which the participant views another. The answer does not wait for the other to publish: that appears when it is there,
   * and whatever takes its place later, without a new offer. A single stream, however, must have begun, and the view ends with it.
   *
   * @throws Refusal `participant-not-found`, `stream-not-found`; `superseded` when there is a newer offer or one of the two has left.
   */
  async viewByOffer(id: ParticipantId, watched: Watched, offer: Offer): Promise<Description> {
    const streamId = 'stream' in watched ? watched.stream : undefined;
    const watchedId = 'stream' in watched ? this.#requireStream(watched.stream).participantId : watched.participant;
    const { generation } = this.#room.require(watchedId);
    const plan = (): SectionPlan => {
      const shown = this.#room.publicationsOf(watchedId).filter(({ stream }) => streamId === undefined || stream === streamId);
      return { use: 'view', stream: streamId ?? `participant-${generation}`, producers: byPreference(shown).map((one) => one.id) };
    };
    return this.#negotiate(id, 'receive', offer, plan, (connection, sections) => {
      this.#room.require(watchedId, generation);
      this.#room.viewOver(connection.id, watchedId, viewedSections(sections), streamId);
    });
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
   * Carries out an order of the room, after everything that was begun earlier for the same participant and direction.
   *
   * A room without media has nothing left to order about; and an object that is gone already needs no order: its end is on its way here, or was
   * what the room wanted.
   *
   * @throws Refusal `media-unavailable`.
   */
  carryOut(order: MediaOrder): Promise<void> {
    return this.#queues.run(queueOf(order.participantId, directionOf(order)), async () => {
      if (!this.#media.isOpen) return;
      try {
        await this.#perform(order);
      } catch (error) {
        if (!this.#isMoot(error)) throw error;
      }
    });
  }

  /**
   * @param plan asked for when it is this offer's turn.
   * @param take what the room makes of the sections that were negotiated.
   */
  async #negotiate(
    id: ParticipantId,
    direction: Direction,
    { sdp, purpose, note }: Offer,
    plan: () => SectionPlan,
    take: (connection: Connection, sections: readonly SectionInfo[]) => void,
  ): Promise<Description> {
    const connection = this.#room.openConnection(id, direction, purpose, crypto.randomUUID(), note);
    return this.#queues.run(queueOf(id, direction), async () => {
      try {
        this.#room.requireNewest(connection.id);
        await this.#media.open();
        const description = await this.#media.call('answerOffer', { connection: connection.id }, { attempt: 1, sdp, plan: [plan()] });
        this.#room.requireNewest(connection.id);
        // It opens nothing, and so it must not take the place of anything.
        if (description.sections.length === 0) throw new Refusal('invalid-media-parameters', 'the offer has no media section');
        take(connection, description.sections);
        return description;
      } catch (error) {
        this.#room.closeConnection(connection.id);
        throw error;
      }
    });
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

function queueOf(id: ParticipantId, direction: Direction): string {
  return `${direction} ${id}`;
}

/** What a client receives has no order but in negotiated connections; everything else is about what it sends. */
function directionOf(order: MediaOrder): Direction {
  if (order.type === 'close-connection') return order.direction;
  return order.type === 'attach-producer' || order.type === 'detach-producer' ? 'receive' : 'send';
}

function tracksOf(sections: readonly SectionInfo[], sources: Readonly<Record<MediaKind, Source>>): { source: Source; id: MediaId }[] {
  const tracks = new Map<MediaKind, { source: Source; id: MediaId }>();
  for (const { kind, producer } of sections) {
    if (producer !== undefined && !tracks.has(kind)) tracks.set(kind, { source: sources[kind], id: producer });
  }
  return [...tracks.values()];
}

function viewedSections(sections: readonly SectionInfo[]): ViewSection[] {
  const viewed = sections.filter(({ direction }) => direction === 'sendonly');
  return viewed.map(({ mid, kind, producer }) => ({ mid, kind, publicationId: producer ?? null }));
}
