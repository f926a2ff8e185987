import { av1 } from './av1.ts';
import { EndOfBits } from './bits.ts';
import { h264 } from './h264.ts';
import type { PictureSize, VideoFormat } from './video-format.ts';
import { vp8 } from './vp8.ts';
import { vp9 } from './vp9.ts';

const FORMATS: Readonly<Record<string, VideoFormat>> = { 'video/vp8': vp8, 'video/vp9': vp9, 'video/h264': h264, 'video/av1': av1 };

export function formatOf(mimeType: string): VideoFormat | undefined {
  return FORMATS[mimeType.toLowerCase()];
}

/** What came of reading something that a client sent; `undefined` when it is nonsense. */
export function unlessMalformed<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError || error instanceof EndOfBits) return undefined;
    throw error;
  }
}

/** The size of the picture that begins in this payload, where it tells one; `undefined` also for nonsense. */
export function pictureSizeIn(format: VideoFormat, payload: Buffer): PictureSize | undefined {
  const size = unlessMalformed(() => format.pictureSize(payload));
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}
