/** Finds out whether a file is a working `mediasoup-worker` of the version that the installed mediasoup speaks to. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mediasoupVersion } from './locate.ts';

/** mediasoup-worker ends with this status where `MEDIASOUP_VERSION` is missing (its `main.cpp`). */
const NO_VERSION_STATUS = 41;
const START_MILLISECONDS = 10_000;
const PROBE_MILLISECONDS = 10_000;

const PROBE = fileURLToPath(new URL('probe.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export class BadWorkerBinary extends Error {}

/**
 * Runs the binary and sends media through it. A binary of another version does not say so: it answers nothing, or something that
 * cannot be read.
 *
 * @param path of the binary.
 * @param milliseconds after which a binary that does not answer counts as broken.
 * @throws BadWorkerBinary that says what is wrong, within seconds also where the binary hangs.
 */
export async function checkWorkerBinary(path: string, milliseconds = PROBE_MILLISECONDS): Promise<void> {
  checkThatItRuns(path);
  const problem = await probe(path, milliseconds);
  if (problem !== undefined) throw new BadWorkerBinary(`${path} does not work with mediasoup ${mediasoupVersion()}: ${problem}`);
}

/** The check of mediasoup's own installer; it also catches a file for another platform and missing shared libraries. */
function checkThatItRuns(path: string): void {
  const environment = { ...process.env, MEDIASOUP_VERSION: undefined };
  const { error, status, stderr } = spawnSync(path, {
    env: environment,
    timeout: START_MILLISECONDS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  if (status === NO_VERSION_STATUS) return;
  const reason = error?.message ?? [`it ended with status ${String(status)}`, stderr.trim()].join(' ').trim();
  throw new BadWorkerBinary(`${path} is not a mediasoup-worker that runs here: ${reason}`);
}

/** In a process group of its own: mediasoup cannot end a worker that never said that it runs. */
function probe(path: string, milliseconds: number): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROBE, path], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  return new Promise((settle, refuse) => {
    const timer = setTimeout(() => {
      settle(`it did not answer within ${milliseconds / 1000} s`);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, milliseconds);
    child.on('error', refuse);
    child.on('close', (status) => {
      clearTimeout(timer);
      settle(status === 0 ? undefined : (complaint.trim().split('\n')[0] ?? ''));
    });
  });
}
