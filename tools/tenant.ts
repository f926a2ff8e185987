/** `npm run tenant -- create|list|set|rotate|revoke …`: who may use this installation, on this machine or (`--remote`) where it is deployed. */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { secretWeakness } from '../shared/secret-strength.ts';
import {
  creation,
  listing,
  revocation,
  rotation,
  type SettingsChange,
  settingsChange,
  type Statement,
} from '../worker/tenants/administration.ts';
import { keyHash } from '../worker/tenants/key.ts';
import { TenantCodeSchema, TenantSettingsSchema } from '../worker/tenants/tenant.ts';
import { Failure } from './bootstrap.mjs';
import { runWrangler } from './processes/wrangler.ts';
import { migrateDatabase } from './setup/database.ts';
import { readDevVars } from './setup/dev-secrets.ts';
import { readSettings } from './start/settings.ts';

const USAGE = `Use it like this:
  npm run tenant -- create CODE [SETTING=VALUE …]      makes a tenant and prints its key
  npm run tenant -- list                               shows all tenants
  npm run tenant -- set CODE SETTING=VALUE …           changes settings; SETTING= goes back to the default
  npm run tenant -- rotate CODE [--keep-old HOURS]     prints a new key; the old one is accepted for so long (0)
  npm run tenant -- revoke CODE                        lets nobody of the tenant in any more
With --remote the deployed edge is meant. With --key-from-stdin the key is read instead of made.
Settings: ${Object.keys(TenantSettingsSchema.shape).join(', ')}`;

const HOUR = 60 * 60_000;

interface Order {
  readonly action: string;
  readonly code: string;
  readonly change: SettingsChange;
  readonly remote: boolean;
  readonly keyFromStdin: boolean;
  /** In milliseconds. */
  readonly keepOld: number;
}

function orderOf(parameters: string[]): Order {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: {
      remote: { type: 'boolean', default: false },
      'key-from-stdin': { type: 'boolean', default: false },
      'keep-old': { type: 'string', default: '0' },
    },
  });
  const [action = '', code = '', ...settings] = positionals;
  const hours = z.coerce.number().min(0).safeParse(values['keep-old']);
  if (!hours.success) throw new Failure('--keep-old takes a number of hours.');
  if (action !== 'list' && !TenantCodeSchema.safeParse(code).success) throw new Failure(USAGE);
  const { remote, 'key-from-stdin': keyFromStdin } = values;
  return { action, code, change: changeOf(settings), remote, keyFromStdin, keepOld: hours.data * HOUR };
}

/** @param settings such as `sessionLife=lenient`. */
function changeOf(settings: readonly string[]): SettingsChange {
  return Object.fromEntries(settings.map(settingOf));
}

function settingOf(assignment: string): [string, unknown] {
  const [, name = '', value = ''] = /^(\w+)=(.*)$/u.exec(assignment) ?? [];
  const schema = (TenantSettingsSchema.shape as Record<string, z.ZodType>)[name];
  if (!schema) throw new Failure(`"${assignment}" sets nothing. ${USAGE}`);
  if (value === '') return [name, null];
  const parsed = schema.safeParse(/^\d+$/u.test(value) ? Number(value) : value);
  if (!parsed.success) throw new Failure(`${name}: ${parsed.error.issues.map(({ message }) => message).join('; ')}.`);
  return [name, parsed.data];
}

async function keyOf({ keyFromStdin }: Order): Promise<string> {
  if (!keyFromStdin) return randomBytes(32).toString('base64url');
  const key = (await text(process.stdin)).trim();
  const weakness = secretWeakness(key);
  if (weakness !== undefined) throw new Failure(`The key ${weakness}; without --key-from-stdin one is made.`);
  return key;
}

const RowsSchema = z.tuple([z.object({ results: z.array(z.record(z.string(), z.unknown())) })]);
type Rows = z.infer<typeof RowsSchema>[0]['results'];

