import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { basic } from '../services/tenant.ts';
import { Stack } from './stack.ts';

const BOOTSTRAP = join(resolve(import.meta.dirname, '../..'), 'tools/bootstrap.mjs');

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start();
});

afterAll(() => stack.stop());

/** Runs `npm run tenant` for the edge that is running. */
async function tenant(...parameters: string[]): Promise<string> {
  const environment = { ...process.env, PARLEY_STATE_DIR: stack.state };
  return (await promisify(execFile)(process.execPath, [BOOTSTRAP, 'tenant', ...parameters], { env: environment })).stdout;
}

async function failureOf(...parameters: string[]): Promise<string> {
  return tenant(...parameters).then(
    () => 'none',
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

async function ask(code: string, key: string): Promise<number> {
  return (await fetch(`${stack.url}/api/tenant/recordings`, { headers: basic(code, key) })).status;
}

function keyIn(output: string): string {
  return /^key\s+(\S{43})$/mu.exec(output)?.[1] ?? 'no key was printed';
}

it('a tenant that was made while everything runs can ask for what is its own, until its key is another', async () => {
  const key = keyIn(await tenant('create', 'acme', 'sessionLife=lenient'));
  expect(await ask('acme', key)).toBe(200);
  expect(await ask('acme', `${key}x`)).toBe(401);
  expect(await tenant('list')).toMatch(/^acme\tmade \d{4}-\d\d-\d\d\t\t\{"sessionLife":"lenient"\}$/mu);
  expect(await tenant('list')).not.toContain(key);
  expect(await failureOf('create', 'acme')).toContain('There is or was a tenant acme already');

  await tenant('create', 'globex');
  const rotated = keyIn(await tenant('rotate', 'globex'));
  expect(await ask('globex', rotated)).toBe(200);
  await tenant('create', 'initech');
  await tenant('revoke', 'initech');
  expect(await tenant('list')).toMatch(/^initech\tmade .*\trevoked /mu);
}, 120_000);

it.each([
  [['create', "x'; DROP TABLE tenants; --"], 'Use it like this'],
  [['create', ''], 'Use it like this'],
  [['frobnicate', 'acme'], 'Use it like this'],
  [['create', 'acme', '--unknown'], 'Use it like this'],
  [['create', 'acme', 'roomCapacity=many'], 'roomCapacity: '],
  [['create', 'acme', 'colour=red'], 'sets nothing'],
])('%j is refused with what to do instead', async (parameters, reason) => {
  expect(await failureOf(...parameters)).toContain(reason);
});
