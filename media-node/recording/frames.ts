/** From the packets of a source to the frames of a track. */
import { formatOf, pictureSizeIn, unlessMalformed } from '../rtp/formats.ts';
import { decoderConfiguration, lengthPrefixed } from '../rtp/h264.ts';
import type { RtpPacket } from '../rtp/packet.ts';
import { Sequence } from '../rtp/sequence.ts';
import type { Unit } from '../rtp/sequence.ts';
import { StreamClock } from '../rtp/stream-clock.ts';
import type { Track, VideoTrack } from './matroska.ts';
import type { Flow, Source } from './source.ts';

/** A packet that was lost comes again within two round trips. */
const PATIENCE_MS = 400;

/** What is assumed of pictures that nobody has seen yet; decoders read the size again from the pictures. */
const ASSUMED_SIZE = { width: 1280, height: 720 };

const VIDEO_CODECS: Readonly<Record<string, VideoTrack['codec']>> = {
  'video/vp8': 'V_VP8',
  'video/vp9': 'V_VP9',
  'video/h264': 'V_MPEG4/ISO/AVC',
};

export interface Frame {
  /** In milliseconds of this machine. */
  readonly time: number;
  readonly isKeyFrame: boolean;
  readonly data: Buffer;
  /** What the file says of its track when it begins with this frame. */
  readonly track: Track | undefined;
}

/** Whether this codec can be recorded. */
export function isRecordable({ mimeType }: Source): boolean {
  return mimeType.toLowerCase() === 'audio/opus' || VIDEO_CODECS[mimeType.toLowerCase()] !== undefined;
}

/** The track of a source from which no frame has come yet; `undefined` where it takes one to know. */
export function assumedTrack({ kind, mimeType, channels }: Source): Track | undefined {
  if (kind === 'audio') return { kind, codec: 'A_OPUS', channels };
  const codec = VIDEO_CODECS[mimeType.toLowerCase()];
  return codec === undefined || codec === 'V_MPEG4/ISO/AVC' ? undefined : { kind, codec, ...ASSUMED_SIZE };
}

/** Listens to one source. */
export class FrameReader {
  readonly clock: StreamClock;
  readonly #source: Source;
  readonly #onFrame: (frame: Frame) => void;
  readonly #sequence: Sequence;
  #flow: Flow | undefined;
  #isClosed = false;

  constructor(source: Source, onFrame: (frame: Frame) => void) {
    this.#source = source;
    this.#onFrame = onFrame;
    this.clock = new StreamClock(source.clockRate);
    this.#sequence = new Sequence({
      isStart: (payload) => source.kind === 'audio' || this.#sizeIn(payload) !== undefined,
      patience: PATIENCE_MS,
      onLoss: () => this.#flow?.requestKeyFrame(),
    });
  }

  /** @param onReport called after each report of the sender's clock. */
  async open(onReport: () => void): Promise<void> {
    const flow = await this.#source.open(
      (packet) => {
        this.#take(packet);
      },
      (report) => {
        this.clock.report(report);
        onReport();
      },
    );
    if (this.#isClosed) flow.close();
    this.#flow = flow;
  }

  close(): void {
    this.#isClosed = true;
    this.#flow?.close();
  }

  #take(packet: RtpPacket): void {
    if (this.#isClosed) return;
    for (const unit of this.#sequence.add(packet, Date.now())) {
      const frame = unlessMalformed(() => this.#frame(unit));
      if (frame !== undefined) this.#onFrame(frame);
    }
  }

  #frame({ timestamp, payloads, at }: Unit): Frame {
    const time = this.clock.timeOf(timestamp, at);
    if (this.#source.kind === 'audio') return { time, isKeyFrame: true, data: Buffer.concat(payloads), track: assumedTrack(this.#source) };
    const size = this.#sizeIn(payloads[0] ?? Buffer.alloc(0));
    const codec = VIDEO_CODECS[this.#source.mimeType.toLowerCase()];
    if (codec === undefined) throw new Error('a source that cannot be recorded was opened');
    const isAvc = codec === 'V_MPEG4/ISO/AVC';
    const configuration = isAvc && size !== undefined ? decoderConfiguration(payloads) : undefined;
    const isKnown = size !== undefined && (!isAvc || configuration !== undefined);
    return {
      time,
      isKeyFrame: size !== undefined,
      data: isAvc ? lengthPrefixed(payloads) : superframe(formatOf(this.#source.mimeType)?.frames(payloads) ?? []),
      track: isKnown ? { kind: 'video', codec, ...size, ...(configuration !== undefined && { configuration }) } : undefined,
    };
  }

  #sizeIn(payload: Buffer) {
    const format = formatOf(this.#source.mimeType);
    return format && pictureSizeIn(format, payload);
  }
}

/** Several layers of one picture with an index behind them (VP9 bitstream specification, annex B). */
function superframe(frames: readonly Buffer[]): Buffer {
  const [only] = frames;
  if (frames.length === 1 && only !== undefined) return only;
  const marker = Buffer.from([0xc0 | (3 << 3) | (frames.length - 1)]);
  const sizes = frames.map(({ length }) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(length);
    return size;
  });
  return Buffer.concat([...frames, marker, ...sizes, marker]);
}
