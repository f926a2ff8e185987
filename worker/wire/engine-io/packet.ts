/** The two revisions of the Engine.IO protocol that are in use: 3 by clients 1.x and 2.x, 4 by clients 3.x and 4.x. */
export type Revision = 3 | 4;

/** What an application sends and receives. */
export type Data = string | ArrayBuffer;

/** What one WebSocket message or one polling body carries. */
export type Frame = string | ArrayBuffer;

export type PacketType = 'open' | 'close' | 'ping' | 'pong' | 'message' | 'upgrade' | 'noop';

export interface Packet {
  readonly type: PacketType;
  readonly data?: Data;
}

/**
 * Bytes to packets and back, one per revision. A decoder answers `undefined` to anything that is not a packet; it never throws.
 *
 * `base64Only` is the wish of a client that cannot receive binary frames (`b64=1`).
 */
export interface Codec {
  encodeFrame(packet: Packet, base64Only: boolean): Frame;
  decodeFrame(frame: Frame): Packet | undefined;
  encodePayload(packets: readonly Packet[], base64Only: boolean): Frame;
  decodePayload(body: Frame): Packet[] | undefined;
}

/** All that the layer needs of a WebSocket; a platform's own object fits as it is. */
export interface FrameSocket {
  send(frame: Frame): void;
  close(code: number, reason: string): void;
}
