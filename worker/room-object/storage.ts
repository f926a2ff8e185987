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

/** The room's records in the object's own SQLite database. */
export class RoomStorage implements RecordStore {
  readonly #sql: SqlStorage;
  /** Rooms that nobody makes cost no table: whoever asks for a room that does not exist leaves nothing behind. */
  #hasTable: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#hasTable = sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'records'`).toArray().length > 0;
  }

  put(collection: string, id: string, record: object): void {
    this.#makeTable();
    this.#sql.exec('INSERT OR REPLACE INTO records (collection, id, record) VALUES (?, ?, ?)', collection, id, JSON.stringify(record));
  }

  delete(collection: string, id: string): void {
    if (this.#hasTable) this.#sql.exec('DELETE FROM records WHERE collection = ? AND id = ?', collection, id);
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

  /** Forgets the room. */
  clear(): void {
    if (this.#hasTable) this.#sql.exec('DELETE FROM records');
  }

  #makeTable(): void {
    if (this.#hasTable) return;
    this.#sql.exec(SCHEMA);
    this.#hasTable = true;
  }
}
