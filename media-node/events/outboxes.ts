import { setTimeout as sleep } from 'node:timers/promises';
import type { MediaEvent } from '../../shared/media-api.ts';
import type { Logger } from '../log.ts';
import type { Courier } from './courier.ts';
import { Outbox } from './outbox.ts';
import type { EventTally } from './outbox.ts';

interface Addressee {
  readonly id: string;
  readonly generation: number;
}

/** The outboxes of all rooms that have, or had a short while ago, something to say. */
export class Outboxes {
  readonly #courier: Courier;
  readonly #tally: EventTally;
  readonly #log: Logger;
  readonly #outboxes = new Map<string, Outbox>();

  constructor(courier: Courier, tally: EventTally, log: Logger) {
    this.#courier = courier;
    this.#tally = tally;
    this.#log = log;
  }

  add(addressee: Addressee, event: MediaEvent): void {
    const key = keyOf(addressee);
    const outbox = this.#outboxes.get(key) ?? new Outbox(addressee.id, addressee.generation, this.#courier, this.#tally, this.#log);
    this.#outboxes.set(key, outbox);
    outbox.add(event);
  }

  /** The room is closed: nothing will be added. What is left is still delivered, unless `isUnwanted`. */
  async close(addressee: Addressee, isUnwanted: boolean): Promise<void> {
    const key = keyOf(addressee);
    const outbox = this.#outboxes.get(key);
    if (outbox === undefined) return;
    if (isUnwanted) {
      // Forgotten at once, because the room may be opened again under the same name.
      this.#outboxes.delete(key);
      outbox.stop();
      return;
    }
    await outbox.finish();
    this.#outboxes.delete(key);
  }

  /** Delivers what is left of all rooms, and gives up what could not be delivered in time. */
  async flush(milliseconds: number): Promise<void> {
    const giveUp = new AbortController();
    const delivered = Promise.all([...this.#outboxes.values()].map((outbox) => outbox.finish()));
    await Promise.race([delivered, sleep(milliseconds, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
    giveUp.abort();
    for (const outbox of this.#outboxes.values()) outbox.stop();
    await delivered;
  }
}

function keyOf({ id, generation }: Addressee): string {
  return `${generation} ${id}`;
}
