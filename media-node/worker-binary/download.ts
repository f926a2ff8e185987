/** The prebuilt binaries that mediasoup's authors publish for each release. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

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
  const kernelPart = platform === 'linux' ? `-kernel${kernel.split('.', 1).join('')}` : '';
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
  const whole = AbortSignal.timeout(WHOLE_MILLISECONDS);
  const answer = await fetchWithin(`${base}/${version}/${prebuiltName(version)}`, whole);
  await mkdir(dirname(output), { recursive: true });
  await unpack(answer, output, whole);
}

async function fetchWithin(url: string, whole: AbortSignal): Promise<Readable> {
  const impatience = new AbortController();
  const timer = setTimeout(() => {
    impatience.abort(new Error(`no answer within ${ANSWER_MILLISECONDS / 1000} s`));
  }, ANSWER_MILLISECONDS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([whole, impatience.signal]) });
    if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
    return Readable.fromWeb(response.body);
  } finally {
    clearTimeout(timer);
  }
}

/** `tar` is part of every system that mediasoup publishes binaries for. */
async function unpack(archive: Readable, output: string, signal: AbortSignal): Promise<void> {
  const tar = spawn('tar', ['-xzf', '-', '-C', dirname(output)], { stdio: ['pipe', 'ignore', 'ignore'], signal });
  const closed = once(tar, 'close');
  await Promise.all([pipeline(archive, tar.stdin), closed]);
  if (tar.exitCode !== 0) throw new Error('the downloaded archive cannot be unpacked');
}
