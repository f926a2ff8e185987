/**
 * The framing of Engine.IO revision 3 (protocol document v3, "Packet" and "Payload"), which no maintained package carries any more.
 *
 * - A binary WebSocket frame begins with one byte for the packet type.
 * - A body of texts is a run of `<length>:<packet>`; the length counts UTF-16 code units, not bytes.
 * - A binary packet in such a body reads `b<type><base64>`.
 * - A body with binary packets for a client that can receive them is a run of
 *   `<0 text | 1 binary><decimal digits of the length, one byte each><255><packet>`; this length counts bytes.
 */
import { fromBase64, toBase64 } from './base64.ts';
import type { Codec, Data, Frame, Packet, PacketType } from './packet.ts';

const TYPES: readonly PacketType[] = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop'];
const END_OF_LENGTH = 255;
/** Bodies are limited to far less than 10^9 bytes, so a longer length is nonsense and would only cost time. */
const MAX_LENGTH_DIGITS = 9;
const LENGTH_PATTERN = /(\d{1,9}):/y;

export const codecV3: Codec = { encodeFrame, decodeFrame, encodePayload, decodePayload };

function encodeFrame(packet: Packet, base64Only: boolean): Frame {
  if (typeof packet.data !== 'object') return `${TYPES.indexOf(packet.type)}${packet.data ?? ''}`;
  if (base64Only) return `b${TYPES.indexOf(packet.type)}${toBase64(new Uint8Array(packet.data))}`;
  const frame = new Uint8Array(packet.data.byteLength + 1);
  frame[0] = TYPES.indexOf(packet.type);
  frame.set(new Uint8Array(packet.data), 1);
  return frame.buffer;
}

function decodeFrame(frame: Frame): Packet | undefined {
  if (typeof frame !== 'string') return binaryPacket(new Uint8Array(frame)[0], frame.slice(1));
  if (frame.startsWith('b')) return binaryPacket(digit(frame.charCodeAt(1)), fromBase64(frame.slice(2)));
  const type = TYPES[digit(frame.charCodeAt(0))];
  return type && (frame.length > 1 ? { type, data: frame.slice(1) } : { type });
}

function binaryPacket(typeNumber: number | undefined, data: ArrayBuffer | undefined): Packet | undefined {
  const type = typeNumber === undefined ? undefined : TYPES[typeNumber];
  return type && data && { type, data };
}

function digit(characterCode: number): number {
  return characterCode - 48;
}

function encodePayload(packets: readonly Packet[], base64Only: boolean): Frame {
  if (!base64Only && packets.some((packet) => typeof packet.data === 'object')) return encodeBinaryPayload(packets);
  const frames = packets.map((packet) => encodeFrame(packet, true) as string);
  return frames.map((frame) => `${frame.length}:${frame}`).join('');
}

function encodeBinaryPayload(packets: readonly Packet[]): ArrayBuffer {
  const parts = packets.flatMap((packet) => binaryParts(encodeFrame(packet, false)));
  const body = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.length;
  }
  return body.buffer;
}

function binaryParts(frame: Data): [Uint8Array, Uint8Array] {
  const bytes = typeof frame === 'string' ? new TextEncoder().encode(frame) : new Uint8Array(frame);
  const digits = Array.from(String(bytes.length), Number);
  return [Uint8Array.of(typeof frame === 'string' ? 0 : 1, ...digits, END_OF_LENGTH), bytes];
}

function decodePayload(body: Frame): Packet[] | undefined {
  return typeof body === 'string' ? decodeTextPayload(body) : decodeBinaryPayload(new Uint8Array(body));
}

function decodeTextPayload(body: string): Packet[] | undefined {
  const packets: Packet[] = [];
  let position = 0;
  do {
    LENGTH_PATTERN.lastIndex = position;
    const [header, length] = LENGTH_PATTERN.exec(body) ?? [];
    if (header === undefined) return undefined;
    const start = position + header.length;
    position = start + Number(length);
    const packet = position > body.length ? undefined : decodeFrame(body.slice(start, position));
    if (!packet) return undefined;
    packets.push(packet);
  } while (position < body.length);
  return packets;
}

function decodeBinaryPayload(body: Uint8Array): Packet[] | undefined {
  const packets: Packet[] = [];
  let position = 0;
  do {
    const isText = body[position] === 0;
    const endOfLength = body.indexOf(END_OF_LENGTH, position + 1);
    const length = readLength(body.subarray(position + 1, Math.max(endOfLength, position + 1)));
    if (endOfLength < 0 || length === undefined) return undefined;
    position = endOfLength + 1 + length;
    if (position > body.length) return undefined;
    const bytes = body.slice(endOfLength + 1, position);
    const packet = decodeFrame(isText ? new TextDecoder().decode(bytes) : bytes.buffer);
    if (!packet) return undefined;
    packets.push(packet);
  } while (position < body.length);
  return packets;
}

function readLength(digits: Uint8Array): number | undefined {
  if (digits.length === 0 || digits.length > MAX_LENGTH_DIGITS || digits.some((value) => value > 9)) return undefined;
  return Number(digits.join(''));
}
