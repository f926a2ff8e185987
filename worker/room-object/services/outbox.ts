import type { Time } from '../../room/participant.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    task TEXT NOT NULL
  )`;

/** The first try again comes after so long, each further one after twice as long, in milliseconds. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10 * 60_000;

/** An entry of the outbox. */
export interface Entry<Task> {
  readonly id: number;
  readonly attempts: number;
  readonly task: Task;
}

/**
 * What the room object owes to somebody outside, kept in its own database until it is done. It outlives the room: writing an entry is part of
 * the same transaction as what the entry is about, so that neither can be lost without the other.
 */
export class Outbox<Task extends object> {
  readonly #sql: SqlStorage;
  /** Objects that never owed anything have no table. */
  #hasTable: boolean;
  /** Asked for after every message: `undefined` where the table has to be asked. */
  #nextDue: Time | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#hasTable = sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'outbox'`).toArray().length > 0;
  }

  /** Puts a task in, to be done at a time. */
  add(task: Task, due: Time): void {
    if (!this.#hasTable) this.#sql.exec(SCHEMA);
    this.#hasTable = true;
    this.#nextDue = undefined;
    this.#sql.exec('INSERT INTO outbox (due, task) VALUES (?, ?)', due, JSON.stringify(task));
  }

  /** When the next task is due; `null` when there is none. */
  nextDue(): Time | null {
    if (!this.#hasTable) return null;
    if (this.#nextDue === undefined) this.#nextDue = this.#sql.exec<{ due: number | null }>('SELECT MIN(due) AS due FROM outbox').one().due;
    return this.#nextDue;
  }

  /** The tasks that are due, in the order in which they were put in. */
  due(now: Time, limit: number): Entry<Task>[] {
    if (!this.#hasTable) return [];
    const rows = this.#sql.exec<{ id: number; attempts: number; task: string }>(
      'SELECT id, attempts, task FROM outbox WHERE due <= ? ORDER BY id LIMIT ?',
      now,
      limit,
    );
    return rows.toArray().map(({ id, attempts, task }) => ({ id, attempts, task: JSON.parse(task) as Task }));
  }

  done(entries: readonly Entry<Task>[]): void {
    this.#nextDue = undefined;
    for (const { id } of entries) this.#sql.exec('DELETE FROM outbox WHERE id = ?', id);
  }

  /** It is not done yet, although nothing went wrong: it is due again at a time. */
  postpone({ id }: Entry<Task>, due: Time): void {
    this.#nextDue = undefined;
    this.#sql.exec('UPDATE outbox SET due = ? WHERE id = ?', due, id);
  }

  /** A part of it is done: the rest is due at once, and what failed before does not count any more. */
  advanced({ id }: Entry<Task>, now: Time): void {
    this.#nextDue = undefined;
    this.#sql.exec('UPDATE outbox SET due = ?, attempts = 0 WHERE id = ?', now, id);
  }

  /** Tasks that have this text at a path of SQLite's JSON functions are due at a time, also those that have failed before. */
  hasten(path: string, text: string, due: Time): void {
    if (!this.#hasTable) return;
    this.#nextDue = undefined;
    this.#sql.exec('UPDATE outbox SET due = ? WHERE json_extract(task, ?) = ?', due, path, text);
  }

  /** Whether a task is waiting that has this text at a path of SQLite's JSON functions. */
  has(path: string, text: string): boolean {
    if (!this.#hasTable) return false;
    return this.#sql.exec('SELECT 1 FROM outbox WHERE json_extract(task, ?) = ? LIMIT 1', path, text).toArray().length > 0;
  }

  /** These could not be done: they are due again later, the later the more often they failed. */
  failed(entries: readonly Entry<Task>[], now: Time): void {
    this.#nextDue = undefined;
    for (const { id, attempts } of entries) {
      const pause = Math.min(FIRST_PAUSE * 2 ** attempts, LONGEST_PAUSE);
      this.#sql.exec('UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE id = ?', now + pause, id);
    }
  }
}
