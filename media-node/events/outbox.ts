import { setTimeout as sleep } from 'node:timers/promises';
import type { MediaEvent } from '../../shared/media-api.ts';
import type { Logger } from '../log.ts';
import type { Courier } from './courier.ts';

const MAX_BATCH = 100;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;
/** More than this piles up only when the edge takes orders but no events for hours. */
const MAX_WAITING = 1_000;
/** How long the last events of a closed room are tried. */
const LAST_WORDS_MS = 60_000;

/** Counts what becomes of events. */
export interface EventTally {
  sent(events: number): void;
  retried(): void;
  dropped(events: number): void;
}

/**
 * The events of one generation of one room on their way to the edge: numbered from 1 without gaps, in order, one request at a time,
 * repeated until they are taken. Numbers are given when a batch is first sent; from then on the batch stays as it is, because the edge may
 * have taken it even though no answer came back.
 */
export class Outbox {
  readonly #room: string;
  readonly #generation: number;
  readonly #courier: Courier;
  readonly #tally: EventTally;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #waiting: MediaEvent[] = [];
  #next = 1;
  #delivery: Promise<void> | undefined;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(room: string, generation: number, courier: Courier, tally: EventTally, log: Logger) {
    this.#room = room;
    this.#generation = generation;
    this.#courier = courier;
    this.#tally = tally;
    this.#log = log.child({ class: 'Outbox', room, generation });
  }

  add(event: MediaEvent): void {
    if (this.#isStopped) return;
    this.#waiting = this.#waiting.filter((older) => !isOutdatedBy(older, event));
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#tally.dropped(1);
      this.#log.error('too many events wait for the edge; the oldest is dropped');
    }
    this.#delivery ??= this.#deliverAll();
  }

  /** Takes no more part in the room's life, but still tries for a while to deliver what is left. Resolves when nothing is left to do. */
  async finish(): Promise<void> {
    this.#lastWords = setTimeout(() => {
      this.stop();
    }, LAST_WORDS_MS).unref();
    await this.#delivery;
    this.stop();
  }

  /** Gives up what is left. */
  stop(): void {
    clearTimeout(this.#lastWords);
    this.#stopping.abort();
    this.#tally.dropped(this.#waiting.length);
    this.#waiting = [];
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #deliverAll(): Promise<void> {
    // Events that come in the same moment, such as those of all producers of a closed transport, share a batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#isStopped) {
      const events = this.#waiting.splice(0, MAX_BATCH);
      const first = this.#next;
      this.#next += events.length;
      await this.#deliver(first, events);
    }
    this.#delivery = undefined;
  }

  async #deliver(first: number, events: MediaEvent[]): Promise<void> {
    const batch = { room: this.#room, generation: this.#generation, first, events };
    for (let attempt = 0; !this.#isStopped; attempt += 1) {
      const delivery = await this.#courier.deliver(batch, this.#stopping.signal);
      if (delivery === 'taken') {
        this.#tally.sent(events.length);
        return;
      }
      if (delivery === 'unwanted') {
        this.#log.warn('the room does not want the events of this generation any more');
        this.stop();
        break;
      }
      this.#tally.retried();
      await this.#pause(attempt);
    }
    this.#tally.dropped(events.length);
  }

  /** Exponential, and random by half, so that the rooms of a node do not all come back at the same moment. */
  async #pause(attempt: number): Promise<void> {
    const longest = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
    const milliseconds = longest * (0.5 + Math.random() / 2);
    this.#log.warn({ attempt, milliseconds: Math.round(milliseconds) }, 'the edge did not take events; trying again');
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

/** Whether an event that has not been sent yet says nothing any more after a newer one. This bounds what can pile up. */
function isOutdatedBy(older: MediaEvent, newer: MediaEvent): boolean {
  if (newer.type === 'audio-levels' || newer.type === 'statistics') return older.type === newer.type;
  if (newer.type === 'video-format') return older.type === 'video-format' && older.producer === newer.producer;
  return newer.type === 'transport-state' && older.type === 'transport-state' && older.transport === newer.transport;
}
