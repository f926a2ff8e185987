/** The prebuilt binaries that mediasoup's authors publish for each release. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';

/** mediasoup's own variable for its installer: an operator may keep a mirror. */
const BASE_URL_VARIABLE = 'MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL';
const AUTHORS_BASE_URL = 'https://github.com/versatica/mediasoup/releases/download';
/** Some networks swallow what goes to GitHub; the build from source needs no waiting for it. */
const ANSWER_MILLISECONDS = 8000;
const WHOLE_MILLISECONDS = 120_000;

/** The name of the release asset, as mediasoup's `npm-scripts.mjs` makes it. */
export function prebuiltName(
  version: string,
  platform: string = process.platform,
  arch: string = process.arch,
  kernel = release(),
): string {
  const kernelPart = platform === 'linux' ? `-kernel${Number.parseInt(kernel, 10)}` : '';
  return `mediasoup-worker-${version}-${platform}-${arch}${kernelPart}.tgz`;
}

/**
 * Fetches the prebuilt binary. What arrives has still to be checked: it may not run with this system's C library.
 *
 * @param version of mediasoup.
 * @param output path for the binary; its directory is made.
 * @throws Error where there is none, or the server cannot be reached within seconds.
 */
export async function downloadWorkerBinary(version: string, output: string): Promise<void> {
  const base = process.env[BASE_URL_VARIABLE] ?? AUTHORS_BASE_URL;
  const archive = await fetchArchive(`${base}/${version}/${prebuiltName(version)}`);
  await mkdir(dirname(output), { recursive: true });
  await unpack(archive, dirname(output));
}

async function fetchArchive(url: string): Promise<Uint8Array> {
  const impatience = new AbortController();
  const timer = setTimeout(() => {
    impatience.abort(new Error(`no answer within ${ANSWER_MILLISECONDS / 1000} s`));
  }, ANSWER_MILLISECONDS);
  const signal = AbortSignal.any([impatience.signal, AbortSignal.timeout(WHOLE_MILLISECONDS)]);
  const response = await fetch(url, { signal }).finally(() => {
    clearTimeout(timer);
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** `tar` is part of every system that mediasoup publishes binaries for. */
async function unpack(archive: Uint8Array, directory: string): Promise<void> {
  const tar = spawn('tar', ['-xzf', '-', '-C', directory], { stdio: ['pipe', 'ignore', 'ignore'] });
  // It may end before it has read everything, of what is not an archive; its status says so.
  tar.stdin.on('error', () => undefined).end(archive);
  const [status] = (await once(tar, 'close')) as [number | null];
  if (status !== 0) throw new Error('what was downloaded cannot be unpacked');
}
