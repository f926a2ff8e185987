import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { version, workerBin as packagedWorkerBin } from 'mediasoup';
import { locateWorkerBinary } from '../worker-binary/locate.ts';

/** The channels of the SFU process: it reads its orders from the first and writes its answers to the second. */
const STDIO = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
const ANSWERS = 4;

/** The SFU binary cannot be used. The message says what to do. */
export class WorkerBinaryError extends Error {
  override readonly name = 'WorkerBinaryError';

  constructor(path: string, problem: string) {
    super(
      `the SFU binary ${path} ${problem}. mediasoup ${version} needs the mediasoup-worker of exactly this version: ` +
        'run "npm run setup", or set MEDIASOUP_WORKER_BIN to its path',
    );
  }
}

function assertIsProgram(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new WorkerBinaryError(path, 'does not exist or may not be executed');
  }
  if (!statSync(path).isFile()) throw new WorkerBinaryError(path, 'is not a file');
}

/** Resolves to what is wrong with the process, or to `undefined` as soon as it says something on its channel. */
function firstWord(child: ReturnType<typeof spawn>, milliseconds: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds, `said nothing within ${milliseconds} ms`);
    const settle = (problem?: string) => {
      clearTimeout(timer);
      resolve(problem);
    };
    child.on('error', (error) => {
      settle(`cannot be started (${error.message})`);
    });
    child.on('exit', (code, signal) => {
      settle(`ended at once (${signal ?? `exit code ${String(code)}`})`);
    });
    (child.stdio[ANSWERS] as Readable).once('data', () => {
      settle();
    });
  });
}

/**
 * Finds out whether the binary starts and speaks. mediasoup itself waits for ever for a binary that does neither, and keeps the process
 * to itself, so that nobody could end it.
 *
 * @param path the configured binary; `undefined` is the one that the setup made, or else the one inside the mediasoup package.
 * @param milliseconds after which a silent binary counts as broken.
 * @returns the path to give to mediasoup.
 * @throws WorkerBinaryError
 */
export async function probeWorkerBinary(path: string | undefined, milliseconds: number): Promise<string> {
  const binary = path ?? locateWorkerBinary() ?? packagedWorkerBin;
  assertIsProgram(binary);
  const child = spawn(binary, [], { stdio: [...STDIO], env: { ...process.env, MEDIASOUP_VERSION: version } });
  try {
    const problem = await firstWord(child, milliseconds);
    if (problem !== undefined) throw new WorkerBinaryError(binary, problem);
  } finally {
    child.kill('SIGKILL');
    for (const stream of child.stdio) stream?.destroy();
  }
  return binary;
}
