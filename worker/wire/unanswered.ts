/**
 * A client that never reads is invisible on this platform, which has no `bufferedAmount`. Clients of protocols in which nothing has to be answered
 * are therefore allowed so many characters since they last said something, whatever that was.
 */
const MAX_UNANSWERED = 1024 * 1024;

/** A single large frame does not say that a client is slow. */
const MAX_WEIGHT = MAX_UNANSWERED / 2;

/** How a client is closed that exceeds it: "try again later", after which clients come back. */
export const TOO_SLOW = { code: 1013, reason: 'too much was sent without a sign of life, connect again' };

/** What was sent to one client since it last said something. */
export class Unanswered {
  #characters = 0;

  /** Notes a frame that is to be sent. @returns false when it is too much: the client is to be closed instead. */
  admits(frame: string): boolean {
    this.#characters += Math.min(frame.length, MAX_WEIGHT);
    return this.#characters <= MAX_UNANSWERED;
  }

  /** The client said something: it is reading. */
  heard(): void {
    this.#characters = 0;
  }
}
