import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
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

  static async start({ port, mediaNodeUrl, storage, settings = {} }: EdgeOptions): Promise<Edge> {
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
      script: await bundledWorker(),
      compatibilityDate: '2026-04-01',
      cf: false,
      durableObjects: { ROOMS: { className: 'RoomObject', useSQLite: true } },
      durableObjectsPersist: join(folder, 'rooms'),
      assets: { directory: assets, binding: 'ASSETS', routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true } },
      bindings: { PARLEY_MODE: 'development', MEDIA_NODE_URL: mediaNodeUrl, MEDIA_NODE_SECRET: TEST_SECRET, ...settings },
    });
    await miniflare.ready;
    return new Edge(`http://127.0.0.1:${port}`, folder, miniflare, storage === undefined, log);
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
