import type { types } from 'mediasoup';
import { formatOf, pictureSizeIn, unlessMalformed } from '../rtp/formats.ts';
import type { RtpPacket } from '../rtp/packet.ts';
import type { VideoFormat } from '../rtp/video-format.ts';
import { MediaError } from '../errors.ts';
import { highestEncoding } from './picture-probe.ts';
import type { Tap, Taps } from './taps.ts';

const TIMEOUT_MS = 5_000;
/** Whoever switches to the highest layer of simulcast gets there within this time; then a lower one has to do. */
const PATIENCE_MS = 2_500;
const MAX_PACKETS = 5_000;

export interface KeyFrame {
  readonly fourcc: string;
  readonly frames: Buffer[];
}

/** Puts the packets of one picture together that begins with a key frame. */
class Assembly {
  readonly #format: VideoFormat;
  #packets: RtpPacket[] = [];

  constructor(format: VideoFormat) {
    this.#format = format;
  }

  /** @returns the payloads of the whole picture with its last packet. */
  add(packet: RtpPacket): Buffer[] | undefined {
    const [first] = this.#packets;
    if (first?.timestamp !== packet.timestamp) this.#packets = [];
    if (this.#packets.length === 0 && pictureSizeIn(this.#format, packet.payload) === undefined) return undefined;
    // What was lost and sent again comes late, and twice what was not.
    if (this.#packets.length < MAX_PACKETS && !this.#packets.some(({ sequenceNumber }) => sequenceNumber === packet.sequenceNumber)) {
      this.#packets.push(packet);
    }
    return this.#whole();
  }

  #whole(): Buffer[] | undefined {
    const [first] = this.#packets;
    if (first === undefined) return undefined;
    const placeOf = ({ sequenceNumber }: RtpPacket) => (sequenceNumber - first.sequenceNumber + 0x10000) % 0x10000;
    const sorted = this.#packets.toSorted((a, b) => placeOf(a) - placeOf(b));
    const isWhole = sorted.every((packet, index) => placeOf(packet) === index) && sorted.at(-1)?.marker === true;
    return isWhole ? sorted.map(({ payload }) => payload) : undefined;
  }
}

/**
 * Takes the next key frame of a producer, which is asked for one.
 *
 * @throws MediaError `no-picture` when none comes; `invalid-parameters` for audio; `producer-not-found` when it is closed meanwhile.
 */
export async function takeKeyFrame(taps: Taps, producer: types.Producer, router: types.Router): Promise<KeyFrame> {
  const format = formatOf(producer.rtpParameters.codecs[0]?.mimeType ?? '');
  if (format === undefined) throw new MediaError('invalid-parameters', 'this producer sends no pictures');
  const assembly = new Assembly(format);
  const begin = Date.now();
  let tap: Tap | undefined;
  let timer: NodeJS.Timeout | undefined;
  const isGoodEnough = () =>
    producer.type !== 'simulcast' ||
    tap?.consumer.currentLayers?.spatialLayer === highestEncoding(producer) ||
    Date.now() - begin > PATIENCE_MS;
  try {
    const payloads = await new Promise<Buffer[]>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new MediaError('no-picture', `no key frame came within ${TIMEOUT_MS / 1000} s`));
      }, TIMEOUT_MS);
      producer.observer.once('close', () => {
        reject(new MediaError('producer-not-found', 'the producer was closed in the meantime'));
      });
      const take = (packet: RtpPacket) => {
        const whole = assembly.add(packet);
        if (whole !== undefined && isGoodEnough()) resolve(whole);
      };
      taps.open(producer, router, take).then((opened) => {
        tap = opened;
      }, reject);
    });
    const frames = unlessMalformed(() => format.frames(payloads));
    if (frames === undefined) throw new MediaError('no-picture', 'the key frame is malformed');
    return { fourcc: format.fourcc, frames };
  } finally {
    clearTimeout(timer);
    tap?.close();
  }
}
