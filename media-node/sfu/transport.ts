import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { TransportInfoSchema } from '../../shared/media-api.ts';
import type { BodyOf, IncomingLimit, MediaEvent, TransportInfo } from '../../shared/media-api.ts';
import type { DtlsParameters, RtpCapabilities } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';
import { toContract } from './contract.ts';
import { bitrateOf, NO_LIMIT } from './incoming-limit.ts';
import { assertSensible, identifiersOf, withoutCaptureTimes } from './producer-parameters.ts';
import type { Identifiers } from './producer-parameters.ts';
import { translated } from './refusals.ts';
import type { MediaWorker } from './worker.ts';

/** RFC 7675 asks for 30 s; a vanished client should not be seen as present that long. */
const ICE_CONSENT_TIMEOUT_SECONDS = 20;

/** Enough for a first 720p picture before the receiver's own estimate is known. */
const INITIAL_OUTGOING_BITRATE = 1_000_000;

export type TransportState = Extract<MediaEvent, { type: 'transport-state' }>['state'];
export type ProducerOrder = Omit<BodyOf<'createProducer'>, 'transport'>;

export interface ConsumerOrder {
  readonly producer: string;
  readonly rtpCapabilities: RtpCapabilities;
  readonly paused: boolean;
  /** The receiver's media section; mediasoup chooses one where it is left out. */
  readonly mid?: string;
}

interface TransportEvents {
  /** Only changes are told. `failed` and `closed` are final. */
  state: [TransportState];
}

/** One client's connection: ICE and DTLS, and what is sent and received through it. */
export class Transport extends EventEmitter<TransportEvents> {
  readonly info: TransportInfo;
  readonly router: types.Router;
  readonly #transport: types.WebRtcTransport;
  readonly #claims = new Set<Identifiers>();
  readonly #producers = new Set<types.Producer>();
  #commonLimit: IncomingLimit = {};
  #ownLimit: IncomingLimit | undefined;
  #maxIncomingBitrate = NO_LIMIT;
  #isConnectOrdered = false;
  #state: TransportState | 'new' = 'new';

  /**
   * @param id its name in the room, where it has another one than mediasoup gives it.
   * @throws MediaError `room-not-found` when the router is closed in the meantime.
   */
  static async create(router: types.Router, worker: MediaWorker, id?: string): Promise<Transport> {
    const transport = await translated({ gone: 'room-not-found' }, () =>
      router.createWebRtcTransport({
        webRtcServer: worker.webRtcServer,
        enableUdp: true,
        enableTcp: true,
        preferUdp: true,
        iceConsentTimeout: ICE_CONSENT_TIMEOUT_SECONDS,
        initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BITRATE,
      }),
    );
    return new Transport(transport, router, id ?? transport.id);
  }

  private constructor(transport: types.WebRtcTransport, router: types.Router, id: string) {
    super();
    this.router = router;
    this.#transport = transport;
    transport.on('dtlsstatechange', () => {
      this.#update();
    });
    transport.on('icestatechange', () => {
      this.#update();
    });
    this.info = toContract(TransportInfoSchema, {
      id,
      iceParameters: transport.iceParameters,
      iceCandidates: transport.iceCandidates,
      dtlsParameters: transport.dtlsParameters,
    });
  }

