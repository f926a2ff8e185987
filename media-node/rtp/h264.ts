/** H.264 in RTP (RFC 6184) and its sequence parameter set (H.264, section 7.3.2.1.1). */
import { Bits } from './bits.ts';
import type { PictureSize, VideoFormat } from './video-format.ts';

const SPS = 7;
const PPS = 8;
const STAP_A = 24;
const FU_A = 28;
const START_CODE = Buffer.from([0, 0, 0, 1]);
/** Profiles whose parameter sets tell about colours. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128]);
/** H.264, section 7.4.2.1.1. */
const LONGEST_CYCLE = 255;

interface Unit {
  readonly bytes: Buffer;
  /** A later part of a unit that began in an earlier packet. */
  readonly isContinued: boolean;
}

function unitsIn(payload: Buffer): Unit[] {
  const type = payload.readUInt8(0) & 0x1f;
  if (type === STAP_A) return aggregated(payload);
  if (type !== FU_A) return [{ bytes: payload, isContinued: false }];
  const header = payload.readUInt8(1);
  const isStart = (header & 0x80) !== 0;
  const body = payload.subarray(2);
  if (!isStart) return [{ bytes: body, isContinued: true }];
  return [{ bytes: Buffer.concat([Buffer.from([(payload.readUInt8(0) & 0xe0) | (header & 0x1f)]), body]), isContinued: false }];
}

function aggregated(payload: Buffer): Unit[] {
  const units: Unit[] = [];
  for (let at = 1; at + 2 <= payload.length;) {
    const length = payload.readUInt16BE(at);
    units.push({ bytes: payload.subarray(at + 2, at + 2 + length), isContinued: false });
    at += 2 + length;
  }
  return units;
}

function pictureSize(payload: Buffer): PictureSize | undefined {
  const sps = unitsIn(payload).find(({ bytes, isContinued }) => !isContinued && bytes.length > 0 && (bytes.readUInt8(0) & 0x1f) === SPS);
  return sps && sizeInParameterSet(withoutEmulation(sps.bytes.subarray(1)));
}

/** Takes out the bytes that keep the data from looking like a start code (H.264, section 7.4.1). */
function withoutEmulation(bytes: Buffer): Uint8Array {
  return bytes.filter((byte, index) => !(byte === 3 && index >= 2 && bytes[index - 1] === 0 && bytes[index - 2] === 0));
}

function sizeInParameterSet(bytes: Uint8Array): PictureSize {
  const bits = new Bits(bytes);
  const profile = bits.number(8);
  bits.skip(16);
  bits.golomb();
  const chroma = HIGH_PROFILES.has(profile) ? readChroma(bits) : { format: 1, isSeparate: false };
  bits.golomb();
  skipPictureOrder(bits);
  bits.golomb();
  bits.skip(1);
  const widthInBlocks = bits.golomb() + 1;
  const heightInMaps = bits.golomb() + 1;
  const fieldsPerMap = bits.flag() ? 1 : 2;
  if (fieldsPerMap === 2) bits.skip(1);
  bits.skip(1);
  const [left, right, top, bottom] = bits.flag() ? [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()] : [0, 0, 0, 0];
  const format = chroma.isSeparate ? 0 : chroma.format;
  const unitX = format === 1 || format === 2 ? 2 : 1;
  const unitY = (format === 1 ? 2 : 1) * fieldsPerMap;
  return { width: widthInBlocks * 16 - (left + right) * unitX, height: heightInMaps * fieldsPerMap * 16 - (top + bottom) * unitY };
}

function readChroma(bits: Bits): { format: number; isSeparate: boolean } {
  const format = bits.golomb();
  const isSeparate = format === 3 && bits.flag();
  bits.golomb();
  bits.golomb();
  bits.skip(1);
  if (bits.flag()) {
    for (let list = 0; list < (format === 3 ? 12 : 8); list += 1) {
      if (bits.flag()) skipScalingList(bits, list < 6 ? 16 : 64);
    }
  }
  return { format, isSeparate };
}

/** H.264, section 7.3.2.1.1.1. */
function skipScalingList(bits: Bits, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size && next !== 0; i += 1) {
    next = (last + bits.signedGolomb() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: Bits): void {
  const type = bits.golomb();
  if (type === 0) bits.golomb();
  if (type !== 1) return;
  bits.skip(1);
  bits.signedGolomb();
  bits.signedGolomb();
  const cycle = bits.golomb();
  for (let i = 0; i < cycle && i < LONGEST_CYCLE; i += 1) bits.signedGolomb();
}

/** The units of one picture, in order. */
function unitsOf(payloads: readonly Buffer[]): Buffer[] {
  const units: Buffer[][] = [];
  for (const { bytes, isContinued } of payloads.flatMap(unitsIn)) {
    if (isContinued && units.length > 0) units.at(-1)?.push(bytes);
    else units.push([bytes]);
  }
  return units.map((parts) => Buffer.concat(parts)).filter(({ length }) => length > 0);
}

/** As a stream of units with start codes (H.264, annex B). */
function frames(payloads: readonly Buffer[]): Buffer[] {
  return [Buffer.concat(unitsOf(payloads).flatMap((unit) => [START_CODE, unit]))];
}

/** As files have them: each unit behind its length of four bytes (ISO/IEC 14496-15, section 4.3.3). */
export function lengthPrefixed(payloads: readonly Buffer[]): Buffer {
  return Buffer.concat(
    unitsOf(payloads).flatMap((unit) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(unit.length);
      return [length, unit];
    }),
  );
}

/** The parameter sets of a key frame as files have them (`avcC`; ISO/IEC 14496-15, section 5.3.3.1); `undefined` where it brings none. */
export function decoderConfiguration(payloads: readonly Buffer[]): Buffer | undefined {
  const units = unitsOf(payloads);
  const sps = units.find((unit) => (unit.readUInt8(0) & 0x1f) === SPS);
  const pps = units.find((unit) => (unit.readUInt8(0) & 0x1f) === PPS);
  if (sps === undefined || pps === undefined || sps.length < 4) return undefined;
  const sized = (unit: Buffer) => Buffer.concat([Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]);
  return Buffer.concat([Buffer.from([1]), sps.subarray(1, 4), Buffer.from([0xff, 0xe1]), sized(sps), Buffer.from([1]), sized(pps)]);
}

export const h264: VideoFormat = { fourcc: 'H264', pictureSize, frames };
