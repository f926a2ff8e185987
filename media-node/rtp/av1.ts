/** AV1 in RTP (AV1 RTP payload specification 1.0) and its sequence header (AV1 bitstream specification, section 5.5). */
import { Bits } from './bits.ts';
import type { PictureSize, VideoFormat } from './video-format.ts';

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = Buffer.from([0x12, 0x00]);
const MAX_LEB128_BYTES = 8;

interface Element {
  readonly bytes: Buffer;
  /** It goes on in the next packet. */
  isContinuedLater: boolean;
  /** It began in the packet before. */
  readonly isContinued: boolean;
}

/** AV1 RTP, section 4.4. */
function elementsIn(payload: Buffer): Element[] {
  const header = payload.readUInt8(0);
  const count = (header >> 4) & 3;
  const elements: Element[] = [];
  for (let at = 1; at < payload.length;) {
    const isLast = count !== 0 && elements.length === count - 1;
    const { value, length } = isLast ? { value: payload.length - at, length: 0 } : leb128At(payload, at);
    at += length;
    elements.push({
      bytes: payload.subarray(at, at + value),
      isContinued: elements.length === 0 && (header & 0x80) !== 0,
      isContinuedLater: false,
    });
    at += value;
  }
  const last = elements.at(-1);
  if (last !== undefined) last.isContinuedLater = (header & 0x40) !== 0;
  return elements;
}

function leb128At(data: Buffer, at: number): { value: number; length: number } {
  let value = 0;
  for (let i = 0; i < MAX_LEB128_BYTES; i += 1) {
    const byte = data.readUInt8(at + i);
    value += (byte & 0x7f) * 128 ** i;
    if ((byte & 0x80) === 0) return { value, length: i + 1 };
  }
  throw new RangeError('a length of more than eight bytes');
}

function leb128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

function typeOf(unit: Buffer): number {
  return (unit.readUInt8(0) >> 3) & 0x0f;
}

/** Header of the unit: type, whether there is an extension, whether its length is inside. */
function contentOf(unit: Buffer): Buffer {
  const first = unit.readUInt8(0);
  const start = (first & 0x04) === 0 ? 1 : 2;
  return (first & 0x02) === 0 ? unit.subarray(start) : unit.subarray(start + leb128At(unit, start).length);
}

function pictureSize(payload: Buffer): PictureSize | undefined {
  const header = elementsIn(payload).find(
    ({ bytes, isContinued, isContinuedLater }) =>
      !isContinued && !isContinuedLater && bytes.length > 0 && typeOf(bytes) === SEQUENCE_HEADER,
  );
  return header && sizeInSequenceHeader(new Bits(contentOf(header.bytes)));
}

function sizeInSequenceHeader(bits: Bits): PictureSize {
  bits.skip(4);
  if (bits.flag()) bits.skip(5);
  else skipOperatingPoints(bits);
  const widthBits = bits.number(4) + 1;
  const heightBits = bits.number(4) + 1;
  return { width: bits.number(widthBits) + 1, height: bits.number(heightBits) + 1 };
}

/** AV1, section 5.5.1, between `reduced_still_picture_header` and the size. */
function skipOperatingPoints(bits: Bits): void {
  const hasTiming = bits.flag();
  let delayBits = 0;
  const hasDecoderModel = hasTiming && skipTiming(bits);
  if (hasDecoderModel) {
    delayBits = bits.number(5) + 1;
    bits.skip(32 + 5 + 5);
  }
  const hasInitialDelay = bits.flag();
  const points = bits.number(5) + 1;
  for (let point = 0; point < points; point += 1) {
    bits.skip(12);
    if (bits.number(5) > 7) bits.skip(1);
    if (hasDecoderModel && bits.flag()) bits.skip(2 * delayBits + 1);
    if (hasInitialDelay && bits.flag()) bits.skip(4);
  }
}

/** @returns whether a decoder model follows. */
function skipTiming(bits: Bits): boolean {
  bits.skip(64);
  if (bits.flag()) bits.golomb();
  return bits.flag();
}

/** As a stream of units that tell their lengths (AV1, section 5.2). */
function frames(payloads: readonly Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  for (const { bytes, isContinued } of payloads.flatMap(elementsIn)) {
    const before = isContinued ? units.pop() : undefined;
    units.push(before === undefined ? bytes : Buffer.concat([before, bytes]));
  }
  return [Buffer.concat([TEMPORAL_DELIMITER, ...units.filter(({ length }) => length > 0).map(withLength)])];
}

function withLength(unit: Buffer): Buffer {
  const content = contentOf(unit);
  const header = Buffer.from(unit.subarray(0, (unit.readUInt8(0) & 0x04) === 0 ? 1 : 2));
  header[0] = unit.readUInt8(0) | 0x02;
  return Buffer.concat([header, leb128(content.length), content]);
}

export const av1: VideoFormat = { fourcc: 'AV01', pictureSize, frames };
