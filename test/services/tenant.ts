import { creation, type SettingsChange, type Statement } from '../../worker/tenants/administration.ts';
import { keyHash } from '../../worker/tenants/key.ts';
import type { Edge } from '../harness/edge.ts';

/** Runs a statement of the tenants' administration, as `npm run tenant` does by other ways. */
export async function administer(edge: Edge, { sql, values }: Statement): Promise<unknown[]> {
  const database = await edge.database();
  return (
    await database
      .prepare(sql)
      .bind(...values)
      .all()
  ).results;
}

export async function makeTenant(edge: Edge, code: string, key: string, settings: SettingsChange = {}): Promise<void> {
  await administer(edge, creation(code, await keyHash(code, key), settings, Date.now()));
}

/** The header that shows a tenant's key. */
export function basic(code: string, key: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${code}:${key}`).toString('base64')}` };
}
