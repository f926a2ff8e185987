/**
 * Workers cannot ask a WebSocket how much of what was sent is still waiting, so a client that never reads is invisible. This account
 * keeps what was sent since the client last proved that it reads: by its answer to a ping, or by fetching the next polling response.
 */

/** From this share of the limit on a proof is asked for. */
const PROBE_SHARE = 4;

/**
 * An answer waits in the client's own queue behind what the client is uploading. Bytes that it uploaded since it was asked are added to
 * the limit, up to this many times the limit.
 */
const MAX_UPLOAD_ALLOWANCE = 3;

/**
 * A client above the limit has this many milliseconds to answer: a burst of events can exceed the limit before any answer had the time
 * to arrive. Up to this many times the limit, that is.
 */
const ANSWER_TIME = 3_000;
const MAX_BURST = 4;

/** A client with at least half the limit unanswered is given up after this many milliseconds without a proof. */
const STALL_TIMEOUT = 10_000;

export type Pressure = 'none' | 'ask' | 'over';

export class BackPressure {
  readonly #limit: number;
  readonly #now: () => number;
  #unproven = 0;
  #askedAt: { readonly time: number; bytes: number; uploaded: number } | undefined;

  /**
   * @param limit bytes that may be on their way without a proof.
   * @param now milliseconds since the epoch.
   */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Whether a proof was asked for and has not come. */
  get isAsking(): boolean {
    return this.#askedAt !== undefined;
  }

  /** Notes bytes that leave. Answers `'ask'` when it is time to send a ping, `'over'` when the client must be closed. */
  sent(bytes: number): Pressure {
    this.#unproven += bytes;
    if (this.#unproven > this.#limit && this.#isOver()) return 'over';
    return this.#askedAt === undefined && this.#unproven > this.#limit / PROBE_SHARE ? 'ask' : 'none';
  }

  /** Notes bytes that arrive from the client. */
  received(bytes: number): void {
    if (this.#askedAt) this.#askedAt.uploaded += bytes;
  }

  /** Notes that the client was asked: its answer will prove everything that was sent before. */
  asked(): void {
    this.#askedAt = { time: this.#now(), bytes: this.#unproven, uploaded: 0 };
  }

  /** Notes the answer to the last question; without a question it proves nothing. */
  answered(): void {
    this.#unproven -= this.#askedAt?.bytes ?? 0;
    this.#askedAt = undefined;
  }

  /** Notes that the client has everything, except for the given bytes that have not left yet. */
  proven(remaining: number): void {
    this.#unproven = remaining;
    this.#askedAt = undefined;
  }

  /** When a client that stays silent is given up, in milliseconds since the epoch. */
  stallsAt(): number | undefined {
    if (!this.#askedAt || this.#unproven < this.#limit / 2) return undefined;
    return this.#askedAt.time + (this.#unproven > this.#allowed() ? ANSWER_TIME : STALL_TIMEOUT);
  }

  #isOver(): boolean {
    if (this.#unproven > MAX_BURST * this.#limit) return true;
    const hadTime = this.#askedAt !== undefined && this.#now() - this.#askedAt.time >= ANSWER_TIME;
    return hadTime && this.#unproven > this.#allowed();
  }

  #allowed(): number {
    return this.#limit + Math.min(this.#askedAt?.uploaded ?? 0, MAX_UPLOAD_ALLOWANCE * this.#limit);
  }
}

/** The length of a text in UTF-8, or of binary data, in bytes. */
export function byteLength(data: string | ArrayBuffer): number {
  if (typeof data !== 'string') return data.byteLength;
  let bytes = data.length;
  for (let index = 0; index < data.length; index++) {
    const code = data.charCodeAt(index);
    // Each half of a surrogate pair stands for two of the pair's four bytes.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
