import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { decoded, Member, tokenFor } from './member.ts';

const SECRET = '0b7f0a8ee0f84f5f9a43b7b2a66c7dd1';

let development: Stack;
let production: Stack;

beforeAll(async () => {
  development = await startStack();
  production = await startStack({
    PARLEY_MODE: 'production',
    ACCESS_TOKEN_SECRET: SECRET,
    MEDIA_NODE_SECRET: 'c0a3f1d2e4b5968778695a4b3c2d1e0f',
  });
});
afterAll(() => Promise.all([development.stop(), production.stop()]));

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, stack = development): Promise<Response> {
  const json = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  return fetch(stack.edge.url + path, { method, headers: { 'content-type': 'application/json', ...headers }, ...json });
}

function accessToken(claims: Record<string, unknown>, user?: string): Promise<string> {
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1 hour');
  if (user !== undefined) token.setSubject(user);
  return token.sign(new TextEncoder().encode(SECRET));
}

describe('a token', () => {
  it.each([
    ['/tokens/', { room: 'r', user: 'ada', role: 'presenter' }],
    ['/tokens', { room: 'r', user: 'ada', role: 'presenter' }],
    ['/createToken/', { room: 'r', username: 'ada', role: 'presenter' }],
    ['/rooms/r/tokens', { user: 'ada', role: 'presenter', preference: { isp: 'isp' } }],
    ['/v1/rooms/r/tokens', { user: 'ada', role: 'presenter' }],
    ['/owt/tokens', { room: 'r', user: 'ada', role: 'presenter' }],
  ])('is the whole answer of POST %s', async (path, body) => {
    const response = await call('POST', path, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const text = await response.text();
    expect(text).toMatch(/^[\w+/]+=*$/u);
    const { host, secure, ...rest } = decoded(text);
    expect(host).toBe(`127.0.0.1:${new URL(development.edge.url).port}/?room=r`);
    expect(secure).toBe(false);
    expect(Object.keys(rest)).not.toContain('webTransportUrl');
    expect(Buffer.from(String(rest.signature), 'base64').toString()).toMatch(/^[\da-f]{64}$/u);
  });

  it('for no room is one for the default room; names of every language are good', async () => {
    const ada = await Member.join(development.edge.url, '', { user: 'Ägypten 🙂' });
    expect(ada.login?.room.id).toBe('default');
    expect(ada.login?.user).toBe('Ägypten 🙂');
    const bob = await Member.join(development.edge.url, 'Büro/7 & more', { user: 'bob' });
    expect(bob.login?.room.id).toBe('Büro/7 & more');
    for (const member of [ada, bob]) member.close();
  });

  it.each([
    ['an unknown role', { room: 'r', user: 'ada', role: 'king' }],
    ['no user', { room: 'r', role: 'presenter' }],
    ['an empty user', { room: 'r', user: '', role: 'presenter' }],
    ['a name that is none', { room: 'a\u0000b', user: 'ada', role: 'presenter' }],
    ['no JSON', 'room=r'],
  ])('is not given for %s', async (_what, body) => {
    expect((await call('POST', '/tokens/', body)).status).toBe(401);
  });

  it('may be asked for from every page', async () => {
    const headers = {
      origin: 'http://elsewhere.test',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    };
    const response = await call('OPTIONS', '/tokens/', undefined, headers);
    expect(response.ok).toBe(true);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-headers')).toContain('content-type');
    expect(response.headers.get('access-control-allow-methods')).toContain('PATCH');
  });

  it('is too much to ask for in a large body', async () => {
    expect((await call('POST', '/tokens/', { room: 'x'.repeat(100_000) })).status).toBe(413);
  });
});

describe('rooms', () => {
  it('are described with what is in them, and members can be put out', async () => {
    const ada = await Member.join(development.edge.url, 'busy', { user: 'ada' });
    expect(await (await call('GET', '/v1/rooms/busy')).json()).toMatchObject({ _id: 'busy', name: 'busy', participants: 1 });
    const member = { id: ada.id, user: 'ada', role: 'presenter', permission: { publish: { audio: true, video: true } } };
    expect(await (await call('GET', '/rooms/busy/participants')).json()).toMatchObject([member]);
    expect(await (await call('GET', `/rooms/busy/participants/${ada.id}`)).json()).toMatchObject(member);
    expect(await (await call('GET', '/rooms/busy/streams')).json()).toEqual([]);
    expect((await call('GET', '/rooms/busy/participants/nobody')).status).toBe(404);
    expect((await call('GET', '/rooms/busy/streams/none')).status).toBe(404);
    expect((await call('DELETE', '/rooms/busy/streams/none')).status).toBe(404);
    expect((await call('DELETE', '/rooms/busy/participants/nobody')).status).toBe(404);
    expect((await call('DELETE', `/rooms/busy/participants/${ada.id}`)).status).toBe(200);
    await ada.next('drop');
    await expect.poll(() => ada.disconnects).toBe(1);
    expect((await call('GET', '/rooms/busy/participants')).status).toBe(404);
  });

  it('are listed as long as somebody is in them', async () => {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((user) => Member.join(development.edge.url, 'listed & more', { user })));
    const names = async () => ((await (await call('GET', '/v1/rooms')).json()) as { name: string }[]).map(({ name }) => name);
    await expect.poll(names, { timeout: 5_000 }).toContain('listed & more');
    expect((await names()).filter((name) => name === 'listed & more')).toHaveLength(1);
    for (const member of [ada, bob]) await member?.say('logout');
    await expect.poll(names, { timeout: 5_000 }).not.toContain('listed & more');
  });

  it('need not be made, but may', async () => {
    expect(await (await call('POST', '/v1/rooms', { name: 'fresh', options: {} })).json()).toMatchObject({ _id: 'fresh', name: 'fresh' });
    expect((await call('POST', '/v1/rooms', {})).status).toBe(400);
  });

  it.each([
    ['PATCH', '/rooms/r/streams/s', 404],
    ['POST', '/rooms/r/streaming-ins', 501],
    ['POST', '/rooms/r/recordings', 501],
    ['POST', '/rooms/r/streaming-outs', 501],
    ['POST', '/rooms/r/sipcalls', 501],
    ['POST', '/rooms/r/analytics', 501],
  ])('do not do %s %s, and say so', async (method, path, status) => {
    const response = await call(method, path, method === 'GET' ? undefined : []);
    expect(response.status).toBe(status);
    expect(await response.json()).toHaveProperty('error');
  });
});

