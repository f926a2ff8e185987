import type { TenantSettings } from './tenant.ts';

/** A statement for the tenants' database, in the way that suits whoever runs it. */
export interface Statement {
  readonly sql: string;
  /** For the question marks, in order. */
  readonly values: readonly (string | number)[];
}

/** What is set anew; `null` goes back to the default. */
export type SettingsChange = { readonly [Name in keyof TenantSettings]?: TenantSettings[Name] | null };

/** Makes a tenant. Returns a row unless there is, or was, one of this code. */
export function creation(code: string, keyHash: string, settings: SettingsChange, now: number): Statement {
  const sql = `INSERT INTO tenants (code, key_hash, settings, created_at) VALUES (?, ?, json_patch('{}', ?), ?) ON CONFLICT DO NOTHING RETURNING code`;
  return { sql, values: [code, keyHash, JSON.stringify(settings), now] };
}

/** Lets nobody of a tenant in any more. What belongs to it stays. Returns a row if there is such a tenant. */
export function revocation(code: string, now: number): Statement {
  return { sql: 'UPDATE tenants SET revoked_at = ? WHERE code = ? AND revoked_at IS NULL RETURNING code', values: [now, code] };
}

/** Gives a tenant another key, also one that was revoked. @param keepUntil the key before is accepted until then. */
export function rotation(code: string, keyHash: string, keepUntil: number): Statement {
  const sql = `UPDATE tenants SET previous_key_hash = key_hash, previous_key_until = ?, key_hash = ?, revoked_at = NULL WHERE code = ? RETURNING code`;
  return { sql, values: [keepUntil, keyHash, code] };
}

/** Changes some settings of a tenant. Returns a row if there is such a tenant. */
export function settingsChange(code: string, change: SettingsChange): Statement {
  return {
    sql: 'UPDATE tenants SET settings = json_patch(settings, ?) WHERE code = ? RETURNING settings',
    values: [JSON.stringify(change), code],
  };
}

/** All tenants, without what could be used to guess a key. */
export function listing(): Statement {
  return { sql: 'SELECT code, settings, created_at, revoked_at FROM tenants ORDER BY code', values: [] };
}
