/**
 * Where the SFU binary `mediasoup-worker` is. It lives in a cache outside `node_modules`, so that `npm ci` does not throw away what
 * took minutes to build. Nothing here imports mediasoup, whose modules are slow to load.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

type Environment = Readonly<Record<string, string | undefined>>;

const PackageSchema = z.object({ version: z.string() });

/** The npm package: JavaScript, and the C++ sources of the binary. */
export const MEDIASOUP_PACKAGE = fileURLToPath(new URL('../../node_modules/mediasoup', import.meta.url));

/** The version of the installed package; the binary must have the same. */
export function mediasoupVersion(): string {
  return PackageSchema.parse(JSON.parse(readFileSync(join(MEDIASOUP_PACKAGE, 'package.json'), 'utf8'))).version;
}

/**
 * Names a build in the cache. Not by the version of Node, which the binary has nothing to do with.
 *
 * @param version of mediasoup.
 */
export function cacheKey(version: string, platform: string = process.platform, arch: string = process.arch): string {
  return `${version}-${platform}-${arch}`;
}

/** The directory for what is expensive to make again: `PARLEY_CACHE_DIR`, or a place of its own in the user's cache. */
export function cacheDirectory(environment: Environment = process.env): string {
  const { PARLEY_CACHE_DIR: own, XDG_CACHE_HOME: caches } = environment;
  if (own !== undefined && own !== '') return resolve(own);
  return join(caches !== undefined && caches !== '' ? caches : join(homedir(), '.cache'), 'parley');
}

/** Where the binary that fits the installed package is kept, whether it is there or not. */
export function cachedWorkerBinary(environment: Environment = process.env): string {
  return join(cacheDirectory(environment), 'mediasoup-worker', cacheKey(mediasoupVersion()), 'mediasoup-worker');
}

/**
 * The binary to run: the one that `MEDIASOUP_WORKER_BIN` names, or the one in the cache.
 *
 * @returns its path, or `undefined` where "npm run setup" has still to make it.
 */
export function locateWorkerBinary(environment: Environment = process.env): string | undefined {
  const given = environment.MEDIASOUP_WORKER_BIN;
  if (given !== undefined && given !== '') return given;
  const cached = cachedWorkerBinary(environment);
  return existsSync(cached) ? cached : undefined;
}
