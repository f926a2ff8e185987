import type { ParticipantId } from '../../../shared/ids.ts';

/** Clients of this protocol expect ids of letters, digits and hyphens. */
const PLAIN = /^[\dA-Za-z-]+$/u;

/** The ids of members of this protocol. */
const OWN = /^[\da-f]{32}$/u;

/** Begins the ids of members whose own ids are not of that form. */
const CODED = 'x-';

/** An id for a new member, session or transport, as an OWT server makes them. */
export function newId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

/** How a member is called in the room: readable for members of other protocols, and different for two of the same name. */
export function participantIdOf(user: string): ParticipantId {
  return `${user}#${newId().slice(0, 8)}`;
}

/** The id of a member of another protocol. No two of them have the same, nor do they have one of {@link newId}. */
export function codedIdOf(id: ParticipantId): string {
  if (PLAIN.test(id) && !id.startsWith(CODED) && !OWN.test(id)) return id;
  return CODED + Array.from(new TextEncoder().encode(id), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
