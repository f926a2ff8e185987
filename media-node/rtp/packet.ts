/** What matters of an RTP packet (RFC 3550, section 5.1). */
export interface RtpPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  /** The last packet of a picture. */
  readonly marker: boolean;
  readonly payload: Buffer;
}

const FIXED_HEADER = 12;

/** Reads a packet; `undefined` when it is cut off. */
export function parsePacket(packet: Buffer): RtpPacket | undefined {
  if (packet.length < FIXED_HEADER) return undefined;
  const first = packet.readUInt8(0);
  let start = FIXED_HEADER + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (packet.length < start + 4) return undefined;
    start += 4 + 4 * packet.readUInt16BE(start + 2);
  }
  const padding = (first & 0x20) === 0 ? 0 : packet.readUInt8(packet.length - 1);
  if (start + padding > packet.length) return undefined;
  return {
    sequenceNumber: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    marker: (packet.readUInt8(1) & 0x80) !== 0,
    payload: packet.subarray(start, packet.length - padding),
  };
}
