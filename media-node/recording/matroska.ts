/**
 * Matroska and WebM as they are written while a recording goes on (RFC 9559): elements of unknown length, so that the file can be played up to the last
 * byte that reached the disk. Libraries hold a track back while another one is silent; a conference is full of silence. ffmpeg makes the finished file.
 */

export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: 'V_VP8' | 'V_VP9' | 'V_MPEG4/ISO/AVC';
  readonly width: number;
  readonly height: number;
  readonly configuration?: Buffer;
}

interface AudioTrack {
  readonly kind: 'audio';
  readonly codec: 'A_OPUS';
  readonly channels: number;
}

export type Track = VideoTrack | AudioTrack;

const UNKNOWN_LENGTH = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
const NANOSECONDS_PER_TICK = 1_000_000;
const OPUS_RATE = 48_000;
/** What a decoder of Opus needs before a place to which it jumps (RFC 7845, section 4.6), in nanoseconds. */
const OPUS_PREROLL = 80_000_000;
const VIDEO = 1;
const AUDIO = 2;

/** RFC 8794, section 4. */
function length(bytes: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(bytes) | (1n << 56n));
  return buffer;
}

function id(value: number): Buffer {
  return Buffer.from(value.toString(16), 'hex');
}

function element(name: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([id(name), length(body.length), body]);
}

function unsigned(name: number, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return element(name, buffer);
}

function text(name: number, value: string): Buffer {
  return element(name, Buffer.from(value));
}

function float(name: number, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return element(name, buffer);
}

/** RFC 7845, section 5.1. */
function opusHead(channels: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead');
  head.writeUInt8(1, 8);
  head.writeUInt8(channels, 9);
  head.writeUInt32LE(OPUS_RATE, 12);
  return head;
}

function trackEntry(track: Track, number: number): Buffer {
  const common = [
    unsigned(0xd7, number),
    unsigned(0x73c5, number),
    unsigned(0x83, track.kind === 'video' ? VIDEO : AUDIO),
    unsigned(0x9c, 0),
  ];
  if (track.kind === 'audio') {
    const sound = element(0xe1, float(0xb5, OPUS_RATE), unsigned(0x9f, track.channels));
    return element(
      0xae,
      ...common,
      text(0x86, track.codec),
      element(0x63a2, opusHead(track.channels)),
      unsigned(0x56bb, OPUS_PREROLL),
      sound,
    );
  }
  const picture = element(0xe0, unsigned(0xb0, track.width), unsigned(0xba, track.height));
  const configuration = track.configuration === undefined ? [] : [element(0x63a2, track.configuration)];
  return element(0xae, ...common, text(0x86, track.codec), ...configuration, picture);
}

/** The beginning of a file. Tracks are numbered from 1 in this order. */
export function head(tracks: readonly Track[]): Buffer {
  const isWebm = tracks.every(({ codec }) => codec !== 'V_MPEG4/ISO/AVC');
  const ebml = element(0x1a45dfa3, text(0x4282, isWebm ? 'webm' : 'matroska'), unsigned(0x4287, 4), unsigned(0x4285, 2));
  const info = element(0x1549a966, unsigned(0x2ad7b1, NANOSECONDS_PER_TICK), text(0x4d80, 'Parley'), text(0x5741, 'Parley'));
  return Buffer.concat([
    ebml,
    id(0x18538067),
    UNKNOWN_LENGTH,
    info,
    element(0x1654ae6b, ...tracks.map((track, index) => trackEntry(track, index + 1))),
  ]);
}

/** The beginning of a cluster. @param time since the beginning of the recording, in milliseconds. */
export function cluster(time: number): Buffer {
  return Buffer.concat([id(0x1f43b675), UNKNOWN_LENGTH, unsigned(0xe7, time)]);
}

/** One frame. @param offset from the time of its cluster, in milliseconds. */
export function block(track: number, offset: number, isKeyFrame: boolean, frame: Buffer): Buffer {
  const start = Buffer.alloc(4);
  start.writeUInt8(0x80 | track);
  start.writeInt16BE(offset, 1);
  start.writeUInt8(isKeyFrame ? 0x80 : 0, 3);
  return element(0xa3, start, frame);
}
