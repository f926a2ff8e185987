import { type Page, pageOf, type PageQuery } from '../platform/paging.ts';
import type { Segment } from '../transfer/send.ts';

/** R2 deletes so many objects at once. */
const DELETED_AT_ONCE = 1000;

export interface Recording {
  readonly id: string;
  readonly tenant: string;
  readonly room: string;
  /** Who records. */
  readonly participant: string;
  readonly name: string | null;
  /** What is recorded where it is not the whole room. */
  readonly subject: string | null;
  readonly fileName: string;
  readonly filePath: string;
  readonly note: string | null;
  /** In milliseconds since the epoch. */
  readonly startedAt: number;
  /** `null` while it is going on. */
  readonly stoppedAt: number | null;
  /** Who makes it: a participant who brings it here, or the media node, from which it is collected. */
  readonly maker: 'participant' | 'media-node';
  /** Of the media node's only: milliseconds, and `null` until all of its bytes are here. */
  readonly durationMs: number | null;
  /** Of the media node's only: `webm` or `mp4`. */
  readonly container: string | null;
  /** Of the media node's only: names of the codecs as in `a=rtpmap`, separated by commas. */
  readonly codecs: string | null;
}

export interface RecordingRow {
  readonly id: string;
  readonly room: string;
  readonly participant: string;
  readonly name: string | null;
  readonly subject: string | null;
  readonly file_name: string;
  readonly file_path: string;
  readonly note: string | null;
  readonly started_at: number;
  readonly stopped_at: number | null;
  readonly maker: Recording['maker'];
  readonly duration_ms: number | null;
  readonly container: string | null;
  readonly codecs: string | null;
  /** What can be played, in bytes. */
  readonly size: number;
  readonly type: string | null;
}

export interface Part {
  readonly recording: string;
  /** Counted from 1; `undefined` is the one after the last. */
  readonly number: number | undefined;
  readonly key: string;
  readonly size: number;
  /** Content type of the recording, where this is its first part. */
  readonly type: string;
}

const LISTED = `SELECT id, room, participant, name, subject, file_name, file_path, note, started_at, stopped_at, maker, duration_ms, container,
  codecs, (SELECT COALESCE(SUM(size), 0) FROM playable_parts WHERE recording = recordings.id) AS size,
  (SELECT type FROM recording_parts WHERE recording = recordings.id AND number = 1) AS type`;

