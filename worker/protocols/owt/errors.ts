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
  noReceiver: 'Invalid receiver',
  tokenSignature: 'Invalid token signature',
  token: 'Invalid token',
  tokenUsed: 'Token has been used',
  tokenExpired: 'Token has expired',
  ticket: 'Invalid reconnection ticket',
  ticketSignature: 'Invalid reconnection ticket signature',
  ticketExpired: 'Reconnection ticket expired',
  protocol: 'Unknown client protocol',
  roomFull: 'Room is full',
  noTrack: 'The stream has no such track',
  noMixer: 'Streams are not mixed here',
  sectionTaken: 'The media section belongs to another session',
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