/** Runs a statement where the edge has its tenants. @returns its rows. */
async function run({ remote }: Order, { sql, values }: Statement): Promise<Rows> {
  let next = 0;
  const command = sql.replaceAll('?', () => literal(values[next++] ?? ''));
  if (remote) return execute(['--remote'], command);
  const state = readSettings({ ...process.env, ...readDevVars() }).PARLEY_STATE_DIR;
  const here = ['--local', '--persist-to', state];
  try {
    return await execute(here, command);
  } catch (error) {
    // Nothing was ever started on this machine.
    if (!(error instanceof Failure && error.tail.includes('no such table'))) throw error;
    await migrateDatabase(state);
    return execute(here, command);
  }
}

async function execute(place: readonly string[], command: string): Promise<Rows> {
  const output = await runWrangler(['d1', 'execute', 'DB', ...place, '--json', '--yes', '--command', command]);
  return RowsSchema.parse(JSON.parse(output.slice(output.indexOf('['))))[0].results;
}

/** A value as SQLite reads it. */
function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

async function runOnOne(order: Order, statement: Statement, otherwise: string): Promise<Rows[number]> {
  const [row] = await run(order, statement);
  if (!row) throw new Failure(otherwise);
  return row;
}

async function create(order: Order): Promise<string> {
  const key = await keyOf(order);
  const { code, change } = order;
  const taken = `There is or was a tenant ${code} already: "set", "rotate" and "revoke" change it.`;
  await runOnOne(order, creation(code, await keyHash(code, key), change, Date.now()), taken);
  return keyNotice(order, key);
}

async function rotate(order: Order): Promise<string> {
  const key = await keyOf(order);
  const { code, keepOld } = order;
  await runOnOne(order, rotation(code, await keyHash(code, key), Date.now() + keepOld), missing(code));
  return keyNotice(order, key);
}

async function set(order: Order): Promise<string> {
  const { code, change } = order;
  if (Object.keys(change).length === 0) throw new Failure(USAGE);
  const { settings } = await runOnOne(order, settingsChange(code, change), missing(code));
  return `${code} has these settings now: ${settingsText(settings)}. Running edges learn of it within 30 seconds.`;
}

async function revoke(order: Order): Promise<string> {
  await runOnOne(order, revocation(order.code, Date.now()), missing(order.code));
  return `${order.code} is revoked. Running edges learn of it within 30 seconds; what belongs to it is kept.`;
}

async function list(order: Order): Promise<string> {
  const rows = await run(order, listing());
  const lines = rows.map(({ code, settings, created_at: created, revoked_at: revoked }) =>
    [code, `made ${dayOf(created)}`, revoked === null ? '' : `revoked ${dayOf(revoked)}`, settingsText(settings)].join('\t'),
  );
  return lines.length > 0 ? lines.join('\n') : 'There are no tenants.';
}

function keyNotice({ code, keyFromStdin }: Order, key: string): string {
  if (keyFromStdin) return `${code} has the key that was given.`;
  return `code  ${code}\nkey   ${key}\nThe key is stored as a hash only and cannot be shown again.`;
}

function missing(code: string): string {
  return `There is no tenant ${code}: "list" shows all of them, "create" makes one.`;
}

function settingsText(settings: unknown): string {
  return settings === '{}' ? 'all settings at their defaults' : String(settings);
}

function dayOf(time: unknown): string {
  return new Date(Number(time)).toISOString().slice(0, 10);
}

const ACTIONS: Readonly<Record<string, (order: Order) => Promise<string>>> = { create, list, set, rotate, revoke };

export async function main(parameters: string[]): Promise<number> {
  const order = readOrder(parameters);
  const action = ACTIONS[order.action];
  if (!action) throw new Failure(USAGE);
  console.log(await action(order));
  return 0;
}

/** @throws Failure with the way in which it is used. */
function readOrder(parameters: string[]): Order {
  try {
    return orderOf(parameters);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(USAGE);
  }
}
