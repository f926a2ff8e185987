/**
 * Packets of Socket.IO, read from and written to Engine.IO messages with the official parser, and with what that leaves to the server:
 * every packet that comes out of here has the shape its type demands.
 *
 * Document: https://github.com/socketio/socket.io/blob/main/docs/socket.io-protocol/v5-current.md
 */
import { Decoder, Encoder, PacketType, type Packet as ParserPacket } from 'socket.io-parser';

import { OutgoingPacket } from '../engine-io/outgoing.ts';
import type { Data, Revision } from '../engine-io/packet.ts';

export type IncomingPacket =
  | { readonly type: 'connect'; readonly namespace: string; readonly auth: Readonly<Record<string, unknown>> }
  | { readonly type: 'disconnect'; readonly namespace: string }
  | {
      readonly type: 'event';
      readonly namespace: string;
      readonly name: string;
      readonly args: unknown[];
      readonly ackId: number | undefined;
    }
  | { readonly type: 'ack'; readonly namespace: string; readonly ackId: number; readonly args: unknown[] };

export interface PacketLimits {
  /** How many binary attachments one packet may have. */
  readonly maxAttachments: number;
  /** How many bytes the attachments of one packet may have together. */
  readonly maxAttachmentBytes: number;
  /** How deep objects and arrays may be nested. */
  readonly maxDepth: number;
}

export const DEFAULT_PACKET_LIMITS: PacketLimits = { maxAttachments: 10, maxAttachmentBytes: 4_000_000, maxDepth: 256 };

const MAX_NAMESPACE_CHARACTERS = 256;

/** A binary packet of which some attachments are still to come; the first item is its text. */
export type PartialPacket = readonly [string, ...ArrayBuffer[]];

/** Puts the messages of one client together to packets. */
export class PacketReader {
  readonly #revision: Revision;
  readonly #limits: PacketLimits;
  readonly #decoder: Decoder;
  #partial: PartialPacket | undefined;
  #decoded: ParserPacket | undefined;

  /** @param partial what {@link partial} answered before the object slept. */
  constructor(revision: Revision, limits: PacketLimits, partial?: PartialPacket) {
    this.#revision = revision;
    this.#limits = limits;
    this.#decoder = new Decoder({ maxAttachments: limits.maxAttachments });
    this.#decoder.on('decoded', (packet) => {
      this.#decoded = packet;
    });
    for (const message of partial ?? []) this.add(message);
  }

  /** The packet that has begun to arrive. */
  get partial(): PartialPacket | undefined {
    return this.#partial;
  }

  /** Takes the next message. Answers `undefined` while a packet is incomplete, and `'malformed'` when the client breaks the protocol. */
  add(message: Data): IncomingPacket | 'malformed' | undefined {
    try {
      if (this.#exceedsLimits(message)) return 'malformed';
      this.#decoder.add(message);
    } catch {
      return 'malformed';
    }
    const packet = this.#decoded;
    this.#decoded = undefined;
    this.#keepPartial(message, packet !== undefined);
    return packet && readPacket(packet, this.#revision);
  }

  #exceedsLimits(message: Data): boolean {
    if (typeof message === 'string') return isDeeperThan(message, this.#limits.maxDepth);
    const [, ...attachments] = this.#partial ?? [''];
    return attachments.reduce((total, { byteLength }) => total + byteLength, message.byteLength) > this.#limits.maxAttachmentBytes;
  }

  #keepPartial(message: Data, isComplete: boolean): void {
    if (isComplete) this.#partial = undefined;
    else if (typeof message === 'string') this.#partial = [message];
    else if (this.#partial) this.#partial = [...this.#partial, message];
  }
}

/** Type, number of attachments, namespace and acknowledgement id: what stands before the JSON. */
const HEADER_PATTERN = /^\d(?:\d+-)?(?:\/[^,]*,?)?\d*/;

/** Whether brackets are nested deeper than allowed. The parser, and whoever walks through what it returns, would overflow the stack. */
function isDeeperThan(text: string, maxDepth: number): boolean {
  // Almost every packet has fewer brackets than that, and counting them takes a small part of the time.
  if (!hasMoreBracketsThan(text, maxDepth)) return false;
  let depth = 0;
  let isInString = false;
  for (let index = HEADER_PATTERN.exec(text)?.[0].length ?? 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') isInString = !isInString;
    else if (isInString) index += character === '\\' ? 1 : 0;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > maxDepth) return true;
  }
  return false;
}

