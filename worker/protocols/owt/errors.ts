/**
 * Reasons in the words of an OWT server, which clients compare and applications show. They are plain strings: with the objects that OWT's document
 * promises, its own JavaScript SDK shows "[object Object]".
 */
export const PROBLEMS = {
  /** Not logged in, or nothing that could be asked at all. */
  illegal: 'Illegal request',
  notJoined: 'Participant has not joined',
  unauthorized: 'unauthorized',
  noStream: 'Stream does NOT exist',
  noSubscription: 'Subscription does NOT exist',
  noTransport: 'Invalid transport id',
  soacId: 'Invalid soac id',
  signaling: 'Invalid signaling object',
  signalingType: 'Invalid signaling type',
  noReceiver: 'Invalid receiver',
  tokenSignature: 'Invalid token signature',
  token: 'Invalid token',
  tokenUsed: 'Token has been used',
  tokenExpired: 'Token has expired',
  ticket: 'Invalid reconnection ticket',
  ticketSignature: 'Invalid reconnection ticket signature',
  ticketExpired: 'Reconnection ticket expired',
  roomFull: 'Room is full',
  noTrack: 'The stream has no such track',
  noMixer: 'Streams are not mixed here',
  sectionTaken: 'The media section belongs to another session',
  tooMany: 'Too many sessions',
  cannotSwitch: 'A subscription cannot change to another stream',
  noMedia: 'Media is not available, try again',
} as const;

/** Why a session that was good ended by itself. */
export const SOURCE_LOST = 'Source stream loss';
/** Why a transport ended. */
export const TRANSPORT_LOST = 'The media connection was lost';
export const NOT_NEGOTIATED = 'Nothing could be agreed about the media of this session';

/** A request that is refused, with the reason that the client gets. */
export class Problem extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Problem';
  }
}

/** How the room object tells the lobby why it refuses a newcomer: a refused socket has a status and nothing else. */
const STATUSES = new Map<string, number>([
  [PROBLEMS.ticketSignature, 401],
  [PROBLEMS.ticketExpired, 403],
  [PROBLEMS.notJoined, 404],
  [PROBLEMS.roomFull, 409],
  [PROBLEMS.tokenUsed, 410],
]);
const REASONS = new Map([...STATUSES].map(([reason, status]) => [status, reason]));

export function statusOf(problem: string): number {
  return STATUSES.get(problem) ?? 400;
}

export function problemOfStatus(status: number): string {
  return REASONS.get(status) ?? PROBLEMS.illegal;
}
