import type { types } from 'mediasoup';
import type { SenderReport } from '../rtp/stream-clock.ts';

/** What mediasoup tells of a packet that it traces; its own types leave it open. */
interface TracedPacket {
  readonly ssrc: number;
  readonly timestamp: number;
}

/** The packet of a trace event of type `rtp` or `keyframe`. */
export function tracedPacket({ info }: types.ProducerTraceEventData | types.ConsumerTraceEventData): TracedPacket {
  return (info as { rtpPacket: TracedPacket }).rtpPacket;
}

const FRACTIONS_PER_MILLISECOND = 2 ** 32 / 1000;

/** What a trace event of type `sr` tells. */
export function senderReport({ info }: types.ProducerTraceEventData): SenderReport {
  const { ntpSec, ntpFrac, rtpTs } = info as { ntpSec: number; ntpFrac: number; rtpTs: number };
  return { time: ntpSec * 1000 + ntpFrac / FRACTIONS_PER_MILLISECOND, timestamp: rtpTs };
}
