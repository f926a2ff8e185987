import { FileStore, UPLOAD_LIMIT } from '../../files/store.ts';
import type { Env } from '../../platform/env.ts';
import { logger } from '../../platform/logger.ts';
import { type Recording, RecordingStore } from '../../recordings/store.ts';
import type { Time } from '../../room/participant.ts';
import { type CallRecord, UsageStore } from '../../usage/store.ts';
import { type Entry, Outbox } from './outbox.ts';

/** What happens within so long is written to D1 in one go, in milliseconds. */
const GATHERING: Time = 1_000;

/** So many rows go to D1 at once. */
const BATCH = 100;

type Task =
  | { readonly type: 'call-record'; readonly record: CallRecord }
  | { readonly type: 'recording'; readonly recording: Recording }
  | { readonly type: 'delete-files'; readonly life: string };

type Written = Exclude<Task, { type: 'delete-files' }>;

/**
 * Carries to the stores what a room has to leave there. The room never waits: it notes, and the object's alarm carries it out, again and again
 * until it is done. Doing one thing twice does no harm.
 */
export class Ledger {
  readonly #outbox: Outbox<Task>;
  readonly #env: Env;

  constructor(sql: SqlStorage, env: Env) {
    this.#outbox = new Outbox(sql);
    this.#env = env;
  }

  writeCall(record: CallRecord): void {
    this.#outbox.add({ type: 'call-record', record }, Date.now() + GATHERING);
  }

  writeRecording(recording: Recording): void {
    this.#outbox.add({ type: 'recording', recording }, Date.now() + GATHERING);
  }

  /** At once, and again when the last upload that was under way has certainly come to its end. */
  deleteFiles(life: string): void {
    this.#outbox.add({ type: 'delete-files', life }, Date.now());
    this.#outbox.add({ type: 'delete-files', life }, Date.now() + UPLOAD_LIMIT);
  }

  /** When `carryOut` is to be called; `null` when there is nothing to do. */
  nextDue(): Time | null {
    return this.#outbox.nextDue();
  }

  /** Does what is due. What cannot be done now is due again later. */
  async carryOut(now: Time): Promise<void> {
    const entries = this.#outbox.due(now, BATCH);
    const rows = entries.filter((entry): entry is Entry<Written> => entry.task.type !== 'delete-files');
    await Promise.all([
      ...groupsOf(rows).map((group) => this.#attempt(group, now, () => this.#write(group))),
      ...entries.map((entry) => this.#deleteFiles(entry, now)),
    ]);
  }

  async #deleteFiles(entry: Entry<Task>, now: Time): Promise<void> {
    const { task } = entry;
    if (task.type !== 'delete-files') return;
    await this.#attempt([entry], now, () => new FileStore(this.#env.DB, this.#env.FILES).discardAll(task.life));
  }

  async #write(rows: readonly Entry<Written>[]): Promise<void> {
    const usage = new UsageStore(this.#env.DB);
    const recordings = new RecordingStore(this.#env.DB, this.#env.FILES);
    const statements = rows.map(({ task }) => (task.type === 'call-record' ? usage.put(task.record) : recordings.put(task.recording)));
    await this.#env.DB.batch(statements);
  }

  async #attempt(entries: readonly Entry<Task>[], now: Time, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#outbox.done(entries);
    } catch (error) {
      logger.warn('the stores were not reached', { entries: entries.length, attempts: entries[0]?.attempts, error: String(error) });
      this.#outbox.failed(entries, now);
    }
  }
}

/** What failed before is tried alone, so that one that can never be written keeps no others from it. */
function groupsOf(rows: readonly Entry<Written>[]): (readonly Entry<Written>[])[] {
  const fresh = rows.filter(({ attempts }) => attempts === 0);
  const others = rows.filter(({ attempts }) => attempts > 0).map((row) => [row]);
  return fresh.length > 0 ? [fresh, ...others] : others;
}
