import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainNpmFailure, explainUwsFailure, Failure, isInstalled, nodeProblem, ROOT, runLogged } from '../../tools/bootstrap.mjs';

describe('the version of Node', () => {
  it.each(['20.19.0', '20.20.2', '22.1.0', '24.0.0'])('%s is new enough', (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });

  it.each(['18.20.4', '20.9.0', '20.18.3'])('%s is too old', (version) => {
    expect(nodeProblem(version)).toMatch(new RegExp(`^Node ${version} is too old: .* 20\\.19\\.0 or newer`, 'u'));
  });
});

describe('npm packages count as installed', () => {
  const zod = { version: '4.0.0', integrity: 'sha512-a' };
  const wanted = { '': {}, 'node_modules/zod': zod, 'node_modules/for-another-platform': { version: '1.0.0', optional: true } };

  it('when npm has recorded what the lock file asks for', () => {
    expect(isInstalled(wanted, { 'node_modules/zod': zod })).toBe(true);
  });

  it.each([
    ['another version', { 'node_modules/zod': { ...zod, version: '4.0.1' } }],
    ['another content', { 'node_modules/zod': { ...zod, integrity: 'sha512-b' } }],
    ['one that is missing', {}],
    ['one that nobody asked for', { 'node_modules/zod': zod, 'node_modules/left-over': { version: '1.0.0' } }],
  ])('but not with %s', (_, installed) => {
    expect(isInstalled(wanted, installed)).toBe(false);
  });
});

describe('known failures', () => {
  it('name the npm registry that cannot be reached', () => {
    const output = 'npm error code ENOTFOUND\nnpm error request to https://registry.example.org/zod failed, reason: getaddrinfo ENOTFOUND';
    expect(explainNpmFailure(output)).toMatch(/^The npm registry https:\/\/registry\.example\.org cannot be reached: check the network/u);
  });

  it('name the npm registry whose certificate is not trusted', () => {
    const output = 'npm error request to https://registry.example.org/zod failed, reason: SELF_SIGNED_CERT_IN_CHAIN';
    expect(explainNpmFailure(output)).toMatch(/^The npm registry https:\/\/registry\.example\.org has a certificate that is not trusted/u);
  });

  it('leave other complaints of npm to its own words', () => {
    expect(explainNpmFailure('npm error code EUSAGE')).toBeUndefined();
  });

  it('say which C library uWebSockets.js asks for', () => {
    expect(explainUwsFailure("Error: libm.so.6: version `GLIBC_2.38' not found")).toContain('(it needs GLIBC 2.38): use Node 20');
    expect(explainUwsFailure('Cannot find module ./uws_linux_x64_200.node')).toContain('(it has none for this platform and Node version)');
  });
});

describe('a command that takes long', () => {
  const options = { log: 'test-of-run-logged' };

  it('fails with the end of its output and where the rest is', async () => {
    const failing = runLogged('Failing', ['sh', '-c', 'seq 100; echo over >&2; exit 3'], options);
    await expect(failing).rejects.toThrow(/failed \(3\)\. The whole output is in .*test-of-run-logged\.log/u);
    await expect(failing).rejects.toHaveProperty('tail', expect.stringMatching(/^87\n88\n[\s\S]*\n100\nover$/u));
  });

  it('fails with the explanation alone where the cause is known', async () => {
    const failing = runLogged('Failing', ['sh', '-c', 'echo E42; exit 1'], {
      ...options,
      explain: (output) => (output.includes('E42') ? 'known' : undefined),
    });
    await expect(failing).rejects.toEqual(new Failure('known'));
  });

  it('says so when the program does not exist', async () => {
    await expect(runLogged('Failing', ['no-such-program'], options)).rejects.toThrow('"no-such-program" is not installed or not in PATH.');
  });

  it('tells how far it has come', async () => {
    const told: string[] = [];
    const detail = (line: string) => {
      const step = /^\[(.*)\]$/u.exec(line)?.[1];
      if (step !== undefined) told.push(step);
      return step;
    };
    await runLogged('Working', ['printf', '[1/2]\nnoise\n[2/2]\n'], { ...options, detail });
    expect(told).toEqual(['1/2', '2/2']);
  });
});

/** The bootstrap, as it runs where nothing is installed yet. */
describe('a fresh checkout', () => {
  let checkout: string;

  beforeAll(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'parley-checkout-'));
    for (const path of ['tools', 'package.json', 'package-lock.json', '.npmrc'])
      await cp(join(ROOT, path), join(checkout, path), { recursive: true });
  });
  afterAll(() => rm(checkout, { recursive: true, force: true }));

  function bootstrap(parameters: string[], environment: Record<string, string> = {}): Promise<{ status: number; errors: string }> {
    const env = { ...process.env, npm_config_cache: join(checkout, 'npm-cache'), ...environment };
    return new Promise((settle) => {
      const child = execFile(
        process.execPath,
        [join(checkout, 'tools/bootstrap.mjs'), ...parameters],
        { env },
        (_error, _output, errors) => {
          settle({ status: child.exitCode ?? -1, errors });
        },
      );
    });
  }

  it('without a registry says so in one line', { timeout: 60_000 }, async () => {
    const { status, errors } = await bootstrap(['setup'], { npm_config_registry: 'http://127.0.0.1:9' });
    expect(errors).toMatch(/^parley: The npm registry http:\/\/127\.0\.0\.1:9 cannot be reached: .*\n$/u);
    expect(status).toBe(1);
  });

  it('asked for something unknown names the commands in one line', async () => {
    const { status, errors } = await bootstrap(['dance']);
    expect(errors).toBe('parley: Say what to do, one of: start, setup, test, check, bench, coturn, access-token, tenant, echo-server.\n');
    expect(status).toBe(1);
  });
});
