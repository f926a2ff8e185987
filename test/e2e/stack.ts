/** The whole of Parley as a newcomer starts it, on free ports and with a state of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../harness/ports.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What a first start on a machine has to build, the test command has built before. */
const START_TIMEOUT = 90_000;
const STOP_TIMEOUT = 15_000;

export class Stack {
  /** Where the page is. */
  readonly url: string;
  /** Where it keeps its state. */
  readonly state: string;
  readonly #process: ChildProcess;

  /** Runs `npm start` and waits until it says that everything is ready. @throws Error with its output when it fails. */
  static async start(): Promise<Stack> {
    const [port, mediaNodePort, rtcPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const state = await mkdtemp(join(tmpdir(), 'parley-e2e-'));
    const child = spawn(process.execPath, [join(ROOT, 'tools/bootstrap.mjs'), 'start'], {
      cwd: ROOT,
      env: {
        ...withoutVitest(process.env),
        PORT: String(port),
        MEDIA_NODE_PORT: String(mediaNodePort),
        RTC_BASE_PORT: String(rtcPort),
        MEDIA_WORKERS: '1',
        PARLEY_STATE_DIR: state,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: if it does not stop when it is told to, everything it started can be ended with it.
      detached: true,
    });
    endWithThisProcess(child);
    try {
      return new Stack(await addressOf(child), child, state);
    } catch (error) {
      await stop(child);
      await rm(state, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(url: string, child: ChildProcess, state: string) {
    this.url = url;
    this.#process = child;
    this.state = state;
  }

  /** Kills the SFU's worker process without warning, as a crash would. */
  killMediaWorker(): Promise<void> {
    return this.#signalMediaWorker('SIGKILL');
  }

  /** Makes the SFU's worker process stand still for a while, as a machine without time for it would. */
  async stallMediaWorker(milliseconds: number): Promise<void> {
    await this.#signalMediaWorker('SIGSTOP');
    await sleep(milliseconds);
    await this.#signalMediaWorker('SIGCONT');
  }

  async #signalMediaWorker(signal: NodeJS.Signals): Promise<void> {
    const workers = await descendants(this.#process.pid ?? 0, 'mediasoup-worke');
    if (workers.length === 0) throw new Error('no mediasoup worker is running');
    for (const worker of workers) process.kill(worker, signal);
  }

  async stop(): Promise<void> {
    await stop(this.#process);
    await rm(this.state, { recursive: true, force: true });
  }
}

/** vitest marks its own processes; what is started here is to behave as it does for everybody. */
function withoutVitest(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(?:VITEST|TEST$|NODE_ENV$)/u.test(name)));
}

async function addressOf(child: ChildProcess): Promise<string> {
  let output = '';
  const ready = new Promise<string>((found) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const url = /Parley is running: (http:\/\/\S+)/u.exec(output)?.[1];
        if (url !== undefined) found(url);
      });
    }
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`npm start ended:\n${output}`);
  });
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => {
      reject(new Error(`npm start was not ready in time:\n${output}`));
    }, START_TIMEOUT).unref();
  });
  return Promise.race([ready, failed, late]);
}

/** A test run that is broken off must not leave servers behind. */
function endWithThisProcess(child: ChildProcess): void {
  const end = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), STOP_TIMEOUT);
  await ended;
  clearTimeout(late);
}

/** The processes below another one whose name (cut to 15 characters by the kernel) is the given one. */
async function descendants(ancestor: number, name: string): Promise<number[]> {
  const processes = await Promise.all((await readdir('/proc')).filter((entry) => /^\d+$/u.test(entry)).map(describe));
  const parents = new Map(processes.flatMap((each) => (each ? [[each.pid, each.parent] as const] : [])));
  const isBelow = (pid: number | undefined): boolean => pid !== undefined && (pid === ancestor || isBelow(parents.get(pid)));
  return processes.flatMap((each) => (each?.name === name && isBelow(each.pid) ? [each.pid] : []));
}

async function describe(entry: string): Promise<{ pid: number; name: string; parent: number } | undefined> {
  // A process may end while it is being looked at.
  const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
  const [, pid, name, parent] = /^(\d+) \((.*)\) \S (\d+)/u.exec(stat) ?? [];
  return name === undefined ? undefined : { pid: Number(pid), name, parent: Number(parent) };
}
