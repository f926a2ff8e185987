import type { IncomingLimit } from '../../shared/media-api.ts';
import type { MediaKind } from '../../shared/rtp.ts';

/** What is known of a producer, as mediasoup calls it. */
interface LimitedProducer {
  readonly kind: MediaKind;
  /** `simple` where there are no layers. */
  readonly type: 'simple' | 'simulcast' | 'svc';
}

/** What Opus needs in a conference, and more; in bits per second. */
const UNLIMITED_AUDIO = 128_000;

/** mediasoup's word for no limit. */
export const NO_LIMIT = 0;

/** The limit of a transport in bits per second while it has these producers. */
export function bitrateOf(limit: IncomingLimit, producers: readonly LimitedProducer[]): number {
  const { maxIncomingBitrate, maxAudioBitrate, maxVideoBitrate, maxLayeredBitrate } = limit;
  const isLimitedByKind = [maxAudioBitrate, maxVideoBitrate, maxLayeredBitrate].some((bitrate) => bitrate !== undefined);
  const sum =
    isLimitedByKind && producers.length > 0 ? producers.reduce((total, producer) => total + limitOf(producer, limit), 0) : Infinity;
  const least = Math.min(sum, maxIncomingBitrate ?? Infinity);
  return Number.isFinite(least) ? least : NO_LIMIT;
}

function limitOf({ kind, type }: LimitedProducer, { maxAudioBitrate, maxVideoBitrate, maxLayeredBitrate }: IncomingLimit): number {
  if (kind === 'audio') return maxAudioBitrate ?? UNLIMITED_AUDIO;
  return (type === 'simple' ? maxVideoBitrate : maxLayeredBitrate) ?? Infinity;
}
