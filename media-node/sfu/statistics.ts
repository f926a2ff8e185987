import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { ConsumerStatistics, FlowStatistics, ProducerStatistics } from '../../shared/media-api.ts';
import { MediaError } from '../errors.ts';
import { FrameCounter } from './frame-counter.ts';
import type { VideoFormats } from './video-formats.ts';

const INTERVAL_MS = 1_000;
/** So that an event stays smaller than the edge takes. */
const MAX_WATCHED = 200;

/** What is watched: a consumer by itself, or whatever flows in a section. */
interface Place {
  readonly connection?: string;
  readonly mid?: string;
  /** What flows there at this moment. */
  current(): types.Producer | types.Consumer | undefined;
  counter: FrameCounter | undefined;
  counted: types.Producer | types.Consumer | undefined;
}

interface StatisticsEvents {
  measured: [{ producers: ProducerStatistics[]; consumers: ConsumerStatistics[] }];
}

/** Measures what somebody wants to know about, once a second. */
export class Statistics extends EventEmitter<StatisticsEvents> {
  readonly #formats: VideoFormats;
  readonly #originOf: (producer: string) => string;
  readonly #places = new Map<string, Place>();
  #timer: NodeJS.Timeout | undefined;
  #isMeasuring = false;

  /** @param originOf the room's id of a producer that has another one in another router. */
  constructor(formats: VideoFormats, originOf: (producer: string) => string) {
    super();
    this.#formats = formats;
    this.#originOf = originOf;
  }

  /**
   * @param name of what is watched; a second time changes nothing.
   * @throws MediaError `overloaded` when too much is watched.
   */
  watch(name: string, place: Pick<Place, 'connection' | 'mid' | 'current'>): void {
    if (this.#places.has(name)) return;
    if (this.#places.size >= MAX_WATCHED) throw new MediaError('overloaded', `${MAX_WATCHED} things are watched in this room already`);
    const added: Place = { ...place, counter: undefined, counted: undefined };
    this.#places.set(name, added);
    count(added);
    this.#timer ??= setInterval(() => void this.#measure(), INTERVAL_MS).unref();
  }

  /** Also when it is not watched. */
  unwatch(name: string): void {
    this.#places.get(name)?.counter?.stop();
    this.#places.delete(name);
    if (this.#places.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #measure(): Promise<void> {
    // mediasoup is slower than a second only when the machine is drowning; then less is better than more.
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    for (const [name, place] of this.#places) {
      // What was watched by its own name never comes back.
      if (place.mid === undefined && place.current() === undefined) this.unwatch(name);
    }
    const measured = await Promise.all([...this.#places.values()].map((place) => this.#measurePlace(place)));
    this.#isMeasuring = false;
    if (this.#timer === undefined) return;
    const producers = measured.flatMap((one) => (one === undefined || 'consumer' in one ? [] : [one]));
    const consumers = measured.flatMap((one) => (one !== undefined && 'consumer' in one ? [one] : []));
    if (producers.length + consumers.length > 0) this.emit('measured', { producers, consumers });
  }

  /** @returns `undefined` where nothing flows, or where it was closed while it was measured. */
  async #measurePlace(place: Place): Promise<ProducerStatistics | ConsumerStatistics | undefined> {
    const subject = count(place);
    if (subject === undefined) return undefined;
    const frameRate = place.counter?.take();
    const stats = await subject.getStats().catch(() => undefined);
    if (stats === undefined || subject.closed) return undefined;
    const flow = { ...sumOf(stats, subject), ...(frameRate !== undefined && { frameRate }) };
    if (!isConsumer(subject)) return { producer: subject.id, ...flow, ...this.#formats.sizeOf(subject.id) };
    const producer = this.#originOf(subject.producerId);
    const { connection, mid } = place;
    const section = connection === undefined || mid === undefined ? {} : { connection, mid };
    return { consumer: subject.id, producer, ...section, ...flow, ...lineOf(stats), ...this.#sizeIn(subject, producer) };
  }

  #sizeIn(consumer: types.Consumer, producer: string) {
    const layer = consumer.type === 'simulcast' ? consumer.currentLayers?.spatialLayer : undefined;
    return layer === undefined ? this.#formats.sizeOf(producer) : this.#formats.sizeOfLayer(producer, layer);
  }
}

/** Counts the pictures of what flows there at this moment. */
function count(place: Place): types.Producer | types.Consumer | undefined {
  const subject = place.current();
  if (subject === place.counted) return subject;
  place.counter?.stop();
  place.counted = subject;
  place.counter = subject?.kind === 'video' ? new FrameCounter(subject) : undefined;
  return subject;
}

function isConsumer(subject: types.Producer | types.Consumer): subject is types.Consumer {
  return 'producerId' in subject;
}

/** What is to be sent, and how much was. */
function lineOf(stats: readonly (types.ProducerStat | types.ConsumerStat)[]): Pick<ConsumerStatistics, 'sourceBitrate' | 'packetsSent'> {
  const [source, sent] = (['inbound-rtp', 'outbound-rtp'] as const).map((type) => stats.find((one) => one.type === type));
  return { sourceBitrate: Math.max(0, Math.round(source?.bitrate ?? 0)), packetsSent: sent?.packetCount ?? 0 };
}

/** Of a consumer, mediasoup tells about its producer too. */
function sumOf(stats: readonly (types.ProducerStat | types.ConsumerStat)[], subject: types.Producer | types.Consumer): FlowStatistics {
  const own = stats.filter(({ type }) => type === (isConsumer(subject) ? 'outbound-rtp' : 'inbound-rtp'));
  const sum = (key: 'bitrate' | 'packetsLost' | 'nackCount' | 'pliCount') =>
    own.reduce((total, one) => total + Math.max(0, Math.round(one[key])), 0);
  return {
    kind: subject.kind,
    bitrate: sum('bitrate'),
    packetsLost: sum('packetsLost'),
    nackCount: sum('nackCount'),
    pliCount: sum('pliCount'),
  };
}
