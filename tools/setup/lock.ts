/** A lock between processes, so that two runs do not spend minutes on the same thing. */
import { rmSync } from 'node:fs';
import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MILLISECONDS = 500;
const HEARTBEAT_MILLISECONDS = 2000;
/** A holder that was killed leaves its lock behind. Process ids do not tell: they repeat, and in another container they mean nothing. */
const ABANDONED_MILLISECONDS = 30_000;

async function tryToTake(path: string): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  const lock = await stat(path).catch(() => undefined);
  if (lock !== undefined && Date.now() - lock.mtimeMs > ABANDONED_MILLISECONDS) await rm(path, { force: true });
}

/** Shows that the holder lives. @returns what gives the lock back, also called when this process ends on the way. */
function hold(path: string): () => void {
  const heartbeat = setInterval(() => {
    const now = new Date();
    // Somebody who removed the cache meanwhile has removed the lock too.
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MILLISECONDS);
  const release = () => {
    clearInterval(heartbeat);
    process.off('exit', release);
    rmSync(path, { force: true });
  };
  process.once('exit', release);
  return release;
}

/**
 * Does a job while holding the lock, after whoever holds it now.
 *
 * Two processes that find the same abandoned lock at the same moment may both get it: the job has to be harmless when done twice.
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
  const release = hold(path);
  return job().finally(release);
}
