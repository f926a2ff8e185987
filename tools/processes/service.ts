/** A server that runs for as long as this command does. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { Failure, ROOT } from '../bootstrap.mjs';

const POLL_MILLISECONDS = 100;
const READY_SECONDS = 90;
/** After this long a server that does not stop by itself is killed. */
const STOP_MILLISECONDS = 8000;

export interface ServiceOptions {
  /** In words, for the person at the terminal. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Answers with 200 as soon as the server is ready. */
  readonly readyUrl: string;
  readonly onLine: (line: string) => void;
}

export class Service {
  readonly #options: ServiceOptions;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stopping = false;
  /** Settles when the server has ended, whoever wanted it; with its exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;

  /** The process is the leader of its own group, so that Ctrl-C on the terminal does not reach it and its helpers can be ended with it. */
  constructor(options: ServiceOptions) {
    this.#options = options;
    const [program, ...parameters] = options.command;
    const env = { ...process.env, ...options.environment };
    this.#child = spawn(program, parameters, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#forwardLines(stream);
    this.ended = new Promise((settle) => {
      this.#child.once('error', (error) => {
        settle(error.message);
      });
      this.#child.once('exit', (code, signal) => {
        settle(code ?? signal ?? 'unknown');
      });
    });
  }

  /** The helpers of a server that is being stopped complain about each other's end (esbuild with pages of it): nobody needs that. */
  #forwardLines(stream: Readable): void {
    createInterface(stream).on('line', (line) => {
      const text = stripVTControlCharacters(line).trimEnd();
      if (!this.#stopping && text !== '') this.#options.onLine(text);
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** @throws Failure when the server ends instead, or is not ready in time. */
  async ready(): Promise<void> {
    const abandoned = new AbortController();
    try {
      await Promise.race([this.#answers(abandoned.signal), this.failure()]);
    } finally {
      abandoned.abort();
    }
  }

  /** Never returns: the server is meant to run until it is stopped. */
  async failure(): Promise<never> {
    const status = await this.ended;
    throw new Failure(`The ${this.name} ended by itself (${status}): the lines above say why; LOG_LEVEL=debug shows more.`);
  }

  async #answers(abandoned: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_SECONDS * 1000;
    while (!abandoned.aborted && performance.now() < deadline) {
      if (await isAnswering(this.#options.readyUrl)) return;
      await sleep(POLL_MILLISECONDS);
    }
    throw new Failure(`The ${this.name} did not become ready within ${READY_SECONDS} s: LOG_LEVEL=debug shows more.`);
  }

  /** Lets the server finish, and leaves no process of its group behind. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await Promise.race([this.ended, sleep(STOP_MILLISECONDS, undefined, { ref: false })]);
    this.#killGroup();
    await this.ended;
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      // Nobody of the group is left, which is what was wanted.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    // To the end: workerd reports an answer that was not fetched as an error.
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
