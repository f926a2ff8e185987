import type { Refusal, RefusalReason } from '../../room/errors.ts';

/** A required parameter is missing, or has no possible meaning. Checked before anything else. */
export const INVALID_PARAMETERS = 'Invalid parameters in HTTP Request';

/** The caller has no access token for this room (production mode only; the protocol itself knows no authentication). */
export const ACCESS_DENIED = 'Access denied: a valid access token for this room is needed';

/**
 * The texts that clients show to people. The first five are the ones of the public server. The protocol has no streams and takes no floors, so that the
 * texts about those never leave, but for the one about somebody else's.
 */
const TEXTS: Readonly<Record<RefusalReason, string>> = {
  'room-not-found': 'Room not found',
  'participant-not-found': 'Attendee not found',
  'already-joined': 'Attendee already created',
  'publication-not-found': 'Cannot consume from the given producer',
  'cannot-subscribe': 'Cannot consume from the given producer',
  'stream-not-found': 'Stream not found',
  'stream-exists': 'Stream name is taken',
  'floor-taken': 'Somebody else is sharing',
  'floor-not-held': 'You are not sharing',
  superseded: 'Attendee not found',
  'room-full': 'Room is full',
  'already-connected': 'Transport already connected',
  'invalid-media-parameters': 'Invalid media parameters',
  'media-unavailable': 'The media server does not answer, try again',
};

/** The protocol's text for a refusal. */
export function textOf(refusal: Refusal): string {
  const text = TEXTS[refusal.reason];
  return refusal.reason === 'invalid-media-parameters' && refusal.detail !== undefined ? `${text}: ${refusal.detail}` : text;
}

/** The answer to a call that failed. The HTTP status is 200 all the same. */
export function failed(text: string): string {
  return JSON.stringify({ status: 'failed', result: text });
}
