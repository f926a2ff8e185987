import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BadWorkerBinary, checkWorkerBinary } from '../../media-node/worker-binary/check.ts';
import { downloadWorkerBinary, prebuiltName } from '../../media-node/worker-binary/download.ts';
import { cacheDirectory, cachedWorkerBinary, cacheKey, locateWorkerBinary } from '../../media-node/worker-binary/locate.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-binary-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function script(name: string, lines: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('the SFU binary is found', () => {
  it('where MEDIASOUP_WORKER_BIN says', () => {
    expect(locateWorkerBinary({ MEDIASOUP_WORKER_BIN: '/opt/worker' })).toBe('/opt/worker');
  });

  it('in the cache, once it is there', async () => {
    const environment = { PARLEY_CACHE_DIR: join(directory, 'cache'), MEDIASOUP_WORKER_BIN: '' };
    expect(locateWorkerBinary(environment)).toBeUndefined();
    const cached = cachedWorkerBinary(environment);
    await mkdir(dirname(cached), { recursive: true });
    await writeFile(cached, '');
    expect(locateWorkerBinary(environment)).toBe(cached);
  });

  it('in the cache of this user, kept by version and platform', () => {
    expect(cacheDirectory({ XDG_CACHE_HOME: '/var/tmp/caches' })).toBe('/var/tmp/caches/parley');
    expect(cacheKey('3.27.1', 'linux', 'arm64')).toBe('3.27.1-linux-arm64');
  });
});

describe('the check of a binary', () => {
  it('passes the one that these tests run with', async () => {
    await expect(checkWorkerBinary(locateWorkerBinary() ?? '')).resolves.toBeUndefined();
  });

  it('refuses what does not exist', async () => {
    await expect(checkWorkerBinary(join(directory, 'nothing'))).rejects.toThrow(/is not a mediasoup-worker that runs here: .*ENOENT/u);
  });

  it('refuses another program', async () => {
    await expect(checkWorkerBinary('/bin/true')).rejects.toThrow(BadWorkerBinary);
  });

  it('repeats why a binary does not start', async () => {
    const path = await script('unlinked', 'echo "cannot open shared object file: libsrtp2.so.1" >&2; exit 127');
    await expect(checkWorkerBinary(path)).rejects.toThrow('it ended with status 127 cannot open shared object file: libsrtp2.so.1');
  });

  it('refuses one that starts and never answers, as another version does', async () => {
    const path = await script('silent', '[ -z "$MEDIASOUP_VERSION" ] && exit 41\nexec sleep 1000');
    await expect(checkWorkerBinary(path, 1500)).rejects.toThrow('it did not answer within 1.5 s');
  });

  it('refuses one that ends when it is spoken to', async () => {
    const path = await script('mortal', '[ -z "$MEDIASOUP_VERSION" ] && exit 41\nexit 7');
    await expect(checkWorkerBinary(path)).rejects.toThrow(/does not work with mediasoup .*code:7/u);
  });
});

describe('the prebuilt binary', () => {
  it('has the name that mediasoup gives it', () => {
    expect(prebuiltName('3.27.1', 'linux', 'x64', '6.1.0-32-amd64')).toBe('mediasoup-worker-3.27.1-linux-x64-kernel6.tgz');
    expect(prebuiltName('3.27.1', 'darwin', 'arm64', '23.1.0')).toBe('mediasoup-worker-3.27.1-darwin-arm64.tgz');
  });

  /** A mirror that answers every request in the same way. */
  async function withMirror(status: number, body: Buffer, job: () => Promise<void>): Promise<void> {
    const mirror = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    vi.stubEnv('MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL', `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`);
    try {
      await job();
    } finally {
      vi.unstubAllEnvs();
      mirror.close();
      mirror.closeAllConnections();
    }
  }

  it('is unpacked from the archive', async () => {
    await script('mediasoup-worker', 'exit 41');
    const archive = execFileSync('tar', ['-czf', '-', '-C', directory, 'mediasoup-worker']);
    const output = join(directory, 'unpacked/mediasoup-worker');
    await withMirror(200, archive, async () => {
      await downloadWorkerBinary('3.27.1', output);
      expect(execFileSync('sh', ['-c', `${output}; echo $?`], { encoding: 'utf8' })).toBe('41\n');
    });
  });

  it.each([
    ['is not offered', 404, /answered 404/u],
    ['is not an archive', 200, /cannot be unpacked/u],
  ])('is given up when it %s', async (_, status, message) => {
    await withMirror(status, Buffer.alloc(100_000, 'x'), async () => {
      await expect(downloadWorkerBinary('3.27.1', join(directory, 'no/mediasoup-worker'))).rejects.toThrow(message);
    });
  });
});
