import { type Page, pageOf, type PageQuery } from '../platform/paging.ts';

/** An upload that did not come to an end in this time never will, in milliseconds. */
export const UPLOAD_LIMIT = 15 * 60_000;

const FILES = 'files';
/** R2 deletes so many objects at once. */
const DELETED_AT_ONCE = 1000;

/** A file that members of a room share. */
export interface StoredFile {
  readonly id: string;
  readonly tenant: string;
  readonly room: string;
  /** The life of the room: a room that is made again under its name has another. */
  readonly life: string;
}

export interface StoredContent {
  /** As its owner calls it. */
  readonly originalName: string;
  /** As it stands in its address. */
  readonly name: string;
  readonly type: string;
  /** In bytes, pages included. */
  readonly size: number;
  /** How many pages were rendered. */
  readonly pages: number;
}

export interface FileRow {
  readonly id: string;
  readonly room: string;
  readonly life: string;
  readonly original_name: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly pages: number;
  readonly created_at: number;
}

/** The files of all rooms: what there is in D1, the bytes in R2. */
export class FileStore {
  readonly #db: D1Database;
  readonly bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.bucket = bucket;
  }

  /**
   * Announces a file before its first byte is stored.
   *
   * @param size at most so many bytes will come.
   * @param quota for all files of this life of the room.
   * @returns false when they do not fit into it.
   */
  async announce({ id, tenant, room, life }: StoredFile, size: number, quota: number): Promise<boolean> {
    const now = Date.now();
    const sql = `INSERT INTO files (id, tenant, room, life, state, size, created_at) SELECT ?, ?, ?, ?, 'arriving', ?, ?
      WHERE ? + (SELECT COALESCE(SUM(size), 0) FROM files WHERE life = ? AND (state = 'stored' OR created_at > ?)) <= ?`;
    const statement = this.#db.prepare(sql).bind(id, tenant, room, life, size, now, size, life, now - UPLOAD_LIMIT, quota);
    return (await statement.run()).meta.changes === 1;
  }

  /** Turns an announced file into one that is there. @returns false when the room's files were deleted meanwhile. */
  async complete(id: string, { originalName, name, type, size, pages }: StoredContent): Promise<boolean> {
    const sql = `UPDATE files SET state = 'stored', original_name = ?, name = ?, type = ?, size = ?, pages = ? WHERE id = ? AND state = 'arriving'`;
    const { meta } = await this.#db.prepare(sql).bind(originalName, name, type, size, pages, id).run();
    return meta.changes === 1;
  }

  /** Deletes one file, whatever there is of it. */
  async discard({ id, life }: Pick<StoredFile, 'id' | 'life'>): Promise<void> {
    await this.#deleteObjects(`${FILES}/${life}/${id}/`);
    await this.#db.prepare('DELETE FROM files WHERE id = ?').bind(id).run();
  }

  /** Deletes all files of a life of a room. May be done again: uploads that are under way find out at their end. */
  async discardAll(life: string): Promise<void> {
    await this.#db.prepare('DELETE FROM files WHERE life = ?').bind(life).run();
    await this.#deleteObjects(`${FILES}/${life}/`);
  }

  /** The files of a tenant's rooms that are there, newest first. */
  list(tenant: string, query: PageQuery): Promise<Page<FileRow>> {
    const select = 'SELECT id, room, life, original_name, name, type, size, pages, created_at';
    return pageOf<FileRow>(this.#db, { select, table: 'files', time: 'created_at', where: `state = 'stored'` }, tenant, query);
  }

  async #deleteObjects(prefix: string): Promise<void> {
    for (;;) {
      const { objects, truncated } = await this.bucket.list({ prefix, limit: DELETED_AT_ONCE });
      if (objects.length > 0) await this.bucket.delete(objects.map(({ key }) => key));
      if (!truncated) return;
    }
  }
}

/** Where a file's bytes are; its address ends the same way, which is why it cannot be guessed. */
export function fileKey({ life, id }: Pick<StoredFile, 'life' | 'id'>, name: string): string {
  return [FILES, life, id, name].join('/');
}

/** The name of a page of a document, counted from 1. */
export function pageName(name: string, page: number): string {
  return name.replace(/\.\w+$/u, `.${page}.png`);
}
