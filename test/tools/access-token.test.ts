import { jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { main } from '../../tools/access-token.ts';

const SECRET = '5d1f0c3e9a7b42688f0e6c21d4b3a597';

beforeEach(() => {
  vi.stubEnv('ACCESS_TOKEN_SECRET', SECRET);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function claimsOf(...parameters: string[]) {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  expect(await main(parameters)).toBe(0);
  const { payload } = await jwtVerify(String(print.mock.lastCall?.[0]), new TextEncoder().encode(SECRET));
  return payload;
}

it('names a room in full, its bearer if wanted, and an end', async () => {
  const { iat = 0, exp = 0, ...claims } = await claimsOf('--room', 'standup', '--user', 'ada@example.org', '--hours', '2');
  expect(claims).toEqual({ room: 'default/standup', sub: 'ada@example.org' });
  expect(exp - iat).toBe(7200);
});

it('leaves full names and the star as they are', async () => {
  expect(await claimsOf('--room', 'acme/standup')).toMatchObject({ room: 'acme/standup' });
  expect(await claimsOf('--room', '*')).toMatchObject({ room: '*' });
});

it('makes an administrator’s token on demand', async () => {
  expect(await claimsOf('--room', '*', '--admin')).toMatchObject({ room: '*', admin: true });
});

it.each([[[]], [['--room']], [['--room', 'a', '--hours', 'many']], [['--roam', 'a']]])(
  'says how it is used when called with %j',
  async (parameters) => {
    await expect(main(parameters)).rejects.toThrow('Use it like this: npm run access-token');
  },
);

it('asks for the secret of the edge when there is none', async () => {
  vi.stubEnv('ACCESS_TOKEN_SECRET', 'short');
  await expect(main(['--room', 'a'])).rejects.toThrow('Set ACCESS_TOKEN_SECRET');
});
