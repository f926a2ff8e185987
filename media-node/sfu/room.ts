import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { ConsumerInfoSchema } from '../../shared/media-api.ts';
import type { BodyOf, ConsumerInfo, MediaEvent, ResultOf, TransportInfo } from '../../shared/media-api.ts';
import type { RtpCapabilities } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { AudibleProducers } from './audible-producers.ts';
import { capabilitiesOf } from './codecs.ts';
import { toContract } from './contract.ts';
import { translated } from './refusals.ts';
import { Transport } from './transport.ts';
import type { TransportState } from './transport.ts';
import type { MediaWorker } from './worker.ts';

type Layers = BodyOf<'setConsumerLayers'>;
type RoomClosedCause = Extract<MediaEvent, { type: 'room-closed' }>['cause'];

interface RoomEvents {
  /** Something happened that the room object did not order. */
  event: [MediaEvent];
  /** All media is gone: with a cause when nobody ordered it. The last thing a room says. */
  closed: [RoomClosedCause | undefined];
}

/** The media of one generation of one room: a router with the transports, producers and consumers in it. */
export class Room extends EventEmitter<RoomEvents> {
  readonly id: string;
  readonly generation: number;
  readonly rtpCapabilities: RtpCapabilities;
  readonly #worker: MediaWorker;
  readonly #router: types.Router;
  readonly #audible: AudibleProducers;
  readonly #log: Logger;
  readonly #transports = new Map<string, Transport>();
  readonly #producers = new Map<string, types.Producer>();
  readonly #consumers = new Map<string, types.Consumer>();
  #isClosed = false;

  /** @throws MediaError `shutting-down` when the worker dies or is closed meanwhile: another try gets another worker. */
  static async create(id: string, generation: number, worker: MediaWorker, log: Logger): Promise<Room> {
    return translated({ gone: 'shutting-down' }, async () => {
      const router = await worker.createRouter();
      return new Room(id, generation, worker, router, await AudibleProducers.create(router), log);
    });
  }

  private constructor(id: string, generation: number, worker: MediaWorker, router: types.Router, audible: AudibleProducers, log: Logger) {
    super();
    this.id = id;
    this.generation = generation;
    this.rtpCapabilities = capabilitiesOf(router);
    this.#worker = worker;
    this.#router = router;
    this.#audible = audible;
    this.#log = log.child({ class: 'Room', room: id, generation });
    router.once('workerclose', () => {
      this.end(worker.hasDied ? 'worker-died' : 'shutting-down');
    });
    audible.on('change', (levels) => this.emit('event', { type: 'audio-levels', levels }));
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** How many of each there are. */
  get counts(): ResultOf<'inspectRoom'> {
    return { transports: this.#transports.size, producers: this.#producers.size, consumers: this.#consumers.size };
  }

  async createTransport(): Promise<TransportInfo> {
    const transport = await Transport.create(this.#router, this.#worker);
    this.#assertOpen(transport);
    this.#transports.set(transport.id, transport);
    transport.onClose(() => this.#transports.delete(transport.id));
    transport.on('state', (state) => {
      this.#transportChanged(transport, state);
    });
    return transport.info;
  }

  /** @throws MediaError `transport-not-found` */
  transport(id: string): Transport {
    return found(this.#transports.get(id), 'transport-not-found', id);
  }

  closeTransport(id: string): void {
    const transport = this.transport(id);
    for (const producer of transport.producers) this.closeProducer(producer);
    transport.close();
  }

  async createProducer({ transport, ...order }: BodyOf<'createProducer'>): Promise<ResultOf<'createProducer'>> {
    const producer = await this.transport(transport).produce(order);
    this.#producers.set(producer.id, producer);
    producer.observer.once('close', () => this.#producers.delete(producer.id));
    if (producer.kind === 'audio') await this.#listenTo(producer.id);
    return { id: producer.id };
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

  closeProducer(id: string): void {
    const producer = this.#producer(id);
    // mediasoup would close them too, but only a moment later, when its process has told.
    for (const consumer of this.#consumers.values()) {
      if (consumer.producerId === id) consumer.close();
    }
    producer.close();
  }

  async createConsumer({ transport, producer, rtpCapabilities, paused }: BodyOf<'createConsumer'>): Promise<ConsumerInfo> {
    const receiver = this.transport(transport);
    this.#producer(producer);
    if (!this.#router.canConsume({ producerId: producer, rtpCapabilities })) {
      throw new MediaError('cannot-consume', 'the receiver knows none of the codecs of this producer');
    }
    const consumer = await receiver.consume(producer, rtpCapabilities, paused);
    this.#consumers.set(consumer.id, consumer);
    consumer.observer.once('close', () => this.#consumers.delete(consumer.id));
    const { id, kind, rtpParameters, producerPaused } = consumer;
    return toContract(ConsumerInfoSchema, { id, kind, rtpParameters, producerPaused });
  }

  async pauseConsumer(id: string): Promise<void> {
    await translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).pause());
  }

  async resumeConsumer(id: string): Promise<void> {
    await translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).resume());
  }

  async setConsumerLayers(id: string, { spatialLayer, temporalLayer }: Layers): Promise<void> {
    const layers = { spatialLayer, ...(temporalLayer === undefined ? {} : { temporalLayer }) };
    await translated({ gone: 'consumer-not-found' }, () => this.#consumer(id).setPreferredLayers(layers));
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
    this.#router.close();
    this.emit('closed', cause);
    this.removeAllListeners();
    this.#log.info({ cause: cause ?? 'ordered' }, 'room closed');
  }

  async #listenTo(producer: string): Promise<void> {
    try {
      await this.#audible.add(producer);
    } catch (error) {
      // The producer was closed in the meantime, of which those who need to know are told.
      this.#log.debug({ producer, error: String(error) }, 'audio levels are not measured');
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

function found<Value>(
  value: Value | undefined,
  reason: 'transport-not-found' | 'producer-not-found' | 'consumer-not-found',
  id: string,
): Value {
  if (value === undefined) throw new MediaError(reason, `there is no ${reason.replace('-not-found', '')} ${id} in this room`);
  return value;
}
