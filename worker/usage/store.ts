import { type Page, pageOf, type PageQuery } from '../platform/paging.ts';

/** From when to when somebody was in a room (`stay`), or in a call within a stay (`call`). Times and spans are in milliseconds. */
export interface CallRecord {
  readonly id: string;
  readonly kind: 'stay' | 'call';
  readonly tenant: string;
  readonly room: string;
  readonly life: string;
  readonly participant: string;
  readonly name: string | null;
  readonly startedAt: number;
  /** `null` while it is going on. */
  readonly endedAt: number | null;
  /** How long media went from member to member. */
  readonly directMs: number;
  /** How long media went through the SFU. */
  readonly routedMs: number;
}

export interface CallRow {
  readonly id: string;
  readonly kind: CallRecord['kind'];
  readonly room: string;
  readonly life: string;
  readonly participant: string;
  readonly name: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly direct_ms: number;
  readonly routed_ms: number;
}

/** Call records of all tenants, in D1. */
export class UsageStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Writes a record: at its beginning, and again at its end. In any order, any number of times. */
  put({ id, kind, tenant, room, life, participant, name, startedAt, endedAt, directMs, routedMs }: CallRecord): D1PreparedStatement {
    const sql = `INSERT INTO call_records (id, kind, tenant, room, life, participant, name, started_at, ended_at, direct_ms, routed_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, ended_at = excluded.ended_at, direct_ms = excluded.direct_ms,
        routed_ms = excluded.routed_ms WHERE call_records.ended_at IS NULL`;
    const values = [id, kind, tenant, room, life, participant, name, startedAt, endedAt, directMs, routedMs];
    return this.#db.prepare(sql).bind(...values);
  }

  /** A tenant's rooms in which somebody is, by their full names, in the order of the alphabet. A room that has just begun or ended is seen a second later. */
  async roomsInUse(tenant: string, limit: number): Promise<string[]> {
    const sql = 'SELECT DISTINCT room FROM call_records WHERE tenant = ? AND ended_at IS NULL ORDER BY room LIMIT ?';
    const { results } = await this.#db.prepare(sql).bind(tenant, limit).all<{ room: string }>();
    return results.map(({ room }) => room);
  }

  /** A tenant's call records, newest first. */
  list(tenant: string, query: PageQuery): Promise<Page<CallRow>> {
    const select = 'SELECT id, kind, room, life, participant, name, started_at, ended_at, direct_ms, routed_ms';
    return pageOf<CallRow>(this.#db, { select, table: 'call_records', time: 'started_at' }, tenant, query);
  }
}
