const HALF = 2 ** 31;
const WHOLE = 2 ** 32;
/** A sender whose timestamps are further than this from the time of arrival has jumped. */
const LONGEST_DRIFT_MS = 1_500;

/** What a sender says of its clock: at this time of its own it was at this timestamp (RFC 3550, section 6.4.1). */
export interface SenderReport {
  /** Milliseconds of the sender's clock. */
  readonly time: number;
  readonly timestamp: number;
}

/** Turns RTP timestamps of one stream into milliseconds of this machine: by the time of arrival at first, and evenly from there on. */
export class StreamClock {
  readonly #rate: number;
  #anchor: { readonly ticks: number; readonly time: number } | undefined;
  #last = 0;
  #lead: number | undefined;
  /** Milliseconds to add, so that it goes with another stream of the same sender. */
  correction = 0;

  /** @param rate of the RTP clock, in Hz. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** How far the sender's clock is ahead of what this one makes of its timestamps, in milliseconds; `undefined` before its first report. */
  get lead(): number | undefined {
    return this.#lead;
  }

  /** @param arrival in milliseconds of this machine. */
  timeOf(timestamp: number, arrival: number): number {
    const ticks = this.#unwrap(timestamp);
    this.#last = ticks;
    this.#anchor ??= { ticks, time: arrival };
    if (Math.abs(this.#evenly(ticks) - arrival) > LONGEST_DRIFT_MS) {
      this.#anchor = { ticks, time: arrival };
      this.#lead = undefined;
    }
    return this.#evenly(ticks) + this.correction;
  }

  report({ time, timestamp }: SenderReport): void {
    if (this.#anchor !== undefined) this.#lead = time - this.#evenly(this.#unwrap(timestamp));
  }

  #evenly(ticks: number): number {
    const { ticks: origin, time } = this.#anchor ?? { ticks, time: 0 };
    return time + ((ticks - origin) * 1000) / this.#rate;
  }

  #unwrap(timestamp: number): number {
    if (this.#anchor === undefined) return timestamp;
    const last = ((this.#last % WHOLE) + WHOLE) % WHOLE;
    return this.#last + ((timestamp - last + WHOLE + HALF) % WHOLE) - HALF;
  }
}
