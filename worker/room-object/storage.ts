import type { Time } from '../room/participant.ts';
import type { RecordStore } from '../room/records.ts';
import type { RoomSnapshot } from '../room/snapshot.ts';

/** One column of JSON per record: the room is always loaded whole, and nothing is looked up by a field. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (collection, id)
  ) WITHOUT ROWID`;

const SPENT_SCHEMA = 'CREATE TABLE IF NOT EXISTS spent (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID';

/** The room's records in the object's own SQLite database. */
export class RoomStorage implements RecordStore {
  readonly #sql: SqlStorage;
  /** Rooms that nobody makes cost no table: whoever asks for a room that does not exist leaves nothing behind. */
  #hasTable: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#hasTable = this.#hasTableNamed('records');
  }

  put(collection: string, id: string, record: object): void {
    this.#makeTable();
    this.#sql.exec('INSERT OR REPLACE INTO records (collection, id, record) VALUES (?, ?, ?)', collection, id, JSON.stringify(record));
  }

  delete(collection: string, id: string): void {
    if (this.#hasTable) this.#sql.exec('DELETE FROM records WHERE collection = ? AND id = ?', collection, id);
  }

  deleteAll(collection: string): void {
    if (this.#hasTable) this.#sql.exec('DELETE FROM records WHERE collection = ?', collection);
  }

  *scan<Item>(collection: string, after = ''): Iterable<Item> {
    if (!this.#hasTable) return;
    const query = 'SELECT record FROM records WHERE collection = ? AND id > ? ORDER BY id';
    for (const { record } of this.#sql.exec<{ record: string }>(query, collection, after)) yield JSON.parse(record) as Item;
  }

  /** All records of a collection. They were written by this program, so their type is known. */
  all<Item>(collection: string): Item[] {
    if (!this.#hasTable) return [];
    const rows = this.#sql.exec<{ record: string }>('SELECT record FROM records WHERE collection = ? ORDER BY id', collection);
    return rows.toArray().map(({ record }) => JSON.parse(record) as Item);
  }

  /** The stored room; `undefined` when there is none. */
  load(): RoomSnapshot | undefined {
    const [room] = this.all<RoomSnapshot['room']>('room');
    return (
      room && {
        room,
        participants: this.all('participants'),
        publications: this.all('publications'),
        streams: this.all('streams'),
        subscriptions: this.all('subscriptions'),
        connections: this.all('connections'),
        views: this.all('views'),
        floors: this.all('floors'),
        messages: this.all('messages'),
      }
    );
  }

  /**
   * Notes that something was used that may be used once. It is remembered also when the room is forgotten.
   *
   * @returns false when it was used before.
   */
  spend(id: string, until: Time): boolean {
    this.#sql.exec(SPENT_SCHEMA);
    return this.#sql.exec('INSERT OR IGNORE INTO spent (id, until) VALUES (?, ?)', id, until).rowsWritten > 0;
  }

  /** Forgets what cannot be used any more anyway. */
  forgetSpent(now: Time): void {
    if (this.#hasTableNamed('spent')) this.#sql.exec('DELETE FROM spent WHERE until <= ?', now);
  }

  /** When all of that can be forgotten; `null` if there is nothing. */
  spentUntil(): Time | null {
    if (!this.#hasTableNamed('spent')) return null;
    return this.#sql.exec<{ last: Time | null }>('SELECT max(until) AS last FROM spent').one().last;
  }

  /** Forgets the room. */
  clear(): void {
    if (this.#hasTable) this.#sql.exec('DELETE FROM records');
  }

  #hasTableNamed(name: string): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, name).toArray().length > 0;
  }

  #makeTable(): void {
    if (this.#hasTable) return;
    this.#sql.exec(SCHEMA);
    this.#hasTable = true;
  }
}
