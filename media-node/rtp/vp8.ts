/** VP8 in RTP (RFC 7741) and its frame header (RFC 6386, section 9.1). */
import type { PictureSize, VideoFormat } from './video-format.ts';

const START_CODE = 0x9d012a;
const KEY_FRAME_HEADER = 10;

/** Length of the payload descriptor. */
function descriptorLength(payload: Buffer): number {
  const first = payload.readUInt8(0);
  if ((first & 0x80) === 0) return 1;
  const extensions = payload.readUInt8(1);
  let length = 2;
  if ((extensions & 0x80) !== 0) length += (payload.readUInt8(length) & 0x80) === 0 ? 1 : 2;
  if ((extensions & 0x40) !== 0) length += 1;
  if ((extensions & 0x30) !== 0) length += 1;
  return length;
}

function pictureSize(payload: Buffer): PictureSize | undefined {
  const first = payload.readUInt8(0);
  const isStart = (first & 0x10) !== 0 && (first & 0x07) === 0;
  const frame = payload.subarray(descriptorLength(payload));
  if (!isStart || frame.length < KEY_FRAME_HEADER || (frame.readUInt8(0) & 1) !== 0 || frame.readUIntBE(3, 3) !== START_CODE) {
    return undefined;
  }
  return { width: frame.readUInt16LE(6) & 0x3fff, height: frame.readUInt16LE(8) & 0x3fff };
}

export const vp8: VideoFormat = {
  fourcc: 'VP80',
  pictureSize,
  frames: (payloads) => [Buffer.concat(payloads.map((payload) => payload.subarray(descriptorLength(payload))))],
};
