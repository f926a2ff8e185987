import type { LeaveReason } from '../../room/events.ts';
import type { Closing } from '../protocol.ts';

/** The room has put the member out; the client is told so before its connection ends, and does not come back by itself. */
export const DROPPED = 4003;
/** The session ended as the member wanted, or it came back elsewhere. */
export const ENDED = 4000;

/** How the room ends a session. Members cannot be made to negotiate all anew, and so they are dropped when their media is lost. */
export const FAREWELLS: Readonly<Record<LeaveReason, Closing>> = {
  left: { code: ENDED, reason: 'logged out' },
  replaced: { code: ENDED, reason: 'logged in again from elsewhere' },
  vanished: { code: DROPPED, reason: 'vanished' },
  'media-lost': { code: DROPPED, reason: 'the media server was restarted, join again' },
  expelled: { code: DROPPED, reason: 'expelled' },
  'room-ended': { code: DROPPED, reason: 'the room has ended' },
};
