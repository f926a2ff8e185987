import { type TenantSettings, TenantSettingsSchema } from './tenant.ts';

/** A tenant as it is stored. */
export interface StoredTenant {
  readonly code: string;
  readonly keyHash: string;
  /** Accepted beside the current one until a time, in milliseconds since the epoch. */
  readonly previousKey?: { readonly hash: string; readonly until: number };
  readonly settings: TenantSettings;
}

interface Row {
  readonly code: string;
  readonly key_hash: string;
  readonly previous_key_hash: string | null;
  readonly previous_key_until: number;
  readonly settings: string;
}

/** Reads tenants; `npm run tenant` writes them. */
export class TenantStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** @returns `undefined` when there is no such tenant, or it was revoked. */
  async find(code: string): Promise<StoredTenant | undefined> {
    const query =
      'SELECT code, key_hash, previous_key_hash, previous_key_until, settings FROM tenants WHERE code = ? AND revoked_at IS NULL';
    const row = await this.#db.prepare(query).bind(code).first<Row>();
    if (!row) return undefined;
    const previous = row.previous_key_hash === null ? {} : { previousKey: { hash: row.previous_key_hash, until: row.previous_key_until } };
    return { code: row.code, keyHash: row.key_hash, ...previous, settings: TenantSettingsSchema.parse(JSON.parse(row.settings)) };
  }
}
