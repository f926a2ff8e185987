import { CallError } from '../signaling/room-api.ts';

/** The server's own words for the most likely refusals, in words for people. */
const REFUSALS: Readonly<Record<string, string>> = {
  'Room is full': 'The room is full. Try again when somebody has left.',
  'Room not found': 'The room has been closed.',
  'Attendee not found': 'The server does not know you any more. Join again.',
  'Attendee already created': 'You are still in this room, in another tab or from a moment ago. Close the other tab, or wait some seconds.',
  'Somebody else is sharing': 'Somebody else is sharing a screen. Try again when they have stopped.',
  'Cannot consume from the given producer': 'Your browser cannot show what this participant sends.',
};

/** Why something failed, as one or two sentences that a person can act upon. */
export function explain(error: unknown): string {
  if (error instanceof CallError) return error.failure === 'refused' ? (REFUSALS[error.message] ?? error.message) : error.message;
  if (error instanceof Error && error.name === 'UnsupportedError') {
    return 'This browser cannot take part in meetings. Use a current Chrome, Edge, Firefox or Safari.';
  }
  return error instanceof Error ? `Something went wrong: ${error.message}` : 'Something went wrong.';
}

/** Whether the server refused with exactly these words. */
export function isRefusal(error: unknown, words: string): boolean {
  return error instanceof CallError && error.failure === 'refused' && error.message === words;
}

/** Why the server ended the session: its reason as a sentence, without the advice to join again, which the page follows or offers itself. */
export function explainEnd(reason: string): string {
  const cause = reason.replace(/,? join again\.?$/iu, '');
  return `${cause.charAt(0).toLocaleUpperCase()}${cause.slice(1)}.`.replace(/\.\.$/u, '.');
}
