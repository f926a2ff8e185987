/** A client of revision 3 takes the interval from the latest `open` packet; with this one it sends its heartbeat as soon as it has read the packet. In milliseconds. */
export const PROMPT_INTERVAL = 1;

/** A heartbeat that comes this share of the interval after the last answer, or later, may be a usual one, and proves nothing. Timers of two machines differ a little. */
const USUAL_SHARE = 0.9;

/**
 * Heartbeats of revision 3 when they are needed. Nothing in that revision makes a client answer by itself, but its next heartbeat comes an interval
 * after it has read what set its timer: the answer to the last one, or an `open` packet, which may come again and says how long the interval is.
 * The clients in JavaScript and Java do so. Those that pass a second `open` over go on with their usual heartbeats.
 *
 * Times are milliseconds since the epoch.
 */
export class PromptHeartbeats {
  readonly #interval: number;
  #answeredAt: number;
  #mark: number | undefined;

  /** @param interval the usual one, in milliseconds. @param openedAt when the client was told of it. */
  constructor(interval: number, openedAt: number) {
    this.#interval = interval;
    this.#answeredAt = openedAt;
  }

  /** Whether one was asked for and has not come. */
  get isAsked(): boolean {
    return this.#mark !== undefined;
  }

  /** Notes that an `open` packet with {@link PROMPT_INTERVAL} leaves now. @param mark names what was sent before. */
  asked(mark: number): void {
    this.#mark = mark;
  }

  /** Notes a heartbeat. @returns the mark of what the client has read; `undefined` where it came by itself. */
  heard(now: number): number | undefined {
    if (now >= this.#answeredAt + this.#interval * USUAL_SHARE) return undefined;
    const mark = this.#mark;
    this.#mark = undefined;
    return mark;
  }

  /** Notes that a heartbeat is answered now, by whatever sets the client's timer. */
  answered(now: number): void {
    this.#answeredAt = now;
  }
}
