/** VP9 in RTP (RFC 9628) and its uncompressed header (VP9 bitstream specification, section 6.2). */
import { Bits } from './bits.ts';
import type { PictureSize, VideoFormat } from './video-format.ts';

const SYNC_CODE = 0x498342;
const SRGB = 7;

interface Descriptor {
  readonly length: number;
  readonly isFrameStart: boolean;
  readonly isInterPicture: boolean;
  /** Sizes of the spatial layers where the scalability structure tells them. */
  readonly sizes: readonly PictureSize[];
}

/** RFC 9628, section 4.2. */
function descriptorOf(payload: Buffer): Descriptor {
  const first = payload.readUInt8(0);
  const isInterPicture = (first & 0x40) !== 0;
  const isFlexible = (first & 0x10) !== 0;
  let at = 1;
  if ((first & 0x80) !== 0) at += (payload.readUInt8(at) & 0x80) === 0 ? 1 : 2;
  if ((first & 0x20) !== 0) at += isFlexible ? 1 : 2;
  if (isFlexible && isInterPicture) {
    while ((payload.readUInt8(at) & 1) !== 0) at += 1;
    at += 1;
  }
  const structure = (first & 0x02) === 0 ? { length: 0, sizes: [] } : structureAt(payload.subarray(at));
  return { length: at + structure.length, isFrameStart: (first & 0x08) !== 0, isInterPicture, sizes: structure.sizes };
}

/** RFC 9628, section 4.2.1. */
function structureAt(data: Buffer): { length: number; sizes: PictureSize[] } {
  const first = data.readUInt8(0);
  const sizes: PictureSize[] = [];
  let at = 1;
  if ((first & 0x10) !== 0) {
    for (let layer = 0; layer <= first >> 5; layer += 1) {
      sizes.push({ width: data.readUInt16BE(at), height: data.readUInt16BE(at + 2) });
      at += 4;
    }
  }
  if ((first & 0x08) !== 0) {
    const pictures = data.readUInt8(at);
    at += 1;
    for (let picture = 0; picture < pictures; picture += 1) at += 1 + ((data.readUInt8(at) >> 2) & 3);
  }
  return { length: at, sizes };
}

function sizeInHeader(frame: Buffer): PictureSize | undefined {
  const bits = new Bits(frame);
  if (bits.number(2) !== 2) return undefined;
  const profile = bits.bit() + 2 * bits.bit();
  if (profile === 3) bits.skip(1);
  const showsExisting = bits.flag();
  const isKeyFrame = !showsExisting && !bits.flag();
  if (!isKeyFrame) return undefined;
  bits.skip(2);
  if (bits.number(24) !== SYNC_CODE) return undefined;
  skipColors(bits, profile);
  return { width: bits.number(16) + 1, height: bits.number(16) + 1 };
}

function skipColors(bits: Bits, profile: number): void {
  if (profile >= 2) bits.skip(1);
  const hasSubsampling = profile === 1 || profile === 3;
  if (bits.number(3) === SRGB) bits.skip(hasSubsampling ? 1 : 0);
  else bits.skip(hasSubsampling ? 4 : 1);
}

function pictureSize(payload: Buffer): PictureSize | undefined {
  const { length, isFrameStart, isInterPicture, sizes } = descriptorOf(payload);
  if (!isFrameStart || isInterPicture) return undefined;
  return sizes.at(-1) ?? sizeInHeader(payload.subarray(length));
}

/** Each spatial layer is a frame of its own. */
function frames(payloads: readonly Buffer[]): Buffer[] {
  const layers: Buffer[][] = [];
  for (const payload of payloads) {
    const { length, isFrameStart } = descriptorOf(payload);
    if (isFrameStart || layers.length === 0) layers.push([]);
    layers.at(-1)?.push(payload.subarray(length));
  }
  return layers.map((layer) => Buffer.concat(layer));
}

export const vp9: VideoFormat = { fourcc: 'VP90', pictureSize, frames };
