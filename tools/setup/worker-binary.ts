/** Provides the SFU binary: the one that is given, the cached one, the authors' prebuilt one, or one built here from source. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadWorkerBinary, checkWorkerBinary } from '../../media-node/worker-binary/check.ts';
import { downloadWorkerBinary } from '../../media-node/worker-binary/download.ts';
import { cachedWorkerBinary, MEDIASOUP_PACKAGE, mediasoupVersion } from '../../media-node/worker-binary/locate.ts';
import { Failure, runLogged, showProgress } from '../bootstrap.mjs';
import { installPackages } from './debian-packages.ts';
import { withLock } from './lock.ts';

const BUILD_SCRIPT = fileURLToPath(new URL('../../media-node/worker-binary/build.sh', import.meta.url));
const BUILD_PACKAGES = [
  'build-essential',
  'meson',
  'ninja-build',
  'pkg-config',
  'flatbuffers-compiler',
  'libflatbuffers-dev',
  'libabsl-dev',
  'libsrtp2-dev',
  'libssl-dev',
  'libuv1-dev',
];

/**
 * @returns the path of a binary that was seen to work with the installed mediasoup.
 * @throws Failure where `MEDIASOUP_WORKER_BIN` names one that does not work, or none can be made.
 */
export async function provideWorkerBinary(): Promise<string> {
  const given = process.env.MEDIASOUP_WORKER_BIN;
  if (given !== undefined && given !== '') return checkGiven(given);
  const cached = cachedWorkerBinary();
  if (await works(cached, () => undefined)) return cached;
  return withLock(
    `${dirname(cached)}.lock`,
    () => {
      console.log('Another run is making the SFU binary: waiting for it …');
    },
    // The other run may have made it meanwhile.
    async () => ((await works(cached, tell)) ? cached : makeBinary(cached)),
  );
}

async function checkGiven(path: string): Promise<string> {
  try {
    await checkWorkerBinary(path);
    return path;
  } catch (error) {
    if (!(error instanceof BadWorkerBinary)) throw error;
    throw new Failure(`MEDIASOUP_WORKER_BIN: ${error.message}. Unset it to let Parley make its own binary.`);
  }
}

async function works(path: string, tellProblem: (problem: string) => void): Promise<boolean> {
  if (!existsSync(path)) return false;
  try {
    await checkWorkerBinary(path);
    return true;
  } catch (error) {
    if (!(error instanceof BadWorkerBinary)) throw error;
    tellProblem(error.message);
    return false;
  }
}

function tell(problem: string): void {
  console.log(`${problem}. Parley makes another one.`);
}

/** The binary takes its place in the cache by a rename, and only when it works: nobody ever sees half of one. */
async function makeBinary(cached: string): Promise<string> {
  await mkdir(dirname(cached), { recursive: true });
  await removeLeftOvers(`${dirname(cached)}.making-`);
  const work = await mkdtemp(`${dirname(cached)}.making-`);
  const made = join(work, 'mediasoup-worker');
  try {
    if (!(await download(made))) await build(made);
    await rename(made, cached);
    return cached;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Of runs that were interrupted: whoever holds the lock is the only one who makes a binary. */
async function removeLeftOvers(prefix: string): Promise<void> {
  const neighbours = await readdir(dirname(prefix));
  const leftOvers = neighbours.filter((name) => name.startsWith(basename(prefix)));
  await Promise.all(leftOvers.map((name) => rm(join(dirname(prefix), name), { recursive: true, force: true })));
}

async function download(output: string): Promise<boolean> {
  const progress = showProgress("Downloading mediasoup's prebuilt SFU binary");
  try {
    await downloadWorkerBinary(mediasoupVersion(), output);
    progress.end('done');
  } catch {
    progress.end('not available here');
    return false;
  }
  return works(output, tell);
}

async function build(output: string): Promise<void> {
  await installPackages('Building the SFU binary', BUILD_PACKAGES);
  await runLogged('Building the SFU binary (about 4 minutes on 2 cores, once)', [BUILD_SCRIPT, MEDIASOUP_PACKAGE, output], {
    log: 'worker-build',
    detail: (line) => /^\[(\d+\/\d+)\]/u.exec(line)?.[1],
  });
  await checkBuilt(output);
}

async function checkBuilt(output: string): Promise<void> {
  try {
    await checkWorkerBinary(output);
  } catch (error) {
    if (!(error instanceof BadWorkerBinary)) throw error;
    throw new Failure(`The SFU binary was built but does not work: ${error.message}.`);
  }
}
