import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { build, type Plugin } from 'esbuild';
import { Miniflare } from 'miniflare';
import { TEST_SECRET } from './secrets.ts';

export interface EdgeOptions {
  readonly port: number;
  readonly mediaNodeUrl: string;
  /** Where the rooms are stored: give the same folder to a second edge to restart the first. */
  readonly storage?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** The file of a table of protocols in place of the real one. */
  readonly protocols?: string;
}

type Database = Awaited<ReturnType<Miniflare['getD1Database']>>;
type Bucket = Awaited<ReturnType<Miniflare['getR2Bucket']>>;

const PROTOCOLS = resolve(import.meta.dirname, '../../worker/protocols/index.ts');

/** The Worker in the real runtime, on a real port. */
export class Edge {
  readonly url: string;
  readonly storage: string;
  /** What the Worker has logged, line by line. */
  readonly log: readonly string[];
  readonly #miniflare: Miniflare;
  readonly #ownsStorage: boolean;

  private constructor(url: string, storage: string, miniflare: Miniflare, ownsStorage: boolean, log: readonly string[]) {
    this.url = url;
    this.storage = storage;
    this.log = log;
    this.#miniflare = miniflare;
    this.#ownsStorage = ownsStorage;
  }

  static async start({ port, mediaNodeUrl, storage, settings = {}, protocols = PROTOCOLS }: EdgeOptions): Promise<Edge> {
    const folder = storage ?? (await mkdtemp(join(tmpdir(), 'parley-edge-')));
    const assets = join(folder, 'assets');
    await mkdir(assets, { recursive: true });
    const log: string[] = [];
    const miniflare = new Miniflare({
      handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
        for (const output of [stdout, stderr]) createInterface(output).on('line', (line) => log.push(line));
        stderr.pipe(process.stderr, { end: false });
      },
      host: '127.0.0.1',
      port,
      modules: true,
      script: await bundledWorker(protocols),
      compatibilityDate: '2026-04-01',
      cf: false,
      compatibilityFlags: ['enable_request_signal'],
      durableObjects: {
        ROOMS: { className: 'RoomObject', useSQLite: true },
        POLLING_SESSIONS: { className: 'PollingSession', useSQLite: true },
      },
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
    return new Edge(`http://127.0.0.1:${port}`, folder, miniflare, storage === undefined, log);
  }

  /** Where tenants, and lists of files, recordings and calls are. */
  database(): Promise<Database> {
    return this.#miniflare.getD1Database('DB');
  }

  /** Where the bytes of files and recordings are. */
  bucket(): Promise<Bucket> {
    return this.#miniflare.getR2Bucket('FILES');
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

/** The rule of wrangler.toml for the Socket.IO library. */
const clientLibraryAsText: Plugin = {
  name: 'client-library-as-text',
  setup: (bundling) => {
    // The bundler is written in Go, which does not know the flag `u`.
    bundling.onLoad({ filter: /\/dist\/socket\.io.*\.js(?:\.map)?$/ }, async ({ path }) => ({
      contents: await readFile(path, 'utf8'),
      loader: 'text',
    }));
  },
};

const MIGRATIONS = resolve(import.meta.dirname, '../../worker/migrations');

/** Brings a database up to date, as `wrangler d1 migrations apply` does. */
async function migrate(database: Database): Promise<void> {
  await database.exec('CREATE TABLE IF NOT EXISTS d1_migrations (name TEXT PRIMARY KEY)');
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  for (const { name, queries } of await readD1Migrations(MIGRATIONS)) {
    if (applied.has(name)) continue;
    const statements = queries.map((query) => database.prepare(query));
    await database.batch([...statements, database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)]);
  }
}

/** The Worker as one script, once for each table of protocols. */
const bundles = new Map<string, Promise<string>>();

function bundledWorker(protocols: string): Promise<string> {
  const made = bundles.get(protocols) ?? bundle(protocols);
  bundles.set(protocols, made);
  return made;
}

async function bundle(protocols: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['worker/index.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    plugins: [clientLibraryAsText, tableOfProtocols(protocols)],
  });
  return outputFiles[0]?.text ?? '';
}

/** Everybody gets the given table of protocols for the real one, but for that table itself. */
function tableOfProtocols(path: string): Plugin {
  return {
    name: 'table-of-protocols',
    setup: (bundler) => {
      // esbuild takes the expression for one of Go's, which has no flag for Unicode.
      bundler.onResolve({ filter: /\/protocols\/index\.ts$/ }, ({ importer }) => (importer === path ? undefined : { path }));
    },
  };
}
