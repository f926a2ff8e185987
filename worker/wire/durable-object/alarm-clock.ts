/**
 * A Durable Object has one alarm. Several parts of it may share this clock: each says when it wants to be woken, the alarm is set to the
 * earliest wish, and when it rings all parts do what is due and say when they want to be woken next.
 *
 * Wishes are not stored. A part repeats its wish when the object starts again.
 */
export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  #ringsAt = Infinity;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Sees to it that the alarm rings at this time at the latest, in milliseconds since the epoch. */
  wakeAt(time: number): void {
    if (time >= this.#ringsAt) return;
    this.#ringsAt = time;
    // Nothing that is sent depends on the alarm, so messages need not wait until it is on the disk.
    void this.#storage.setAlarm(Math.max(time, Date.now() + 1), { allowUnconfirmed: true });
  }

  /** To be called first in the object's `alarm` handler. */
  rang(): void {
    this.#ringsAt = Infinity;
  }
}
