/** The framing of Engine.IO revision 4 (protocol document v4, "Packet encoding"). */
import { decodePacket, encodePacket } from 'engine.io-parser';

import { fromBase64, toBase64 } from './base64.ts';
import type { Codec, Frame, Packet } from './packet.ts';

/** Separates the packets of one body in revision 4 (protocol document, "HTTP long-polling"). */
const SEPARATOR = '\u001e';

export const codecV4: Codec = {
  encodeFrame: (packet, base64Only) => (base64Only ? encodeAsText(packet) : encodeFrame(packet)),
  decodeFrame,
  encodePayload: (packets) => packets.map(encodeAsText).join(SEPARATOR),
  decodePayload,
};

function encodeFrame(packet: Packet): Frame {
  return typeof packet.data === 'object' ? packet.data : encodeText(packet);
}

/** The parser package writes base64 with Node's Buffer or a browser's FileReader, and Workers have neither. */
function encodeAsText(packet: Packet): string {
  return typeof packet.data === 'object' ? `b${toBase64(new Uint8Array(packet.data))}` : encodeText(packet);
}

function encodeText(packet: Packet): string {
  let encoded = '';
  encodePacket(packet, true, (text: string) => {
    encoded = text;
  });
  return encoded;
}

function decodeFrame(frame: Frame): Packet | undefined {
  if (typeof frame === 'string' && frame.startsWith('b')) return decodeBase64(frame);
  const packet = decodePacket(frame, 'arraybuffer');
  return packet.type === 'error' ? undefined : (packet as Packet);
}

function decodeBase64(frame: string): Packet | undefined {
  const data = fromBase64(frame.slice(1));
  return data && { type: 'message', data };
}

function decodePayload(body: Frame): Packet[] | undefined {
  if (typeof body !== 'string') return undefined;
  const packets: Packet[] = [];
  for (const frame of body.split(SEPARATOR)) {
    const packet = decodeFrame(frame);
    if (!packet) return undefined;
    packets.push(packet);
  }
  return packets;
}