  get id(): string {
    return this.info.id;
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  /** Ids of the producers that are open in this transport. */
  get producers(): string[] {
    return [...this.#producers].map(({ id }) => id);
  }

  /** Whether the client is to send something that is not paused. */
  get isExpectingMedia(): boolean {
    return [...this.#producers].some(({ paused }) => !paused);
  }

  /** Calls back when the transport is closed, for whatever reason. */
  onClose(callback: () => void): void {
    this.#transport.observer.once('close', callback);
  }

  /**
   * Tells the transport whom to expect.
   *
   * @throws MediaError `already-connected` from the second order on.
   */
  async connect(dtlsParameters: DtlsParameters): Promise<void> {
    if (this.#isConnectOrdered) throw new MediaError('already-connected', 'this transport has been connected before');
    this.#isConnectOrdered = true;
    try {
      await translated({ gone: 'transport-not-found' }, () => this.#transport.connect({ dtlsParameters }));
    } catch (error) {
      this.#isConnectOrdered = false;
      throw error;
    }
  }

  /** @throws MediaError `invalid-parameters`; `transport-not-found` when the transport is closed in the meantime. */
  async produce({ kind, paused, ...order }: ProducerOrder): Promise<types.Producer> {
    const rtpParameters = withoutCaptureTimes(order.rtpParameters);
    assertSensible(kind, rtpParameters);
    const claim = this.#claim(identifiersOf(rtpParameters));
    try {
      const producer = await translated({ gone: 'transport-not-found' }, () => this.#transport.produce({ kind, rtpParameters, paused }));
      this.#own(producer, claim);
      return producer;
    } catch (error) {
      this.#claims.delete(claim);
      throw error;
    }
  }

  /** @throws MediaError `cannot-consume`; `producer-not-found` when producer or transport are closed in the meantime. */
  async consume({ producer, rtpCapabilities, paused, mid }: ConsumerOrder): Promise<types.Consumer> {
    const consumer = await translated({ gone: 'producer-not-found', unsupported: 'cannot-consume' }, () =>
      this.#transport.consume({ producerId: producer, rtpCapabilities, paused, ...(mid !== undefined && { mid }) }),
    );
    if (!this.closed) return consumer;
    consumer.close();
    throw new MediaError('transport-not-found', 'the transport was closed in the meantime');
  }

  /** Gives the transport new ICE credentials, because its client wants to find a new way to it (RFC 8445, section 9). */
  async restartIce(): Promise<TransportInfo['iceParameters']> {
    return translated({ gone: 'transport-not-found' }, () => this.#transport.restartIce());
  }

  /**
   * The limit that holds while the transport has none of its own.
   *
   * @throws MediaError `transport-not-found`
   */
  setCommonLimit(limit: IncomingLimit): Promise<void> {
    this.#commonLimit = limit;
    return this.#applyLimit();
  }

  /** @throws MediaError `transport-not-found` */
  setOwnLimit(limit: IncomingLimit | undefined): Promise<void> {
    this.#ownLimit = limit;
    return this.#applyLimit();
  }

  async stats(): Promise<types.WebRtcTransportStat[]> {
    return translated({ gone: 'transport-not-found' }, () => this.#transport.getStats());
  }

  close(): void {
    this.#transport.close();
  }

  /** mediasoup finds out too, but only says so with an error that could mean anything. */
  #claim(claim: Identifiers): Identifiers {
    const used = new Set([...this.#claims].flatMap((other) => other.used));
    const taken = claim.exclusive.find((identifier) => used.has(identifier));
    if (taken !== undefined) throw new MediaError('invalid-parameters', `${taken} belongs to another producer of this transport`);
    this.#claims.add(claim);
    return claim;
  }

  #own(producer: types.Producer, claim: Identifiers): void {
    if (this.closed) {
      producer.close();
      throw new MediaError('transport-not-found', 'the transport was closed in the meantime');
    }
    this.#producers.add(producer);
    this.#producersChanged();
    producer.observer.once('close', () => {
      this.#producers.delete(producer);
      this.#claims.delete(claim);
      this.#producersChanged();
    });
  }

  async #applyLimit(): Promise<void> {
    const bitrate = bitrateOf(this.#ownLimit ?? this.#commonLimit, [...this.#producers]);
    if (bitrate === this.#maxIncomingBitrate) return;
    this.#maxIncomingBitrate = bitrate;
    await translated({ gone: 'transport-not-found' }, () => this.#transport.setMaxIncomingBitrate(bitrate));
  }

  /** Nobody waits for this, and where the transport is gone there is nothing to limit. */
  #producersChanged(): void {
    if (!this.closed) this.#applyLimit().catch(() => undefined);
  }

  #update(): void {
    const state = stateOf(this.#transport);
    if (state === this.#state || state === 'new') return;
    this.#state = state;
    this.emit('state', state);
  }
}

/** ICE and DTLS as one state. A client that went away for a while keeps its DTLS session: only ICE tells that it is gone and back. */
function stateOf({ dtlsState, iceState }: types.WebRtcTransport): TransportState | 'new' {
  switch (dtlsState) {
    case 'failed':
    case 'closed':
      return dtlsState;
    case 'connected':
      return iceState === 'disconnected' ? 'disconnected' : 'connected';
    case 'new':
    case 'connecting':
      return iceState === 'disconnected' ? 'disconnected' : 'new';
  }
}
