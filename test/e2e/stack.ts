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

/** Of the kernel, as programs see it. */
const CLOCK_TICKS_PER_SECOND = 100;

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

  /** How long the servers have used the processor so far, in seconds. */
  async processorTime(): Promise<{ readonly edge: number; readonly mediaNode: number }> {
    const root = this.#process.pid ?? 0;
    const [edges, workers] = [await descendants(root, 'workerd'), await descendants(root, 'mediasoup-worke')];
    // The media node is the process that has started its workers.
    const nodes = new Map((await processes()).map((one) => [one.pid, one]));
    const mediaNodes = [...new Set(workers.map(({ parent }) => parent))].flatMap((pid) => nodes.get(pid) ?? []);
    const sum = (used: readonly Running[]) => used.reduce((total, { seconds }) => total + seconds, 0);
    return { edge: sum(edges), mediaNode: sum([...workers, ...mediaNodes]) };
  }

  async #signalMediaWorker(signal: NodeJS.Signals): Promise<void> {
    const workers = await descendants(this.#process.pid ?? 0, 'mediasoup-worke');
    if (workers.length === 0) throw new Error('no mediasoup worker is running');
    for (const { pid } of workers) process.kill(pid, signal);
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

interface Running {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  /** Of processor time. */
  readonly seconds: number;
}

/** The processes below another one whose name (cut to 15 characters by the kernel) is the given one. */
async function descendants(ancestor: number, name: string): Promise<Running[]> {
  const all = await processes();
  const parents = new Map(all.map((each) => [each.pid, each.parent]));
  const isBelow = (pid: number | undefined): boolean => pid !== undefined && (pid === ancestor || isBelow(parents.get(pid)));
  return all.filter((each) => each.name === name && isBelow(each.pid));
}

async function processes(): Promise<Running[]> {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/u.test(entry));
  return (await Promise.all(entries.map(describe))).flatMap((one) => one ?? []);
}

async function describe(entry: string): Promise<Running | undefined> {
  // A process may end while it is being looked at.
  const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
  const [, pid, name, parent, rest] = /^(\d+) \((.*)\) \S (\d+) (.*)/u.exec(stat) ?? [];
  if (name === undefined) return undefined;
  // Behind the parent stand eight fields, and then the time in the program and in the kernel.
  const [user = 0, system = 0] = (rest ?? '').split(' ').slice(9, 11).map(Number);
  return { pid: Number(pid), name, parent: Number(parent), seconds: (user + system) / CLOCK_TICKS_PER_SECOND };
}
