import type { ParticipantId } from '../../../shared/ids.ts';

/** Clients of this protocol expect ids of letters, digits and hyphens. */
const PLAIN = /^[\dA-Za-z-]+$/u;

/** Begins the ids of members whose own ids are not of that form. */
const CODED = 'x-';

/** An id for a new member, session or transport, as an OWT server makes them. */
export function newId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

/** A participant's id in this protocol. No two participants have the same. */
export function memberIdOf(id: ParticipantId): string {
  if (PLAIN.test(id) && !id.startsWith(CODED)) return id;
  return CODED + Array.from(new TextEncoder().encode(id), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
