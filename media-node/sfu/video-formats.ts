import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { PictureSize } from '../rtp/video-format.ts';
import type { Logger } from '../log.ts';
import { highestEncoding, probePicture, type SeenPicture } from './picture-probe.ts';
import type { Taps } from './taps.ts';
import { tracedPacket } from './traces.ts';

/** Every look costs the client a key frame. */
const SHORTEST_PAUSE_MS = 3_000;
/** Between looks at producers whose key frames mediasoup cannot see. */
const BLIND_PAUSE_MS = 10_000;

/** Without this extension mediasoup cannot see key frames of AV1. */
const DEPENDENCY_DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

interface Watched {
  readonly producer: types.Producer;
  readonly router: types.Router;
  size: PictureSize | undefined;
  /** Sizes of lower layers of simulcast that somebody asked for; `undefined` while they are being found out. */
  readonly layers: Map<number, PictureSize | undefined>;
  isLooking: boolean;
  lookedAt: number;
  timer: NodeJS.Timeout | undefined;
  /** RTP timestamp of the last key frame of each ssrc: one key frame may be told several times. */
  readonly seen: Map<number, number>;
}

interface VideoFormatsEvents {
  /** The pictures of a producer are of another size than before, or of a size that was not known. */
  change: [types.Producer, SeenPicture];
}

/**
 * Knows how large the pictures of a room's video producers are. A size can change only with a key frame: mediasoup tells of those for little, and then
 * the pictures are looked at for a moment. The key frame that this asks for is not looked at again.
 */
export class VideoFormats extends EventEmitter<VideoFormatsEvents> {
  readonly #taps: Taps;
  readonly #log: Logger;
  readonly #watched = new Map<string, Watched>();

  constructor(taps: Taps, log: Logger) {
    super();
    this.#taps = taps;
    this.#log = log;
  }

  /**
   * Watches a video producer until it is closed.
   *
   * @param router the one in which it is.
   */
  async add(producer: types.Producer, router: types.Router): Promise<void> {
    const watched = { producer, router, size: undefined, isLooking: false, lookedAt: 0, timer: undefined };
    const entry: Watched = { ...watched, layers: new Map(), seen: new Map() };
    this.#watched.set(producer.id, entry);
    producer.on('trace', (trace) => {
      if (trace.type === 'keyframe') this.#keyFrame(entry, tracedPacket(trace));
    });
    producer.observer.once('close', () => {
      clearTimeout(entry.timer);
      this.#watched.delete(producer.id);
    });
    await producer.enableTraceEvent(['keyframe']);
    await this.#look(entry);
  }

  /** The size of a producer's pictures, as far as it is known. */
  sizeOf(producer: string): PictureSize | undefined {
    return this.#watched.get(producer)?.size;
  }

  /** The size of a layer of simulcast, counted from 0. Where it is not known it is found out, and known another time. */
  sizeOfLayer(producer: string, layer: number): PictureSize | undefined {
    const watched = this.#watched.get(producer);
    if (watched === undefined || layer >= highestEncoding(watched.producer)) return watched?.size;
    if (!watched.layers.has(layer)) void this.#lookAtLayer(watched, layer);
    return watched.layers.get(layer);
  }

  #keyFrame(watched: Watched, { ssrc, timestamp }: { ssrc: number; timestamp: number }): void {
    const isKnown = watched.seen.get(ssrc) === timestamp;
    watched.seen.set(ssrc, timestamp);
    if (isKnown || watched.isLooking || watched.timer !== undefined || !isHighest(watched.producer, ssrc)) return;
    this.#lookIn(Math.max(0, watched.lookedAt + SHORTEST_PAUSE_MS - Date.now()), watched);
  }

  #lookIn(milliseconds: number, watched: Watched): void {
    watched.timer = setTimeout(() => {
      watched.timer = undefined;
      void this.#look(watched);
    }, milliseconds);
  }

  async #look(watched: Watched): Promise<void> {
    watched.isLooking = true;
    const seen = await this.#probe(watched);
    watched.isLooking = false;
    watched.lookedAt = Date.now();
    const { producer } = watched;
    if (producer.closed) return;
    if (hidesKeyFrames(producer)) this.#lookIn(BLIND_PAUSE_MS, watched);
    if (seen === undefined || areEqual(seen, watched.size)) return;
    watched.size = seen;
    watched.layers.clear();
    this.emit('change', producer, seen);
  }

  async #lookAtLayer(watched: Watched, layer: number): Promise<void> {
    watched.layers.set(layer, undefined);
    const size = await this.#probe(watched, layer);
    if (size === undefined) watched.layers.delete(layer);
    else watched.layers.set(layer, size);
  }

  /** The producer, its router or the whole process may be gone at any moment, of which those who need to know are told. */
  async #probe({ producer, router }: Watched, layer?: number): Promise<SeenPicture | undefined> {
    try {
      return await probePicture(this.#taps, producer, router, layer === undefined ? undefined : { spatialLayer: layer });
    } catch (error) {
      this.#log.debug({ producer: producer.id, error: String(error) }, 'the size of its pictures was not found out');
      return undefined;
    }
  }
}

function hidesKeyFrames({ rtpParameters: { codecs, headerExtensions = [] } }: types.Producer): boolean {
  return /av1$/iu.test(codecs[0]?.mimeType ?? '') && !headerExtensions.some(({ uri }) => uri === DEPENDENCY_DESCRIPTOR);
}

/** Whether packets with this ssrc are those of the highest layer of simulcast that arrives. */
function isHighest(producer: types.Producer, ssrc: number): boolean {
  const encoding = producer.score.find((one) => one.ssrc === ssrc)?.encodingIdx;
  return encoding === undefined || encoding >= highestEncoding(producer);
}

function areEqual(a: PictureSize, b: PictureSize | undefined): boolean {
  return a.width === b?.width && a.height === b.height;
}
