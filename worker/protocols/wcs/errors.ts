import type { RefusalReason } from '../../room/errors.ts';
import type { LeaveReason } from '../../room/events.ts';
import type { Closing } from '../protocol.ts';

/** Why a stream has ended or was not begun, exactly as clients compare it. */
export const INFO = {
  nameInUse: 'Stream name is already in use',
  notFound: 'Stream not found',
  notReady: 'Publish stream is not ready',
  restricted: 'Restricted access',
  noSessionId: 'MediaSessionId is null',
  sessionIdInUse: 'MediaSessionId is already in use',
  badSdp: 'Failed to add stream to proxy',
  noCommonCodecs: 'No common codecs',
  iceTimeout: 'Failed by ICE timeout',
  iceLost: 'Failed by ICE keep alive',
  dtlsError: 'Failed by DTLS error',
  rtpMissing: 'Failed by RTP activity',
  publisherStopped: 'Stopped by publisher stop',
  stoppedByUser: 'Stopped by user',
  noSession: 'Session does not exist',
  failed: 'Failed by error',
} as const;

/** Why a command of the Room API fails. These texts are shown to people. */
export const ROOM_INFO = {
  loginTaken: 'This login is already in the room',
  full: 'The room is full',
  restricted: INFO.restricted,
  unavailable: 'The room cannot be entered now, try again',
  noLogin: 'A login is needed to join a room',
  notInRoom: 'You are not in this room',
  noSuchMember: 'There is no such member in the room',
  noRoomName: 'This cannot be the name of a room',
  tooManyRooms: 'You are in too many rooms',
  malformed: 'The command is not understood',
} as const;

/** What a publisher or player is told about a refusal. */
export function infoOf(reason: RefusalReason): string {
  switch (reason) {
    case 'stream-exists':
      return INFO.nameInUse;
    case 'stream-not-found':
    case 'publication-not-found':
    case 'participant-not-found':
      return INFO.notFound;
    case 'invalid-media-parameters':
      return INFO.badSdp;
    case 'cannot-subscribe':
      return INFO.noCommonCodecs;
    default:
      return INFO.failed;
  }
}

/** The room object tells the lobby with an HTTP status why it refuses a newcomer. */
const STATUSES: Partial<Readonly<Record<RefusalReason, number>>> = { 'already-joined': 409, 'room-full': 429 };

/** @returns the HTTP status of a refused entry. */
export function statusOf(reason: RefusalReason): number {
  return STATUSES[reason] ?? 503;
}

/** What a client is told that was refused with this HTTP status. */
export function entryInfoOf(status: number): string {
  if (status === STATUSES['already-joined']) return ROOM_INFO.loginTaken;
  return status === STATUSES['room-full'] ? ROOM_INFO.full : ROOM_INFO.unavailable;
}

/** How a client is closed that may not be here, after it was told so. */
export const UNAUTHORIZED: Closing = { code: 1008, reason: INFO.restricted };

/** How a client is closed whose address names something that cannot be a room. */
export const NO_ROOM: Closing = { code: 1008, reason: 'the address names no room' };

/** How a client is closed that wants media over a WebSocket. */
export const NO_SUCH_TRANSPORT: Closing = { code: 1003, reason: 'media is served over WebRTC only' };

/** How a client is closed that has not answered several pings. */
export const SILENT: Closing = { code: 1001, reason: 'no sign of life' };

/** The room closes the way of a member that has left it so: the lobby keeps it to itself. */
export const LEFT = 4000;

/** Likewise for a member that only watched, when nobody is left to be watched: it knows of the end of each stream. */
export const ROOM_ENDED = 4004;

/** How the room ends a client's part in it. But for `left` the lobby closes the client, whose SDK then ends its streams by itself. */
export const FAREWELLS: Readonly<Record<LeaveReason, Closing>> = {
  left: { code: LEFT, reason: 'left' },
  vanished: { code: 4002, reason: 'your media connection was lost, connect again' },
  replaced: { code: 4001, reason: 'you have joined from elsewhere' },
  expelled: { code: 4003, reason: 'you were put out of the room' },
  'room-ended': { code: ROOM_ENDED, reason: 'the room was ended' },
  // "Service restart"
  'media-lost': { code: 1012, reason: 'the media server was restarted, connect again' },
};