/** Recordings of all tenants: what there is in D1, the bytes in R2, where each part is an object of its own. */
export class RecordingStore {
  readonly #db: D1Database;
  readonly bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.bucket = bucket;
  }

  /**
   * Writes what is known of a recording: its beginning, its end and, where the media node made it, once more when all of it is here. In any order, any
   * number of times.
   */
  put(recording: Recording): D1PreparedStatement {
    const { id, tenant, room, participant, name, subject, fileName, filePath, note, startedAt, stoppedAt } = recording;
    const { maker, durationMs, container, codecs } = recording;
    const sql = `INSERT INTO recordings (id, tenant, room, participant, name, subject, file_name, file_path, note, started_at, stopped_at,
        maker, duration_ms, container, codecs)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, file_name = excluded.file_name, file_path = excluded.file_path, note = excluded.note,
        started_at = excluded.started_at, stopped_at = excluded.stopped_at, duration_ms = excluded.duration_ms
      WHERE recordings.stopped_at IS NULL OR excluded.duration_ms IS NOT NULL`;
    const values = [id, tenant, room, participant, name, subject, fileName, filePath, note, startedAt, stoppedAt];
    return this.#db.prepare(sql).bind(...values, maker, durationMs, container, codecs);
  }

  /** Writes that nothing came of a recording: it is not listed any more, whatever is written of it later. */
  async putEmpty(recording: Recording): Promise<void> {
    const sql = 'UPDATE recordings SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL';
    await this.#db.batch([this.put(recording), this.#db.prepare(sql).bind(Date.now(), recording.id)]);
  }

  /** Whether the tenant deleted it. A recording that is not written down yet was not. */
  async isDeleted(id: string): Promise<boolean> {
    const row = await this.#db.prepare('SELECT deleted_at FROM recordings WHERE id = ?').bind(id).first<{ deleted_at: number | null }>();
    return row !== null && row.deleted_at !== null;
  }

  /** Which parts there are. */
  async parts(id: string): Promise<{ number: number; size: number }[]> {
    const sql = 'SELECT number, size FROM recording_parts WHERE recording = ? ORDER BY number';
    return (await this.#db.prepare(sql).bind(id).all<{ number: number; size: number }>()).results;
  }

  /**
   * Adds a part that is stored already, in place of an earlier one of its number.
   *
   * @param quota for all parts together.
   * @returns its number; `undefined` when it does not fit, or the recording was deleted meanwhile.
   */
  async addPart({ recording, number, key, size, type }: Part, quota: number): Promise<number | undefined> {
    const replaced = number === undefined ? undefined : await this.#keyOf(recording, number);
    const sql = `INSERT INTO recording_parts (recording, number, key, size, type, received_at)
      SELECT ?1, COALESCE(?2, 1 + (SELECT COALESCE(MAX(number), 0) FROM recording_parts WHERE recording = ?1)), ?3, ?4, ?5, ?6
      WHERE ?4 + (SELECT COALESCE(SUM(size), 0) FROM recording_parts WHERE recording = ?1 AND number IS NOT ?2) <= ?7
        AND NOT EXISTS (SELECT 1 FROM recordings WHERE id = ?1 AND deleted_at IS NOT NULL)
      ON CONFLICT (recording, number) DO UPDATE SET key = excluded.key, size = excluded.size, type = excluded.type, received_at = excluded.received_at
      RETURNING number`;
    const row = await this.#db
      .prepare(sql)
      .bind(recording, number ?? null, key, size, type, Date.now(), quota)
      .first<{ number: number }>();
    if (row && replaced !== undefined && replaced !== key) await this.bucket.delete(replaced);
    return row?.number;
  }

  /** A tenant's recordings, newest first. */
  list(tenant: string, query: PageQuery): Promise<Page<RecordingRow>> {
    const list = { select: LISTED, table: 'recordings', time: 'started_at', where: 'deleted_at IS NULL' };
    return pageOf<RecordingRow>(this.#db, list, tenant, query);
  }

  /** One recording of a tenant. */
  async find(tenant: string, id: string): Promise<RecordingRow | undefined> {
    const sql = `${LISTED} FROM recordings WHERE tenant = ? AND id = ? AND deleted_at IS NULL`;
    return (await this.#db.prepare(sql).bind(tenant, id).first<RecordingRow>()) ?? undefined;
  }

  /**
   * A recording that the media node made, by the name of its file. Whoever is given the name may ask for the file, so of several of one name only the
   * first is found: nobody can put another in its place.
   */
  async findByFileName(tenant: string, fileName: string): Promise<RecordingRow | undefined> {
    const sql = `${LISTED} FROM recordings WHERE tenant = ? AND file_name = ? AND maker = 'media-node' AND deleted_at IS NULL
      ORDER BY started_at LIMIT 1`;
    return (await this.#db.prepare(sql).bind(tenant, fileName).first<RecordingRow>()) ?? undefined;
  }

  /** What of a recording can be played, in order. */
  async playable(id: string): Promise<Segment[]> {
    const sql = 'SELECT key, size FROM playable_parts WHERE recording = ? ORDER BY number';
    return (await this.#db.prepare(sql).bind(id).all<{ key: string; size: number }>()).results;
  }

  /** Deletes a recording with all its bytes. */
  async delete(id: string): Promise<void> {
    await this.#db.prepare('UPDATE recordings SET deleted_at = ? WHERE id = ?').bind(Date.now(), id).run();
    for (;;) {
      const { objects, truncated } = await this.bucket.list({ prefix: partKey(id, ''), limit: DELETED_AT_ONCE });
      if (objects.length > 0) await this.bucket.delete(objects.map(({ key }) => key));
      if (!truncated) break;
    }
    await this.#db.prepare('DELETE FROM recording_parts WHERE recording = ?').bind(id).run();
  }

  async #keyOf(recording: string, number: number): Promise<string | undefined> {
    const sql = 'SELECT key FROM recording_parts WHERE recording = ? AND number = ?';
    return (await this.#db.prepare(sql).bind(recording, number).first<{ key: string }>())?.key;
  }
}

/** Where a part's bytes are. */
export function partKey(recording: string, upload: string): string {
  return `recordings/${recording}/${upload}`;
}
