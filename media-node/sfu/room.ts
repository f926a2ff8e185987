import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { ConsumerInfoSchema } from '../../shared/media-api.ts';
import type { BodyOf, ConsumerInfo, MediaEvent, ResultOf, TransportInfo } from '../../shared/media-api.ts';
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Source } from '../recording/source.ts';
import type { PayloadTypes } from '../sdp/payload-types.ts';
import { AudibleProducers } from './audible-producers.ts';
import { Connections } from './connections.ts';
import { toContract } from './contract.ts';
import { takeKeyFrame } from './key-frame.ts';
import type { KeyFrame } from './key-frame.ts';
import { LayerKeeper } from './layer-keeper.ts';
import { preferLayers } from './layers.ts';
import type { Layers } from './layers.ts';
import { Limits } from './limits.ts';
import { translated } from './refusals.ts';
import { SilenceWatch } from './silence-watch.ts';
import { sourceOf } from './source.ts';
import { Statistics } from './statistics.ts';
import { Taps } from './taps.ts';
import { VideoFormats } from './video-formats.ts';
import { Routers } from './routers.ts';
import type { RoomRouter } from './routers.ts';
import { Transport } from './transport.ts';
import type { ConsumerOrder, ProducerOrder, TransportState } from './transport.ts';
import type { MediaWorker } from './worker.ts';

type RoomClosedCause = Extract<MediaEvent, { type: 'room-closed' }>['cause'];

interface RoomEvents {
  /** Something happened that the room object did not order. */
  event: [MediaEvent];
  /** All media is gone: with a cause when nobody ordered it. The last thing a room says. */
  closed: [RoomClosedCause | undefined];
}

/** The media of one generation of one room: its routers with the transports, producers and consumers in them. */
export class Room extends EventEmitter<RoomEvents> {
  readonly id: string;
  readonly generation: number;
  /** Connections that are negotiated by SDP. Their transports are transports of the room like all others. */
  readonly connections = new Connections(this);
  /** What may flow at most. */
  readonly limits = new Limits(this);
  readonly #worker: MediaWorker;
  readonly #routers: Routers;
  readonly #audible: AudibleProducers;
  readonly #taps = new Taps();
  readonly #formats: VideoFormats;
  readonly #statistics: Statistics;
  readonly #layers = new LayerKeeper();
  readonly #log: Logger;
  readonly #transports = new Map<string, Transport>();
  readonly #silenceWatches = new WeakMap<Transport, SilenceWatch>();
  readonly #producers = new Map<string, types.Producer>();
  readonly #consumers = new Map<string, types.Consumer>();
  #isClosed = false;

  /** @throws MediaError `shutting-down` when the worker dies or is closed meanwhile: another try gets another worker. */
  static async create(id: string, generation: number, worker: MediaWorker, log: Logger): Promise<Room> {
    return translated({ gone: 'shutting-down' }, async () => {
      const routers = await Routers.create(worker);
      return new Room(id, generation, worker, routers, await AudibleProducers.create(routers.main.router), log);
    });
  }

