import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { offer } from '../group-call/offers.ts';
import { Caller, type CallerOptions, requestOf } from './caller.ts';

const SECRET = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c';

let stack: Stack;
const open: Caller[] = [];

beforeAll(async () => {
  stack = await startStack({ PARLEY_MODE: 'production', ACCESS_TOKEN_SECRET: SECRET });
});

afterAll(() => stack.stop());

afterEach(() => {
  for (const caller of open.splice(0)) caller.close();
});

function token(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(new TextEncoder().encode(SECRET));
}

async function opened(options: CallerOptions): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, options);
  open.push(caller);
  return caller;
}

describe('in production mode', () => {
  it.each([
    ['no token', '', {}],
    ['a token of another room', '', { room: 'default/other' }],
    ['a token of another login', '', { room: 'default/r', sub: 'bob' }],
  ])('a session with %s is not let into the room of its address', async (_what, _query, claims) => {
    const made = Object.keys(claims).length > 0 ? await token(claims) : undefined;
    const caller = await opened({ path: '/wcs/r', connection: { custom: { login: 'ada', token: made } } });
    expect(await caller.next('fail')).toEqual([{ status: 'FAILED', info: 'Restricted access' }]);
    await eventually('it is closed', () => caller.closed !== undefined);
    expect(caller.closed).toEqual({ code: 1008, reason: 'Restricted access' });
    expect(caller.messages).toEqual([]);
  });

  it('a token in `custom` or in the query opens the room of the address', async () => {
    const made = await token({ room: 'default/r', sub: 'ada' });
    const inCustom = await opened({ path: '/wcs/r', connection: { custom: { login: 'ada', token: made } } });
    const inQuery = await opened({ path: `/wcs/r?token=${made}`, connection: { custom: { login: 'ada' } } });
    await inCustom.publish('cam');
    await inQuery.play('cam');
  });

  it('what is in rooms without a fitting token is restricted, each by its own word', async () => {
    const caller = await opened({ path: '/', connection: { custom: { login: 'ada', token: await token({ room: 'default/r' }) } } });
    await caller.next('getVersion');
    caller.say('publishStream', requestOf('publish', 'cam', 'm-1', offer('sendonly')));
    expect(await caller.status('m-1')).toMatchObject({ status: 'FAILED', info: 'Restricted access', published: true });
    caller.say('playStream', requestOf('play', 'cam', 'm-2', offer('recvonly')));
    expect(await caller.status('m-2')).toMatchObject({ status: 'FAILED', info: 'Restricted access', published: false });
    caller.say('availableStream', { mediaSessionId: 'm-3', name: 'cam' });
    expect(await caller.next('availableStream')).toEqual([{ status: 'false', id: 'm-3', info: 'Restricted access' }]);
    expect(await caller.join('other')).toMatchObject({ status: 'FAILED', info: 'Restricted access' });
    expect(await caller.join('r')).toMatchObject({ status: 'ACCEPTED' });
    expect(caller.closed).toBeUndefined();
  });

  it('rooms are those of the tenant whose token it is', async () => {
    const [acme, own] = [await token({ room: 'acme/shared' }), await token({ room: 'default/shared' })];
    const [ada, bob, eve] = [
      await opened({ path: '/wcs/shared', connection: { custom: { login: 'ada', token: acme } } }),
      await opened({ path: `/?room=shared&token=${acme}`, connection: { custom: { login: 'bob' } } }),
      await opened({ path: '/wcs/shared', connection: { custom: { login: 'eve', token: own } } }),
    ];
    const published = await ada.publish('cam');
    await bob.play('cam');
    // The same name in the rooms of another tenant.
    await eve.publish('cam');
    expect(await ada.join('shared')).toMatchObject({ status: 'ACCEPTED' });
    expect(await bob.join('shared')).toMatchObject({ status: 'ACCEPTED' });
    expect(await ada.news('JOINED')).toMatchObject({ info: 'bob', roomName: 'shared' });
    expect(await eve.join('shared')).toMatchObject({ status: 'ACCEPTED' });
    expect((await eve.news('STATE')).info).not.toContain('ada');
    expect(await ada.join('other')).toMatchObject({ status: 'FAILED', info: 'Restricted access' });
    ada.say('unPublishStream', { mediaSessionId: published });
    expect(await ada.status(published)).toMatchObject({ status: 'UNPUBLISHED' });
  });

  it('a login that the token does not cover joins no room', async () => {
    const made = await token({ room: '*', sub: 'bob' });
    const caller = await opened({ path: '/', connection: { custom: { login: 'ada', token: made } } });
    expect(await caller.join('r')).toMatchObject({ status: 'FAILED', info: 'Restricted access' });
  });
});
