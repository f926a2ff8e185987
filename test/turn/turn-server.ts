/** A real coturn on free ports of loopback, configured as operators do it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coturnConfiguration, readCoturnSettings } from '../../media-node/turn/coturn.ts';
import { eventually } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';

export class TurnServer {
  /** What the media node and coturn are both configured with. */
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(settings: Readonly<Record<string, string>>, port: number, process: ChildProcess, directory: string) {
    this.settings = settings;
    this.port = port;
    this.#process = process;
    this.#directory = directory;
  }

  /** @param mode in production, peers in private networks are out of reach. */
  static async start(secret: string, mode: 'development' | 'production' = 'development'): Promise<TurnServer> {
    const port = await freePort();
    const settings = { TURN_URLS: `turn:127.0.0.1:${port}?transport=udp`, TURN_SECRET: secret };
    const directory = await mkdtemp(join(tmpdir(), 'parley-turn-'));
    const configuration = coturnConfiguration(readCoturnSettings({ ...settings, PARLEY_MODE: mode, TURN_LISTEN_IP: '127.0.0.1' }), {
      userDatabase: join(directory, 'turndb'),
      pidFile: join(directory, 'pid'),
    });
    await writeFile(join(directory, 'turnserver.conf'), configuration, { mode: 0o600 });
    const server = spawn(process.env.TURNSERVER_BIN ?? 'turnserver', ['-c', join(directory, 'turnserver.conf')], { stdio: 'ignore' });
    await eventually('coturn listens', () => accepts(port));
    return new TurnServer(settings, port, server, directory);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** coturn listens for TCP on the port that it listens on for UDP. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
