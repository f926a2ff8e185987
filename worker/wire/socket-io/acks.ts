/**
 * The answers that a client still owes. A callback could not survive while the object sleeps; what the application wants to remember
 * with a question is therefore plain data that is stored and handed back with the answer.
 */
export interface PendingAck {
  readonly id: number;
  /** Whatever the application wants back with the answer; anything that structured clone can copy. */
  readonly context: unknown;
  /** When the application stops waiting, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

export class PendingAcks {
  readonly #pending = new Map<number, PendingAck>();
  #nextId: number;

  constructor(nextId = 0, pending: readonly PendingAck[] = []) {
    this.#nextId = nextId;
    for (const ack of pending) this.#pending.set(ack.id, ack);
  }

  get nextId(): number {
    return this.#nextId;
  }

  get all(): PendingAck[] {
    return [...this.#pending.values()];
  }

  /** Expects an answer; returns the id that the question has to carry. */
  expect(context: unknown, expiresAt: number): number {
    const id = this.#nextId++;
    this.#pending.set(id, { id, context, expiresAt });
    return id;
  }

  /** The question that an answer belongs to; `undefined` when none was asked or it was answered before. */
  take(id: number): PendingAck | undefined {
    const ack = this.#pending.get(id);
    this.#pending.delete(id);
    return ack;
  }

  /** Takes out all that have waited long enough. */
  takeExpired(now: number): PendingAck[] {
    const expired = this.all.filter(({ expiresAt }) => expiresAt <= now);
    for (const { id } of expired) this.#pending.delete(id);
    return expired;
  }

  /** When the next one expires, in milliseconds since the epoch. */
  nextExpiry(): number {
    return Math.min(Infinity, ...this.all.map(({ expiresAt }) => expiresAt));
  }
}
