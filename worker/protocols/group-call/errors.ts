import type { LeaveReason } from '../../room/events.ts';
import type { RefusalReason } from '../../room/errors.ts';
import type { Closing } from '../protocol.ts';

/**
 * The protocol has no message for errors: whatever is wrong with a message, it is passed over, and the connection stays usable. The room object
 * tells the lobby with an HTTP status why it refuses a newcomer, because one reason has a message after all.
 */
export const ROOM_FULL = 409;
const IDENTITY_TAKEN = 403;

export function statusOf(reason: RefusalReason): number {
  return reason === 'room-full' ? ROOM_FULL : IDENTITY_TAKEN;
}

/** How a client is refused whose token does not fit. */
export const UNAUTHORIZED: Closing = { code: 4401, reason: 'unauthorized' };

/** How the room closes the socket of a member whose place was taken over: the lobby keeps it to itself, and the client hears nothing. */
export const TAKEN_OVER = 4001;

/** How the room ends a session. Clients cannot be made to offer again, and so they are closed and have to join anew. */
export const FAREWELLS: Readonly<Record<LeaveReason, Closing>> = {
  left: { code: 4000, reason: 'you have left the room' },
  vanished: { code: 4000, reason: 'your media connection was lost, join again' },
  replaced: { code: TAKEN_OVER, reason: 'you have joined from elsewhere' },
  expelled: { code: 4000, reason: 'you were put out of the room' },
  'room-ended': { code: 4000, reason: 'the room was ended' },
  // "Service restart"
  'media-lost': { code: 1012, reason: 'the media server was restarted, join again' },
};
