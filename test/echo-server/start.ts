/**
 * Starts the echo server in workerd: `npm run echo-server -- --port 3000 --ping-interval 300 --ping-timeout 200`.
 *
 * The Worker is bundled once and runs without the development proxy of `wrangler dev`, which drops requests when it is busy.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as readConfiguration } from 'wrangler';

export interface EchoServerOptions {
  /** 0 chooses a free one. */
  readonly port?: number;
  /** Milliseconds. */
  readonly pingInterval?: number;
  /** Milliseconds. */
  readonly pingTimeout?: number;
}

export interface EchoServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  stop(): Promise<void>;
}

const WRANGLER = fileURLToPath(import.meta.resolve('wrangler/bin/wrangler.js'));
const CONFIGURATION = fileURLToPath(new URL('wrangler.jsonc', import.meta.url));

/** Starts the echo server and waits until it accepts requests. */
export function startEchoServer({ port = 0, pingInterval = 25_000, pingTimeout = 20_000 }: EchoServerOptions = {}): Promise<EchoServer> {
  return startWorker(CONFIGURATION, port, { PING_INTERVAL: String(pingInterval), PING_TIMEOUT: String(pingTimeout) });
}

/**
 * Runs the Worker of a wrangler configuration in workerd, with its storage in a temporary directory.
 *
 * @param variables take the place of the configuration's `vars`.
 */
export async function startWorker(configuration: string, port: number, variables: Record<string, string> = {}): Promise<EchoServer> {
  const directory = mkdtempSync(join(tmpdir(), 'echo-server-'));
  const bundle = join(directory, 'bundle');
  const options = ['deploy', '--dry-run', '--config', configuration, '--outdir', bundle];
  await promisify(execFile)(process.execPath, [WRANGLER, ...options], { env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } });
  const { workerOptions } = readConfiguration(configuration);
  const miniflare = new Miniflare({
    ...workerOptions,
    bindings: { ...(workerOptions.bindings as Record<string, string>), ...variables },
    modules: modulesIn(bundle),
    modulesRoot: bundle,
    host: '127.0.0.1',
    port,
    durableObjectsPersist: join(directory, 'objects'),
  });
  const url = (await miniflare.ready).origin;
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  return { url, stop };
}

/** The script comes first; the other files are those that its configuration bundles as text. */
function modulesIn(bundle: string): { type: 'ESModule' | 'Text'; path: string }[] {
  const texts = readdirSync(bundle).filter((name) => name.includes('-socket.io'));
  return [
    { type: 'ESModule', path: join(bundle, 'index.js') },
    ...texts.map((name) => ({ type: 'Text' as const, path: join(bundle, name) })),
  ];
}

/**
 * Runs the echo server with options from a command line until it is told to stop.
 *
 * @throws Error when an option is unknown or is not a number, or the port is taken.
 */
export async function serveEcho(parameters: string[]): Promise<void> {
  const { values } = parseArgs({
    args: parameters,
    options: {
      port: { type: 'string', default: '3000' },
      'ping-interval': { type: 'string', default: '25000' },
      'ping-timeout': { type: 'string', default: '20000' },
    },
  });
  const server = await startEchoServer({
    port: wholeNumber('port', values.port),
    pingInterval: wholeNumber('ping-interval', values['ping-interval']),
    pingTimeout: wholeNumber('ping-timeout', values['ping-timeout']),
  });
  process.stdout.write(`echo server ready on ${server.url}\n`);
  await toldToStop();
  await server.stop();
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/u.test(text)) throw new Error(`--${option} takes a whole number, not "${text}"`);
  return Number(text);
}

/** npm does not pass every signal on: the server must not outlive whoever ends `npm run echo-server`. */
function toldToStop(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        resolve();
      });
    setInterval(() => {
      if (process.ppid !== parent) resolve();
    }, 500).unref();
  });
}
