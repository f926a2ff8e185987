import { assertNever } from '../../shared/assert-never.ts';
import type { IceServer } from '../../shared/ice.ts';
import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { ConsumerInfo, ResultOf, TransportInfo } from '../../shared/media-api.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters } from '../../shared/rtp.ts';
import { Refusal } from './errors.ts';
import type { MediaOrder } from './events.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { MediaPlane } from './media-plane.ts';
import type { Direction, Participant, Time } from './participant.ts';
import { type Publication, type Source, kindOf } from './publication.ts';
import type { Room } from './room.ts';

/** Everything that a client needs to send and to receive. */
export interface Entry {
  readonly participant: Participant;
  readonly rtpCapabilities: ResultOf<'openRoom'>['rtpCapabilities'];
  readonly transports: Readonly<Record<Direction, TransportInfo>>;
  readonly iceServers: readonly IceServer[];
}

/**
 * What a participant does that needs both the room's decision and the media node's work.
 *
 * The room decides first where it can refuse, then the media node works, then the room takes the result over. While the media node works the
 * participant may leave or be replaced: its generation is checked again afterwards, and what was made for it is taken down.
 */
export class Conference {
  readonly #room: Room;
  readonly #media: MediaPlane;
  /** One queue per participant for what concerns its sending side: there the order of calls matters. */
  readonly #sending = new KeyedQueue();

  constructor(room: Room, media: MediaPlane) {
    this.#room = room;
    this.#media = media;
  }

  /**
   * Gives a newcomer a seat and two transports. A seat whose transports cannot be made is given back.
   *
   * @param until deadline for opening a session.
   */
  async enter(id: ParticipantId, now: Time, until: Time): Promise<Entry> {
    const { generation } = this.#room.join(id, now, until);
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
    return this.#sending.run(id, async () => {
      const transport = this.#transportOf(this.#room.require(id, generation), 'send');
      const producer = await this.#media.call('createProducer', {}, { transport, kind: kindOf(source), rtpParameters });
      // If the participant has left meanwhile, its transport was closed, and the producer with it.
      this.#room.require(id, generation);
      return this.#room.publish(id, source, producer.id);
    });
  }

  /** Subscribes to a publication. @returns what the client needs to receive it. */
  async subscribe(id: ParticipantId, publicationId: MediaId, rtpCapabilities: RtpCapabilities): Promise<ConsumerInfo> {
    const participant = this.#room.require(id);
    if (!this.#room.publication(publicationId)) throw new Refusal('publication-not-found');
    const transport = this.#transportOf(participant, 'receive');
    const consumer = await this.#media.call('createConsumer', {}, { transport, producer: publicationId, rtpCapabilities });
    this.#room.require(id, participant.generation);
    if (!this.#room.publication(publicationId)) throw new Refusal('publication-not-found');
    this.#room.subscribe(id, consumer.id, publicationId);
    return consumer;
  }

  /**
   * Carries out an order of the room, after everything that was begun earlier for the same participant.
   *
   * A room without media has nothing left to order about, and that an object has gone already is what a closing order wants.
   *
   * @throws Refusal `media-unavailable`.
   */
  carryOut(order: MediaOrder): Promise<void> {
    return this.#sending.run(order.participantId, async () => {
      if (!this.#media.isOpen) return;
      try {
        await this.#perform(order);
      } catch (error) {
        if (!(error instanceof Refusal && error.reason === 'publication-not-found')) throw error;
      }
    });
  }

  async #perform(order: MediaOrder): Promise<void> {
    switch (order.type) {
      case 'close-transport':
        await this.#media.call('closeTransport', { transport: order.transport }, {});
        return;
      case 'close-producer':
        await this.#media.call('closeProducer', { producer: order.producer }, {});
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

  #transportOf(participant: Participant, direction: Direction): MediaId {
    const transport = participant.connections[direction]?.transport;
    if (transport === undefined) throw new Refusal('participant-not-found');
    return transport;
  }
}
