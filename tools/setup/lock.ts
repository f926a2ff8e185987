/** A lock between processes, so that two runs do not spend minutes on the same thing. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MILLISECONDS = 500;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function tryToTake(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A holder that was killed leaves its lock behind. An empty file is one that is being written just now. */
async function removeIfAbandoned(path: string): Promise<void> {
  const holder = await readFile(path, 'utf8').catch(() => '');
  if (holder !== '' && !isAlive(Number(holder))) await rm(path, { force: true });
}

/**
 * Does a job while holding the lock, after whoever holds it now.
 *
 * Two processes that find the lock of a dead one in the same millisecond may both get it: the job has to be harmless when done twice.
 *
 * @param path of the lock file.
 * @param onWait called once when somebody else holds it.
 */
export async function withLock<Result>(path: string, onWait: () => void, job: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(path), { recursive: true });
  for (let tries = 0; !(await tryToTake(path)); tries += 1) {
    if (tries === 0) onWait();
    await removeIfAbandoned(path);
    await sleep(RETRY_MILLISECONDS);
  }
  try {
    return await job();
  } finally {
    await rm(path, { force: true });
  }
}
