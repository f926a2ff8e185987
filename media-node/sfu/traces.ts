import type { types } from 'mediasoup';

/** What mediasoup tells of a packet that it traces; its own types leave it open. */
interface TracedPacket {
  readonly ssrc: number;
  readonly timestamp: number;
}

/** The packet of a trace event of type `rtp` or `keyframe`. */
export function tracedPacket({ info }: types.ProducerTraceEventData | types.ConsumerTraceEventData): TracedPacket {
  return (info as { rtpPacket: TracedPacket }).rtpPacket;
}
