import { z } from 'zod';
import { ParticipantIdSchema, type RoomId, RoomIdSchema } from '../../../shared/ids.ts';
import { decodeJson, encodeJson } from './base64.ts';
import { PROBLEMS } from './errors.ts';

/** A ticket is good for so long, in milliseconds. */
const TICKET_LIFE = 10 * 60_000;

/** Clocks of the machines of one edge need not agree to the millisecond. */
const CLOCK_SKEW = 5_000;

/** The right to come back into one's place after a loss of the connection. Clients read `notAfter` only. */
const TicketSchema = z.object({
  participantId: ParticipantIdSchema,
  ticketId: z.string().max(64),
  notBefore: z.number().int(),
  notAfter: z.number().int(),
  room: RoomIdSchema,
  signature: z.string().max(256),
});
export type Ticket = z.infer<typeof TicketSchema>;

/**
 * Makes a ticket.
 *
 * @param key known to the room object alone.
 */
export async function issueTicket(participantId: string, room: RoomId, now: number, key: string): Promise<string> {
  const fields = { participantId, ticketId: crypto.randomUUID(), notBefore: now, notAfter: now + TICKET_LIFE, room };
  return encodeJson({ ...fields, signature: btoa(await signatureOf(fields, key)) });
}

/** Reads a ticket without checking it: it tells the front door which room to ask. */
export function parseTicket(text: unknown): Ticket | undefined {
  return typeof text === 'string' ? TicketSchema.safeParse(decodeJson(text)).data : undefined;
}

/** @returns what is wrong with a ticket, in the words that the client gets; `undefined` when it is good. */
export async function problemOfTicket({ signature, ...fields }: Ticket, now: number, key: string): Promise<string | undefined> {
  if (!areEqual(signature, btoa(await signatureOf(fields, key)))) return PROBLEMS.ticketSignature;
  const isInTime = fields.notBefore - CLOCK_SKEW <= now && now < fields.notAfter;
  return isInTime ? undefined : PROBLEMS.ticketExpired;
}

async function signatureOf(
  { participantId, ticketId, notBefore, notAfter, room }: Omit<Ticket, 'signature'>,
  key: string,
): Promise<string> {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const text = JSON.stringify([participantId, ticketId, notBefore, notAfter, room]);
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', secret, encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Takes as long wherever the two differ. */
function areEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at += 1) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}