  private constructor(id: string, generation: number, worker: MediaWorker, routers: Routers, audible: AudibleProducers, log: Logger) {
    super();
    this.id = id;
    this.generation = generation;
    this.#worker = worker;
    this.#routers = routers;
    this.#audible = audible;
    this.#log = log.child({ class: 'Room', room: id, generation });
    this.#formats = new VideoFormats(this.#taps, this.#log);
    this.#statistics = new Statistics(this.#formats, (producer) => routers.originOf(producer));
    this.#formats.on('change', ({ id: producer }, seen) => {
      this.emit('event', { type: 'video-format', producer, ...seen });
    });
    this.#statistics.on('measured', (statistics) => {
      this.emit('event', { type: 'statistics', ...statistics });
    });
    routers.main.router.once('workerclose', () => {
      this.end(worker.hasDied ? 'worker-died' : 'shutting-down');
    });
    audible.on('change', (levels) => {
      const origins = levels.map(({ producer, volume }) => ({ producer: routers.originOf(producer), volume }));
      this.emit('event', { type: 'audio-levels', levels: origins });
    });
  }

  get rtpCapabilities(): RtpCapabilities {
    return this.#routers.main.rtpCapabilities;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** How many of each there are. */
  get counts(): ResultOf<'inspectRoom'> {
    return { transports: this.#transports.size, producers: this.#producers.size, consumers: this.#consumers.size };
  }

  async createTransport(): Promise<TransportInfo> {
    return (await this.openTransport(this.#routers.main)).info;
  }

  /** The router for clients with these payload types; `undefined` for those of the room. */
  router(payloadTypes: PayloadTypes | undefined): Promise<RoomRouter> {
    return this.#routers.numbered(payloadTypes);
  }

  /** @param id its name in the room, where it has another one than mediasoup gives it. */
  async openTransport({ router }: RoomRouter, id?: string): Promise<Transport> {
    const transport = await Transport.create(router, this.#worker, id);
    this.#assertOpen(transport);
    this.#transports.set(transport.id, transport);
    transport.onClose(() => this.#transports.delete(transport.id));
    transport.on('state', (state) => {
      this.#transportChanged(transport, state);
    });
    await this.limits.begin(transport);
    return transport;
  }

  transports(): Iterable<Transport> {
    return this.#transports.values();
  }

  /** @throws MediaError `transport-not-found` */
  transport(id: string): Transport {
    return found(this.#transports.get(id), 'transport-not-found', id);
  }

  /**
   * Tells once when no RTP has come for so many seconds over a transport that should carry some.
   *
   * @throws MediaError `transport-not-found`
   */
  expectMedia(id: string, seconds: number): void {
    const transport = this.transport(id);
    this.#silenceWatches.get(transport)?.stop();
    const watch = new SilenceWatch(transport, seconds, () => {
      this.emit('event', { type: 'media-missing', transport: id });
    });
    this.#silenceWatches.set(transport, watch);
  }

  closeTransport(id: string): void {
    const transport = this.transport(id);
    for (const producer of transport.producers) this.closeProducer(producer);
    transport.close();
  }

  async createProducer({ transport, ...order }: BodyOf<'createProducer'>): Promise<ResultOf<'createProducer'>> {
    const { id } = await this.produce(this.transport(transport), order);
    return { id };
  }

  async produce(transport: Transport, order: ProducerOrder): Promise<types.Producer> {
    const producer = await transport.produce(order);
    this.#producers.set(producer.id, producer);
    this.#routers.settle(producer, transport.router);
    producer.observer.once('close', () => this.#producers.delete(producer.id));
    if (producer.kind === 'audio') await this.#listenTo(producer.id);
    else void this.#lookAt(producer, transport.router);
    return producer;
  }

  knows(producer: string): boolean {
    return this.#producers.has(producer);
  }

  /** @throws MediaError `producer-not-found` */
  kindOf(producer: string): MediaKind {
    return this.#producer(producer).kind;
  }

  async pauseProducer(id: string): Promise<void> {
    await translated({ gone: 'producer-not-found' }, () => this.#producer(id).pause());
  }

  async resumeProducer(id: string): Promise<void> {
    await translated({ gone: 'producer-not-found' }, () => this.#producer(id).resume());
  }

  async producerStats(id: string): Promise<types.ProducerStat[]> {
    return translated({ gone: 'producer-not-found' }, () => this.#producer(id).getStats());
  }

  /** @throws MediaError `producer-not-found`, `overloaded` */
  watchProducer(id: string): void {
    const producer = this.#producer(id);
    this.#statistics.watch(id, { current: () => openOrNothing(producer) });
  }

  /** @throws MediaError `consumer-not-found`, `overloaded` */
  watchConsumer(id: string): void {
    const consumer = this.#consumer(id);
    this.#statistics.watch(id, { current: () => openOrNothing(consumer) });
  }

  /** @throws MediaError `connection-not-found`, `section-not-found`, `overloaded` */
  watchSection(connection: string, mid: string): void {
    this.connections.consumerIn(connection, mid);
    const name = nameOfSection(connection, mid);
    this.#statistics.watch(name, { connection, mid, current: () => this.#consumerIn(connection, mid) });
  }

  /** @param name the id of a producer or consumer, or the name of a section; also when it is not watched. */
  unwatch(name: string): void {
    this.#statistics.unwatch(name);
  }

  /** @throws MediaError `producer-not-found` */
  source(id: string): Source {
    return sourceOf(this.#producer(id), this.#routers.homeOf(id), this.#taps);
  }

  /** @throws MediaError `producer-not-found`, `no-picture`, `invalid-parameters` for audio */
  takeKeyFrame(id: string): Promise<KeyFrame> {
    const producer = this.#producer(id);
    return translated({ gone: 'producer-not-found' }, () => takeKeyFrame(this.#taps, producer, this.#routers.homeOf(id)));
  }

  closeProducer(id: string): void {
    const producer = this.#producer(id);
    // mediasoup would close them too, but only a moment later, when its process has told.
    for (const consumer of this.#consumers.values()) {
      if (this.#routers.originOf(consumer.producerId) === id) consumer.close();
    }
    producer.close();
  }

  async createConsumer({ transport, ...order }: BodyOf<'createConsumer'>): Promise<ConsumerInfo> {
    const consumer = await this.consume(this.transport(transport), order);
    const { id, kind, rtpParameters, producerPaused } = consumer;
    return toContract(ConsumerInfoSchema, { id, kind, rtpParameters, producerPaused });
  }

  /** @throws MediaError `producer-not-found`, `cannot-consume` */
  async consume(receiver: Transport, { producer, ...order }: ConsumerOrder): Promise<types.Consumer> {
    const producerId = await this.#routers.bring(this.#producer(producer).id, receiver.router);
    if (!receiver.router.canConsume({ producerId, rtpCapabilities: order.rtpCapabilities })) {
      throw new MediaError('cannot-consume', 'the receiver knows none of the codecs of this producer');
    }
    const consumer = await receiver.consume({ ...order, producer: producerId });
    this.#consumers.set(consumer.id, consumer);
    this.#layers.add(consumer);
    consumer.observer.once('close', () => this.#consumers.delete(consumer.id));
    return consumer;
  }

  async pauseConsumer(id: string): Promise<void> {
    await translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).pause());
  }

  async resumeConsumer(id: string): Promise<void> {
    await translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).resume());
  }

  async setConsumerLayers(id: string, layers: Layers): Promise<void> {
    await preferLayers(this.#consumer(id), layers);
  }

  async consumerStats(id: string): Promise<(types.ConsumerStat | types.ProducerStat)[]> {
    return translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).getStats());
  }

  closeConsumer(id: string): void {
    this.#consumer(id).close();
  }

  /** Closes everything because the room object ordered it. May be called twice. */
  close(): void {
    this.#close(undefined);
  }

  /** Closes everything for a reason of the media node's own, which is the room's last event. May be called twice. */
  end(cause: RoomClosedCause): void {
    if (this.#isClosed) return;
    this.emit('event', { type: 'room-closed', cause });
    this.#close(cause);
  }

  #close(cause: RoomClosedCause | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#statistics.stop();
    this.#routers.close();
    this.emit('closed', cause);
    this.removeAllListeners();
    this.#log.info({ cause: cause ?? 'ordered' }, 'room closed');
  }

  async #listenTo(producer: string): Promise<void> {
    try {
      await this.#audible.add(await this.#routers.bring(producer, this.#routers.main.router));
    } catch (error) {
      // The producer was closed in the meantime, of which those who need to know are told.
      this.#log.debug({ producer, error: String(error) }, 'audio levels are not measured');
    }
  }

  async #lookAt(producer: types.Producer, router: types.Router): Promise<void> {
    try {
      await this.#formats.add(producer, router);
    } catch (error) {
      // As above.
      this.#log.debug({ producer: producer.id, error: String(error) }, 'its pictures are not looked at');
    }
  }

  /** A section whose connection was closed or negotiated away carries nothing. */
  #consumerIn(connection: string, mid: string): types.Consumer | undefined {
    try {
      return this.connections.consumerIn(connection, mid);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      if (!this.connections.has(connection)) this.#statistics.unwatch(nameOfSection(connection, mid));
      return undefined;
    }
  }

  /** What never comes back is closed at once, so that its producers end for those who watch them. */
  #transportChanged(transport: Transport, state: TransportState): void {
    this.#log.debug({ transport: transport.id, state }, 'transport changed');
    this.emit('event', { type: 'transport-state', transport: transport.id, state });
    if (state !== 'failed' && state !== 'closed') return;
    const { producers } = transport;
    this.closeTransport(transport.id);
    for (const producer of producers) this.emit('event', { type: 'producer-closed', producer });
  }

  #producer(id: string): types.Producer {
    return found(this.#producers.get(id), 'producer-not-found', id);
  }

  #consumer(id: string): types.Consumer {
    return found(this.#consumers.get(id), 'consumer-not-found', id);
  }

  /** A room may be closed while something is being opened in it. */
  #assertOpen(opened: { close(): void }): void {
    if (!this.#isClosed) return;
    opened.close();
    throw new MediaError('room-not-found', 'the room was closed in the meantime');
  }
}

/** A mid contains no slash, and an id neither. */
export function nameOfSection(connection: string, mid: string): string {
  return `${connection}/${mid}`;
}

function openOrNothing<Subject extends { readonly closed: boolean }>(subject: Subject): Subject | undefined {
  return subject.closed ? undefined : subject;
}

function found<Value>(
  value: Value | undefined,
  reason: 'transport-not-found' | 'producer-not-found' | 'consumer-not-found',
  id: string,
): Value {
  if (value === undefined) throw new MediaError(reason, `there is no ${reason.replace('-not-found', '')} ${id} in this room`);
  return value;
}
