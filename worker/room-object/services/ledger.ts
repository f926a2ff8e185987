import { FileStore, UPLOAD_LIMIT } from '../../files/store.ts';
import type { Env } from '../../platform/env.ts';
import { logger } from '../../platform/logger.ts';
import { MediaClient } from '../../platform/media-client.ts';
import { settingsOf } from '../../platform/settings.ts';
import { collect, type Collectable } from '../../recordings/collect.ts';
import { type Recording, RecordingStore } from '../../recordings/store.ts';
import type { Time } from '../../room/participant.ts';
import { type CallRecord, UsageStore } from '../../usage/store.ts';
import { type Entry, Outbox } from './outbox.ts';

/** What happens within so long is written to D1 in one go, in milliseconds. */
const GATHERING: Time = 1_000;

/** So many rows go to D1 at once. */
const BATCH = 100;

/** Whoever waits for a recording to be stored is told after this long that it is not, in milliseconds. */
const PATIENCE: Time = 15_000;

/** How long after the end of a recording the media node is asked again whether its file is ready: the longer it takes, the less often. */
const [SHORTEST_PAUSE, LONGEST_PAUSE]: [Time, Time] = [1_000, 60_000];

/** Where the id of the recording stands in the task of collecting it, and in no other. */
const COLLECTED_ID = '$.collected';

/** What became of a recording: its bytes are safe, there are none, or it takes longer than anybody waits for. */
export type Collected = 'stored' | 'empty' | 'late';

type Task =
  | { readonly type: 'call-record'; readonly record: CallRecord }
  | { readonly type: 'recording'; readonly recording: Recording }
  | { readonly type: 'delete-files'; readonly life: string }
  | ({ readonly type: 'collect-recording'; readonly collected: string } & Collectable);

type Written = Extract<Task, { type: 'call-record' | 'recording' }>;

/**
 * Carries to the stores what a room has to leave there. The room never waits: it notes, and the object's alarm carries it out, again and again
 * until it is done. Doing one thing twice does no harm.
 */
export class Ledger {
  readonly #outbox: Outbox<Task>;
  readonly #env: Env;
  readonly #noted: () => void;
  /** Whoever waits for a recording, by its id. */
  readonly #waiting = new Map<string, ((collected: Collected) => void)[]>();

  /** @param noted is called whenever `nextDue` may have changed. */
  constructor(sql: SqlStorage, env: Env, noted: () => void) {
    this.#outbox = new Outbox(sql);
    this.#env = env;
    this.#noted = noted;
  }

  writeCall(record: CallRecord): void {
    this.#add({ type: 'call-record', record }, Date.now() + GATHERING);
  }

  writeRecording(recording: Recording): void {
    this.#add({ type: 'recording', recording }, Date.now() + GATHERING);
  }

  /** At once, and again when the last upload that was under way has certainly come to its end. */
  deleteFiles(life: string): void {
    this.#add({ type: 'delete-files', life }, Date.now());
    this.#add({ type: 'delete-files', life }, Date.now() + UPLOAD_LIMIT);
  }

  /** Has a recording of the media node ended, and its file fetched. */
  collect(collectable: Collectable, due: Time): void {
    this.#add({ type: 'collect-recording', collected: collectable.recording.id, ...collectable }, due);
  }

  /** The media node says that the file of a recording is ready. */
  hasten(recording: string): void {
    this.#outbox.hasten(COLLECTED_ID, recording, Date.now());
    this.#noted();
  }

  /** Whether a recording is still to be collected. */
  isCollecting(recording: string): boolean {
    return this.#outbox.has(COLLECTED_ID, recording);
  }

  /** Waits until a recording that is being collected, or will be in a moment, is safe; not for very long. */
  collected(recording: string): Promise<Collected> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE, 'late');
      const tell = (collected: Collected): void => {
        clearTimeout(timer);
        resolve(collected);
      };
      this.#waiting.set(recording, [...(this.#waiting.get(recording) ?? []), tell]);
    });
  }

  /** When `carryOut` is to be called; `null` when there is nothing to do. */
  nextDue(): Time | null {
    return this.#outbox.nextDue();
  }

  /** Does what is due. What cannot be done now is due again later. */
  async carryOut(now: Time): Promise<void> {
    const entries = this.#outbox.due(now, BATCH);
    const rows = entries.filter((entry): entry is Entry<Written> => entry.task.type === 'call-record' || entry.task.type === 'recording');
    await Promise.all([
      ...groupsOf(rows).map((group) => this.#attempt(group, now, () => this.#write(group))),
      ...entries.map((entry) => this.#deleteFiles(entry, now)),
      this.#collectAll(entries, now),
    ]);
  }

  #add(task: Task, due: Time): void {
    this.#outbox.add(task, due);
    this.#noted();
  }

  /** One after the other: each has a piece of its file in memory. What one turn leaves comes in the next, behind those that wait by then. */
  async #collectAll(entries: readonly Entry<Task>[], now: Time): Promise<void> {
    for (const entry of entries) if (entry.task.type === 'collect-recording') await this.#collect(entry, entry.task, now);
  }

  async #collect(entry: Entry<Task>, collectable: Collectable, now: Time): Promise<void> {
    const { id, stoppedAt } = collectable.recording;
    // Before anything else: the news that the file is ready may come while it is being asked for.
    this.#outbox.postpone(entry, now + pauseAfter(now - (stoppedAt ?? now)));
    try {
      const client = new MediaClient(settingsOf(this.#env).MEDIA_NODE_URL, settingsOf(this.#env).MEDIA_NODE_SECRET);
      const state = await collect(this.#env, client, collectable);
      if (state === 'moving') this.#outbox.advanced(entry, Date.now());
      if (state === 'moving' || state === 'running') return;
      this.#outbox.done([entry]);
      for (const tell of this.#waiting.get(id) ?? []) tell(state);
      this.#waiting.delete(id);
    } catch (error) {
      logger.warn('a recording was not collected', { recording: id, attempts: entry.attempts, error: String(error) });
      this.#outbox.failed([entry], now);
    }
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

function pauseAfter(elapsed: Time): Time {
  return Math.min(Math.max(SHORTEST_PAUSE, elapsed / 4), LONGEST_PAUSE);
}
