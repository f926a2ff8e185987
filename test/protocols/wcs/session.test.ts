import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { offer } from '../group-call/offers.ts';
import { Caller, type CallerOptions, requestOf } from './caller.ts';

let stack: Stack;
const open: Caller[] = [];

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

afterEach(() => {
  for (const caller of open.splice(0)) caller.close();
});

async function opened(options: CallerOptions = {}): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, options);
  open.push(caller);
  return caller;
}

const CLIENT = {
  clientVersion: '0.5.28',
  clientOSVersion: '5.0 (X11)',
  clientBrowserVersion: 'Mozilla/5.0',
  mediaProviders: ['WebRTC', 'MSE'],
};

describe('a session', () => {
  it('is established by the first answer, with the client’s own words in it', async () => {
    const caller = await opened({ connection: { ...CLIENT, msePacketizationVersion: 2, clientInfo: {} } });
    const [user] = await caller.next('getUserData');
    expect(user).toEqual({
      useWsTunnel: false,
      useWsTunnelPacketization2: false,
      useBase64BinaryEncoding: false,
      ...CLIENT,
      authToken: expect.stringMatching(/^.{16,}$/u) as string,
      status: 'ESTABLISHED',
      forceLogger: false,
      keepAlive: false,
    });
    expect(await caller.next('getVersion')).toEqual([expect.stringMatching(/^5\.2\.\d+-/u)]);
  });

  it('has a token of its own, and the earlier one where it is kept alive', async () => {
    const tokens: unknown[] = [];
    for (const connection of [{}, { authToken: 'mine' }, { keepAlive: true, authToken: 'mine' }]) {
      const [user] = await (await opened({ connection })).next('getUserData');
      tokens.push((user as { authToken: string }).authToken);
    }
    expect(new Set(tokens).size).toBe(3);
    expect(tokens.indexOf('mine')).toBe(2);
  });

  it('is pinged at once and regularly', { timeout: 30_000 }, async () => {
    const caller = await opened();
    const since = Date.now();
    expect(await caller.next('ping')).toEqual([]);
    expect(Date.now() - since).toBeLessThan(2000);
    caller.say('pong', null);
    expect(await caller.next('ping')).toEqual([]);
    expect(Date.now() - since).toBeLessThan(13_000);
  });

  it('of a client that is silent for a minute is closed, and one that answers is not', { timeout: 100_000 }, async () => {
    const [silent, alive] = [await opened(), await opened()];
    const answering = setInterval(() => {
      alive.say('pong', null);
    }, 10_000);
    await eventually('the silent one is closed', () => silent.closed !== undefined, 80_000);
    clearInterval(answering);
    expect(silent.closed).toEqual({ code: 1001, reason: 'no sign of life' });
    expect(alive.closed).toBeUndefined();
  });

  it.each(['/', '/camera-1', '/any/where/else', '/wcs', '/wcs/', '/?room=here'])('begins on the path %s', async (path) => {
    const caller = await opened({ path });
    await caller.next('getUserData');
    expect(await caller.settled()).toMatchObject([{ message: 'getVersion' }]);
  });

  it('of which the first message is no introduction is told so', async () => {
    const caller = await opened({ connection: null, path: '/camera-1' });
    caller.say('playStream', requestOf('play', 'cam', 'm-1', offer('recvonly')));
    expect(await caller.status('m-1')).toMatchObject({ status: 'FAILED', info: 'Session does not exist', published: false });
    caller.say('connection', {});
    await caller.next('getUserData');
  });

  it('for media without WebRTC is closed', async () => {
    const caller = await opened({ connection: null });
    caller.say('connectMediaTransport', { authToken: 'x' });
    await eventually('it is closed', () => caller.closed !== undefined);
    expect(caller.closed?.code).toBe(1003);
  });

  it('with an address that cannot be a room is refused', async () => {
    await expect(opened({ path: `/wcs/${'x'.repeat(300)}` })).rejects.toThrow('400');
    const caller = await opened({ path: `/?room=${'x'.repeat(300)}` });
    await eventually('it is closed', () => caller.closed !== undefined);
    expect(caller.closed?.code).toBe(1008);
  });

  it('is in the room of its address: by path, by query, and the default one without', async () => {
    const [byPath, byQuery, other] = [await opened({ path: '/wcs/here' }), await opened({ path: '/x?room=here' }), await opened()];
    await byPath.publish('cam');
    await byQuery.play('cam');
    const id = await other.publish('cam');
    const [fourth] = [await opened({ path: '/fourth' })];
    await fourth.play('cam');
    other.say('unPublishStream', { mediaSessionId: id });
    await other.status(id);
  });
});
