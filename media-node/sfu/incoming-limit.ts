import type { IncomingLimit } from '../../shared/media-api.ts';
import type { MediaKind } from '../../shared/rtp.ts';

/** What Opus needs in a conference, and more; in bits per second. */
const UNLIMITED_AUDIO = 128_000;

/** mediasoup's word for no limit. */
export const NO_LIMIT = 0;

/** The limit of a transport in bits per second while it has producers of these kinds. */
export function bitrateOf({ maxIncomingBitrate, maxAudioBitrate, maxVideoBitrate }: IncomingLimit, kinds: readonly MediaKind[]): number {
  const each = { audio: maxAudioBitrate ?? UNLIMITED_AUDIO, video: maxVideoBitrate ?? Infinity };
  const isLimitedByKind = maxAudioBitrate !== undefined || maxVideoBitrate !== undefined;
  const sum = isLimitedByKind && kinds.length > 0 ? kinds.reduce((total, kind) => total + each[kind], 0) : Infinity;
  const least = Math.min(sum, maxIncomingBitrate ?? Infinity);
  return Number.isFinite(least) ? least : NO_LIMIT;
}
