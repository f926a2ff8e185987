/**
 * Starts the echo server in workerd: `npm run echo-server -- --port 3000 --ping-interval 300 --ping-timeout 200`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const WRANGLER = fileURLToPath(import.meta.resolve('wrangler/bin/wrangler.js'));
const CONFIGURATION = fileURLToPath(new URL('wrangler.jsonc', import.meta.url));

/** Starts the echo server and waits until it accepts requests. */
export async function startEchoServer({ port = 0, pingInterval = 25_000, pingTimeout = 20_000 }: EchoServerOptions): Promise<EchoServer> {
  const chosen = port === 0 ? await freePort() : port;
  const directory = mkdtempSync(join(tmpdir(), 'echo-server-'));
  const variables = ['--var', `PING_INTERVAL:${pingInterval}`, '--var', `PING_TIMEOUT:${pingTimeout}`];
  const place = ['--ip', '127.0.0.1', '--port', String(chosen), '--inspector-port', String(await freePort()), '--persist-to', directory];
  const child = spawn(process.execPath, [WRANGLER, 'dev', '--config', CONFIGURATION, ...place, ...variables, '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' },
  });
  const url = `http://127.0.0.1:${chosen}`;
  await untilReady(url, child);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  return { url, process: child, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`wrangler ended with code ${child.exitCode}; its message is above`);
    const isReady = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** npm does not pass a signal on: whoever ends `npm run echo-server` would leave the server behind. */
function stopWithParent(server: EchoServer): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) void server.stop();
    if (process.ppid !== parent || server.process.exitCode !== null) clearInterval(watch);
  }, 500);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '3000' },
      'ping-interval': { type: 'string', default: '25000' },
      'ping-timeout': { type: 'string', default: '20000' },
    },
  });
  const server = await startEchoServer({
    port: Number(values.port),
    pingInterval: Number(values['ping-interval']),
    pingTimeout: Number(values['ping-timeout']),
  });
  process.stdout.write(`echo server ready on ${server.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop());
  stopWithParent(server);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
