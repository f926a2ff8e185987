import { chmod, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainAptFailure, installCommand, missingPackages } from '../../tools/setup/debian-packages.ts';
import { makeDevSecrets, readDevVars } from '../../tools/setup/dev-secrets.ts';
import { withLock } from '../../tools/setup/lock.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-setup-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the secrets of a development machine', () => {
  it('are made once, readable by their owner only', async () => {
    const path = join(directory, 'dev-vars');
    makeDevSecrets(path);
    const first = readDevVars(path);
    makeDevSecrets(path);
    expect(readDevVars(path)).toEqual(first);
    expect(first.PARLEY_MODE).toBe('development');
    expect(first.MEDIA_NODE_SECRET).toMatch(/^[\da-f]{64}$/u);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('differ from machine to machine', () => {
    makeDevSecrets(join(directory, 'one'));
    makeDevSecrets(join(directory, 'other'));
    expect(readDevVars(join(directory, 'one'))).not.toEqual(readDevVars(join(directory, 'other')));
  });

  it('are none where there is no file', () => {
    expect(readDevVars(join(directory, 'nowhere'))).toEqual({});
  });
});

describe('Debian packages', () => {
  it('are missing when dpkg does not have them', () => {
    expect(missingPackages(['base-files', 'parley-no-such-package'])).toEqual(['parley-no-such-package']);
  });

  it('come with the exact command for a person who may install them', () => {
    expect(installCommand(['meson', 'coturn'])).toBe('sudo apt-get update && sudo apt-get install -y --no-install-recommends meson coturn');
  });

  it.each([
    "E: Failed to fetch http://deb.example.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.example.org'",
    'Err:1 http://deb.example.org/debian bookworm InRelease\n  Could not connect to deb.example.org:80 (192.0.2.1), connection timed out',
  ])('whose mirror cannot be reached say which one: %s', (output) => {
    expect(explainAptFailure(output)).toMatch(/^Debian's package mirror http:\/\/deb\.example\.org cannot be reached: check/u);
  });

  it('that apt-get refuses for another reason are not explained', () => {
    expect(explainAptFailure('E: Unable to locate package meson')).toBeUndefined();
  });
});

describe('the lock', () => {
  it('lets one in at a time', async () => {
    const path = join(directory, 'shared.lock');
    const story: string[] = [];
    let waited = 0;
    const visit = (name: string) =>
      withLock(
        path,
        () => (waited += 1),
        async () => {
          story.push(`${name} in`);
          await new Promise((resolve) => setTimeout(resolve, 20));
          story.push(`${name} out`);
        },
      );
    await Promise.all([visit('first'), visit('second')]);
    expect(story).toHaveLength(4);
    expect(story[1]?.split(' ')[0]).toBe(story[0]?.split(' ')[0]);
    expect(waited).toBe(1);
  });

  it('is free again after a failure', async () => {
    const path = join(directory, 'failed.lock');
    await expect(
      withLock(
        path,
        () => undefined,
        () => Promise.reject(new Error('failed inside')),
      ),
    ).rejects.toThrow('failed inside');
    await expect(readFile(path)).rejects.toHaveProperty('code', 'ENOENT');
  });

  it('of a process that was killed is taken over', async () => {
    const path = join(directory, 'abandoned.lock');
    await writeFile(path, '');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(path, longAgo, longAgo);
    await expect(
      withLock(
        path,
        () => undefined,
        () => Promise.resolve('done'),
      ),
    ).resolves.toBe('done');
  });

  it('cannot be taken where nothing may be written', async () => {
    const path = join(directory, 'closed');
    await writeFile(path, '');
    await chmod(path, 0o600);
    await expect(
      withLock(
        join(path, 'x.lock'),
        () => undefined,
        () => Promise.resolve(),
      ),
    ).rejects.toHaveProperty('code', 'EEXIST');
  });
});