function hasMoreBracketsThan(text: string, count: number): boolean {
  let left = count;
  for (const bracket of ['[', '{']) {
    for (let index = text.indexOf(bracket); index >= 0; index = text.indexOf(bracket, index + 1)) if (left-- === 0) return true;
  }
  return false;
}

function readPacket(packet: ParserPacket, revision: Revision): IncomingPacket | 'malformed' {
  const { pathname, query } = readNamespace(packet.nsp, revision);
  if (pathname.length > MAX_NAMESPACE_CHARACTERS) return 'malformed';
  switch (packet.type) {
    case PacketType.CONNECT:
      return { type: 'connect', namespace: pathname, auth: (packet.data as Record<string, unknown> | undefined) ?? query };
    case PacketType.DISCONNECT:
      return { type: 'disconnect', namespace: pathname };
    case PacketType.EVENT:
      return readEvent(pathname, packet);
    case PacketType.ACK:
      return readAck(pathname, packet);
    case PacketType.CONNECT_ERROR:
    case PacketType.BINARY_EVENT:
    case PacketType.BINARY_ACK:
      // The first is for servers only, and the parser turns the others into EVENT and ACK.
      return 'malformed';
  }
}

/** Clients of revision 3 put what they have to say at the connection into the namespace: `/admin?token=abc`. */
function readNamespace(nsp: string, revision: Revision): { pathname: string; query: Record<string, unknown> } {
  const mark = revision === 3 ? nsp.indexOf('?') : -1;
  if (mark < 0) return { pathname: nsp, query: {} };
  return { pathname: nsp.slice(0, mark) || '/', query: Object.fromEntries(new URLSearchParams(nsp.slice(mark))) };
}

function readEvent(namespace: string, { data, id }: ParserPacket): IncomingPacket | 'malformed' {
  if (!Array.isArray(data) || !isAckId(id ?? 0)) return 'malformed';
  const [name, ...args] = data as unknown[];
  if (typeof name !== 'string' && typeof name !== 'number') return 'malformed';
  return { type: 'event', namespace, name: String(name), args, ackId: id };
}

function readAck(namespace: string, { data, id }: ParserPacket): IncomingPacket | 'malformed' {
  if (!Array.isArray(data) || id === undefined || !isAckId(id)) return 'malformed';
  return { type: 'ack', namespace, ackId: id, args: data as unknown[] };
}

function isAckId(id: number): boolean {
  return Number.isSafeInteger(id) && id >= 0;
}

const encoder = new Encoder();

/** Writes a packet as the Engine.IO messages that carry it: a text, and behind it its binary attachments. */
function write(packet: ParserPacket): OutgoingPacket[] {
  return encoder.encode(packet).map((part: string | ArrayBuffer | ArrayBufferView) => new OutgoingPacket('message', toData(part)));
}

function toData(part: string | ArrayBuffer | ArrayBufferView): Data {
  return ArrayBuffer.isView(part) ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice().buffer : part;
}

export function writeEvent(nsp: string, name: string, args: readonly unknown[], ackId?: number): OutgoingPacket[] {
  return write({ type: PacketType.EVENT, nsp, data: [name, ...args], ...(ackId !== undefined && { id: ackId }) });
}

export function writeAck(nsp: string, ackId: number, args: readonly unknown[]): OutgoingPacket[] {
  return write({ type: PacketType.ACK, nsp, id: ackId, data: [...args] });
}

/** Confirms a connection. Clients of revision 3 know their id from the handshake and expect no payload. */
export function writeConnected(revision: Revision, nsp: string, ids: { readonly sid: string; readonly pid?: string }): OutgoingPacket[] {
  return write(revision === 3 ? { type: PacketType.CONNECT, nsp } : { type: PacketType.CONNECT, nsp, data: ids });
}

/** Refuses a connection. Clients of revision 3 expect the message as a bare text. */
export function writeRefused(revision: Revision, nsp: string, message: string, data?: unknown): OutgoingPacket[] {
  const payload = data === undefined ? { message } : { message, data };
  return write({ type: PacketType.CONNECT_ERROR, nsp, data: revision === 3 ? message : payload });
}

export function writeDisconnected(nsp: string): OutgoingPacket[] {
  return write({ type: PacketType.DISCONNECT, nsp });
}
