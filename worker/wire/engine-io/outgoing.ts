import { byteLength } from '../byte-length.ts';
import { codecOf } from './codec.ts';
import type { Data, Frame, Packet, PacketType, Revision } from './packet.ts';

/**
 * A packet on its way to one client or to many. Each form in which receivers want it is encoded once, however many receivers there are.
 */
export class OutgoingPacket implements Packet {
  readonly type: PacketType;
  readonly data?: Data;
  /** The size of its payload in bytes. */
  readonly bytes: number;
  readonly #frames: (Frame | undefined)[] = [];

  constructor(type: PacketType, data?: Data) {
    this.type = type;
    if (data !== undefined) this.data = data;
    this.bytes = 1 + (data === undefined ? 0 : byteLength(data));
  }

  /** The packet as one WebSocket message. */
  frame(revision: Revision, base64Only: boolean): Frame {
    // A text looks the same in both revisions; only binary data has several forms.
    const form = typeof this.data === 'object' ? revision * 2 + Number(base64Only) : 0;
    return (this.#frames[form] ??= codecOf(revision).encodeFrame(this, base64Only));
  }
}
