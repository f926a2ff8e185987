/** `npm start`: runs the edge and the media node on this machine until Ctrl-C. */
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { checkPorts, type NeededPort } from './processes/ports.ts';
import { Service } from './processes/service.ts';
import { QUIET_WRANGLER, wranglerCommand } from './processes/wrangler.ts';
import { setUpForRunning } from './setup.ts';
import { migrateDatabase } from './setup/database.ts';
import { makeDevSecrets, readDevVars } from './setup/dev-secrets.ts';
import { readSettings, type Settings } from './start/settings.ts';
import { box, readableLine } from './start/terminal.ts';

/** The levels of pino in the words of Wrangler. */
const WRANGLER_LEVELS = {
  trace: 'debug',
  debug: 'debug',
  info: 'log',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  silent: 'none',
} as const;

interface Addresses {
  readonly edge: string;
  readonly mediaNode: string;
}

function addressesOf({ PORT, MEDIA_NODE_PORT }: Settings): Addresses {
  return { edge: `http://127.0.0.1:${PORT}`, mediaNode: `http://127.0.0.1:${MEDIA_NODE_PORT}` };
}

function portsOf({ PORT, MEDIA_NODE_PORT, RTC_BASE_PORT, MEDIA_WORKERS }: Settings): NeededPort[] {
  const mediaPorts = Array.from({ length: MEDIA_WORKERS }, (_, worker) => RTC_BASE_PORT + worker);
  return [
    { port: PORT, protocol: 'tcp', user: 'the edge', variable: 'PORT' },
    { port: MEDIA_NODE_PORT, protocol: 'tcp', user: 'the media node', variable: 'MEDIA_NODE_PORT' },
    ...mediaPorts.flatMap((port) =>
      (['udp', 'tcp'] as const).map((protocol) => ({ port, protocol, user: 'media', variable: 'RTC_BASE_PORT' })),
    ),
  ];
}

function startEdge({ PORT, LOG_LEVEL, PARLEY_STATE_DIR }: Settings, addresses: Addresses): Service {
  const options = {
    ip: '127.0.0.1',
    port: PORT,
    // Any free one: the usual 9229 may belong to another program's debugger.
    'inspector-port': 0,
    'persist-to': PARLEY_STATE_DIR,
    'log-level': WRANGLER_LEVELS[LOG_LEVEL],
    'show-interactive-dev-session': false,
    var: `MEDIA_NODE_URL:${addresses.mediaNode}`,
  };
  return new Service({
    name: 'edge',
    command: wranglerCommand(['dev', ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)]),
    environment: QUIET_WRANGLER,
    readyUrl: `${addresses.edge}/healthz`,
    onLine: (line) => {
      console.log(`edge       | ${line}`);
    },
  });
}

function startMediaNode(
  { LOG_LEVEL, MEDIA_NODE_PORT, RTC_BASE_PORT, MEDIA_WORKERS }: Settings,
  addresses: Addresses,
  binary: string,
): Service {
  return new Service({
    name: 'media node',
    command: [process.execPath, '--import', 'tsx', join(ROOT, 'media-node/index.ts')],
    environment: {
      // Before this process's own variables: the edge takes its secret from the same file.
      ...readDevVars(),
      LOG_LEVEL,
      MEDIA_NODE_PORT: String(MEDIA_NODE_PORT),
      RTC_BASE_PORT: String(RTC_BASE_PORT),
      MEDIA_WORKERS: String(MEDIA_WORKERS),
      MEDIASOUP_WORKER_BIN: binary,
      EDGE_URL: addresses.edge,
    },
    readyUrl: `${addresses.mediaNode}/readyz`,
    onLine: (line) => {
      console.log(`media node | ${readableLine(line)}`);
    },
  });
}

/** Settles at the first Ctrl-C, SIGTERM or closing of the terminal. */
function toldToStop(): Promise<void> {
  return new Promise((settle) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        settle();
      });
    }
  });
}

async function runUntilStopped(services: readonly Service[], welcome: string): Promise<void> {
  const stopped = toldToStop();
  try {
    const ready = Promise.all(services.map((service) => service.ready())).then(() => {
      console.log(welcome);
    });
    const failures = services.map((service) => service.failure());
    await Promise.race([stopped, ...failures, ready.then(() => stopped)]);
    console.log('\nStopping …');
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

export async function main(): Promise<number> {
  makeDevSecrets();
  const settings = readSettings({ ...process.env, ...readDevVars() });
  await checkPorts(portsOf(settings));
  const { MEDIASOUP_WORKER_BIN } = await setUpForRunning();
  await migrateDatabase(settings.PARLEY_STATE_DIR);
  const addresses = addressesOf(settings);
  const services = [startEdge(settings, addresses), startMediaNode(settings, addresses, MEDIASOUP_WORKER_BIN)];
  const welcome = box([`Parley is running: ${addresses.edge}`, 'Open it in two browser windows to talk to yourself. Ctrl-C stops it.']);
  await runUntilStopped(services, welcome);
  return 0;
}
