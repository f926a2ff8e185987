import { Refusal, type RefusalReason } from '../../room/errors.ts';

/** The document's codes (reference 3), always texts on the wire. */
export const CODES = {
  ok: '200',
  unknownRoomAtJoin: '400',
  wrongCredentials: '401',
  notInThisMode: '405',
  userNotInRoom: '410',
  otherRoom: '412',
  notStarted: '412',
  notPermitted: '413',
  missing: '421',
  invalid: '422',
  taken: '440',
  noRoom: '441',
  alreadyInRoom: '442',
  roomExists: '443',
  roomFull: '444',
  tooLarge: '445',
  noChannel: '451',
  serverError: '500',
  mediaError: '570',
} as const;

export type Code = (typeof CODES)[keyof typeof CODES];

/** An operation that is refused. Its message is for people. */
export class OperationError extends Error {
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

const CODE_OF: Readonly<Record<RefusalReason, Code>> = {
  'room-not-found': CODES.noRoom,
  'room-full': CODES.roomFull,
  'participant-not-found': CODES.userNotInRoom,
  'already-joined': CODES.alreadyInRoom,
  'publication-not-found': CODES.noChannel,
  'stream-not-found': CODES.noChannel,
  'stream-exists': CODES.invalid,
  'floor-taken': CODES.taken,
  'floor-not-held': CODES.taken,
  'cannot-subscribe': CODES.noChannel,
  'already-connected': CODES.invalid,
  'invalid-media-parameters': CODES.invalid,
  superseded: CODES.noChannel,
  'media-unavailable': CODES.mediaError,
};

const MESSAGE_OF: Readonly<Record<RefusalReason, string>> = {
  'room-not-found': 'No such room',
  'room-full': 'The room is full',
  'participant-not-found': 'The user is not in the room',
  'already-joined': 'The user is in the room already',
  'publication-not-found': 'No such feed',
  'stream-not-found': 'No such feed',
  'stream-exists': 'The feed exists already',
  'floor-taken': 'Another user is sharing',
  'floor-not-held': 'The user is not the one who is sharing',
  'cannot-subscribe': 'The feed cannot be received with this description',
  'already-connected': 'Connected already',
  'invalid-media-parameters': 'The session description cannot be used',
  superseded: 'A newer description has taken the place of this one, or its feed has ended',
  'media-unavailable': 'The media server does not answer, try again',
};

/** @returns `undefined` for what is no refusal but a fault of the server. */
export function errorOf(error: unknown): OperationError | undefined {
  if (error instanceof OperationError) return error;
  return error instanceof Refusal ? new OperationError(CODE_OF[error.reason], MESSAGE_OF[error.reason]) : undefined;
}
