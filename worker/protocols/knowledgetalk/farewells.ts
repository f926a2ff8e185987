import type { LeaveReason } from '../../room/events.ts';
import type { Closing } from '../protocol.ts';

/** The room closes a member's pipe with this when the client stays connected, outside of every room. */
export const OUT_OF_ROOM = 4000;

/** How the room ends a session. A client whose media are gone cannot be told so but by cutting its connection: it joins anew. */
export const FAREWELLS: Readonly<Record<LeaveReason, Closing>> = {
  left: { code: OUT_OF_ROOM, reason: 'left' },
  expelled: { code: OUT_OF_ROOM, reason: 'put out of the room' },
  'room-ended': { code: OUT_OF_ROOM, reason: 'the room has ended' },
  replaced: { code: OUT_OF_ROOM, reason: 'replaced' },
  vanished: { code: 4001, reason: 'the connection was lost' },
  'media-lost': { code: 1012, reason: 'the media server was restarted' },
};
