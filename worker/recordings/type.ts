import { toHex } from '../../shared/hex.ts';

/** As many bytes as are needed to tell the types apart. */
export const HEAD_BYTES = 12;

/** EBML (RFC 8794), which WebM and Matroska begin with, and the `ftyp` box of MP4 (ISO/IEC 14496-12), each in hex. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^1a45dfa3/u, 'video/webm'],
  [/^.{8}66747970/u, 'video/mp4'],
];

/** The content type of a recording by its first bytes; `undefined` when it is none. */
export function recordingTypeOf(head: Uint8Array): string | undefined {
  const beginning = toHex(head.subarray(0, HEAD_BYTES));
  return BEGINNINGS.find(([pattern]) => pattern.test(beginning))?.[1];
}
