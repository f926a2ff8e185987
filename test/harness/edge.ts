import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { TEST_SECRET } from './secrets.ts';

export interface EdgeOptions {
  readonly port: number;
  readonly mediaNodeUrl: string;
  /** Where the rooms are stored: give the same folder to a second edge to restart the first. */
  readonly storage?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The Worker in the real runtime, on a real port. */
export class Edge {
  readonly url: string;
  readonly storage: string;
  readonly #miniflare: Miniflare;
  readonly #ownsStorage: boolean;

  private constructor(url: string, storage: string, miniflare: Miniflare, ownsStorage: boolean) {
    this.url = url;
    this.storage = storage;
    this.#miniflare = miniflare;
    this.#ownsStorage = ownsStorage;
  }

  static async start({ port, mediaNodeUrl, storage, settings = {} }: EdgeOptions): Promise<Edge> {
    const folder = storage ?? (await mkdtemp(join(tmpdir(), 'parley-edge-')));
    const assets = join(folder, 'assets');
    await mkdir(assets, { recursive: true });
    const miniflare = new Miniflare({
      host: '127.0.0.1',
      port,
      modules: true,
      script: await bundledWorker(),
      compatibilityDate: '2026-04-01',
      cf: false,
      durableObjects: { ROOMS: { className: 'RoomObject', useSQLite: true } },
      durableObjectsPersist: join(folder, 'rooms'),
      d1Databases: { DB: 'parley' },
      d1Persist: join(folder, 'database'),
      r2Buckets: { FILES: 'parley-files' },
      r2Persist: join(folder, 'files'),
      assets: { directory: assets, binding: 'ASSETS', routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true } },
      bindings: { PARLEY_MODE: 'development', MEDIA_NODE_URL: mediaNodeUrl, MEDIA_NODE_SECRET: TEST_SECRET, ...settings },
    });
    await miniflare.ready;
    await migrate(await miniflare.getD1Database('DB'));
    return new Edge(`http://127.0.0.1:${port}`, folder, miniflare, storage === undefined);
  }

  /** Stops the edge at once, as a crash would: sockets are cut, nothing is said to anybody. */
  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    if (this.#ownsStorage) await rm(this.storage, { recursive: true, force: true });
  }

  /** Stops the edge and leaves its storage for another. */
  async crash(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

const MIGRATIONS = resolve(import.meta.dirname, '../../worker/migrations');

/** Brings a database up to date, as `wrangler d1 migrations apply` does. */
async function migrate(database: D1Database): Promise<void> {
  await database.exec('CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL)');
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  for (const name of (await readdir(MIGRATIONS)).sort().filter((file) => !applied.has(file))) {
    const statements = statementsOf(await readFile(join(MIGRATIONS, name), 'utf8')).map((sql) => database.prepare(sql));
    await database.batch([...statements, database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)]);
  }
}

/** The migrations have no semicolons but those between statements. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/--.*/gu, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

let bundle: Promise<string> | undefined;

function bundledWorker(): Promise<string> {
  bundle ??= build({
    entryPoints: ['worker/index.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  return bundle;
}