describe('in production', () => {
  const ask = (token: string | undefined, method: string, path: string, body?: unknown) =>
    call(method, path, body, token === undefined ? {} : { authorization: `Bearer ${token}` }, production);
  const WISH = { room: 'r', user: 'ada', role: 'presenter' };

  it('a token is given for an access token to the room, and to that user', async () => {
    for (const token of [undefined, 'abc', await accessToken({ room: 'default/other' }), await accessToken({ room: 'default/r' }, 'bob')]) {
      expect((await ask(token, 'POST', '/tokens/', WISH)).status).toBe(401);
    }
    for (const token of [
      await accessToken({ room: 'default/r' }),
      await accessToken({ room: '*' }),
      await accessToken({ room: 'default/r' }, 'ada'),
    ]) {
      expect((await ask(token, 'POST', '/tokens/', WISH)).status).toBe(200);
    }
  });

  it('with a token nothing else is needed to enter, but it must be one of this edge', async () => {
    const token = await (await ask(await accessToken({ room: 'default/r' }), 'POST', '/tokens/', WISH)).text();
    const ada = await Member.connect(production.edge.url);
    expect((await ada.say('login', { token }))[0]).toBe('ok');
    const stranger = await Member.connect(production.edge.url);
    const foreign = await tokenFor(development.edge.url, 'r');
    expect(await stranger.say('login', { token: foreign })).toEqual(['error', 'Invalid token signature']);
    for (const member of [ada, stranger]) member.close();
  });

  it('rooms are listed for administrators of all of them', async () => {
    for (const token of [undefined, await accessToken({ room: '*' }), await accessToken({ room: 'default/r', admin: true })]) {
      expect((await ask(token, 'GET', '/rooms')).status).toBe(401);
    }
    expect((await ask(await accessToken({ room: '*', admin: true }), 'GET', '/rooms')).status).toBe(200);
  });

  it('rooms are looked after by administrators only', async () => {
    for (const [method, path, body] of [
      ['GET', '/rooms/r'],
      ['GET', '/v1/rooms/r/participants'],
      ['GET', '/rooms/r/streams'],
      ['GET', '/rooms/r/streams/x'],
      ['POST', '/rooms', { name: 'r' }],
      ['DELETE', '/rooms/r/streams/x'],
      ['DELETE', '/rooms/r/participants/x'],
    ] as const) {
      for (const token of [
        undefined,
        await accessToken({ room: 'default/r' }),
        await accessToken({ room: 'default/other', admin: true }),
      ]) {
        expect((await ask(token, method, path, body)).status).toBe(401);
      }
      expect([200, 404]).toContain((await ask(await accessToken({ room: 'default/r', admin: true }), method, path, body)).status);
    }
  });
});
