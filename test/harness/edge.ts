import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
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
      compatibilityFlags: ['enable_request_signal'],
      durableObjects: {
        ROOMS: { className: 'RoomObject', useSQLite: true },
        POLLING_SESSIONS: { className: 'PollingSession', useSQLite: true },
      },
      durableObjectsPersist: join(folder, 'rooms'),
      assets: { directory: assets, binding: 'ASSETS', routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true } },
      bindings: { PARLEY_MODE: 'development', MEDIA_NODE_URL: mediaNodeUrl, MEDIA_NODE_SECRET: TEST_SECRET, ...settings },
    });
    await miniflare.ready;
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
    plugins: [clientLibraryAsText],
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  return bundle;
}
