import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import { WebSocket } from 'ws';
import { Edge } from '../harness/edge.ts';
import { freePort } from '../harness/ports.ts';
import { Member } from '../protocols/group-call/member.ts';

const SECRET = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c';
const encoded = new TextEncoder().encode(SECRET);

let edge: Edge;

beforeAll(async () => {
  const settings = { PARLEY_MODE: 'production', ACCESS_TOKEN_SECRET: SECRET };
  edge = await Edge.start({ port: await freePort(), mediaNodeUrl: 'http://127.0.0.1:1', settings });
});

afterAll(() => edge.stop());

function token(claims: Record<string, unknown>, expires: string | number = '1h', key: Uint8Array = encoded): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(expires).sign(key);
}

async function createRoom(roomName: string, userMail: string, headers: Record<string, string>, query = ''): Promise<unknown> {
  const response = await fetch(`${edge.url}/api/media/rooms/createRoom${query}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ roomName, userMail }),
  });
  return response.json();
}

const DENIED = { status: 'failed', result: 'Access denied: a valid access token for this room is needed' };
const bearer = async (made: Promise<string>) => ({ authorization: `Bearer ${await made}` });

describe('in production mode', () => {
  it('nobody gets in without a token', async () => {
    expect(await createRoom('r', 'ada', {})).toEqual(DENIED);
    const exists = await fetch(`${edge.url}/api/media/rooms/exists?roomName=r`);
    expect(await exists.json()).toEqual(DENIED);
  });

  it.each([
    ['another room', { room: 'default/other' }],
    ['another user', { room: 'default/r', sub: 'bob' }],
    ['no room', {}],
  ])('a token for %s does not fit', async (_what, claims) => {
    expect(await createRoom('r', 'ada', await bearer(token(claims)))).toEqual(DENIED);
  });

  it('a token that is expired, endless, unsigned or signed by somebody else is worth nothing', async () => {
    const claims = { room: 'default/r' };
    const wrong = [
      token(claims, Math.floor(Date.now() / 1000) - 1),
      token(claims, '1h', new TextEncoder().encode('x'.repeat(48))),
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(encoded),
      Promise.resolve(new UnsecuredJWT(claims).setExpirationTime('1h').encode()),
      Promise.resolve('nonsense'),
    ];
    for (const one of wrong) expect(await createRoom('r', 'ada', await bearer(one))).toEqual(DENIED);
  });

  it('a fitting token is taken from the header, the query or a cookie', async () => {
    const made = await token({ room: 'default/r', sub: 'ada' });
    expect(await createRoom('r', 'ada', { authorization: `Bearer ${made}` })).toMatchObject({ status: 'success' });
    expect(await createRoom('r', 'ada', {}, `?token=${made}`)).toMatchObject({ status: 'success' });
    expect(await createRoom('r', 'ada', { cookie: `other=1; parley_access=${made}` })).toMatchObject({ status: 'success' });
    expect(await createRoom('elsewhere', 'ada', await bearer(token({ room: '*' })))).toMatchObject({ status: 'success' });
  });

  it('a socket needs a token too', async () => {
    const url = `${edge.url.replace(/^http/u, 'ws')}/?roomName=r&userMail=ada`;
    expect(await refusalOf(url)).toBe(401);
    // With a token the room object answers: there is no such attendee.
    expect(await refusalOf(`${url}&token=${await token({ room: 'default/r' })}`)).toBe(403);
  });
});

it('a token for a name with a space does not open the name with a plus, and one with a plus fits an address that was not encoded', async () => {
  const url = `${edge.url.replace(/^http/u, 'ws')}/?roomName=r&userMail=ada+work`;
  await createRoom('r', 'ada', await bearer(token({ room: '*' })));
  expect(await refusalOf(`${url}&token=${await token({ room: 'default/r', sub: 'ada+work' })}`)).toBe(403);
  expect(await refusalOf(`${url}&token=${await token({ room: 'default/r', sub: 'ada work' })}`)).toBe(403);
  expect(await refusalOf(`${url}&token=${await token({ room: 'default/r', sub: 'ada' })}`)).toBe(401);
});

describe('in production mode, a protocol whose clients name their room in a message', () => {
  const lines = ['sockjs', '/socket'] as const;

  it.each(lines)('asks for a token then, and closes without one (%s)', async (line) => {
    for (const made of [undefined, 'nonsense', await token({ room: 'default/other' }), await token({ room: '*', sub: 'bob' })]) {
      const stranger = await Member.open(edge.url, 'ada', line);
      stranger.say({ id: 'joinRoom', userId: 'ada', roomId: 'r', token: made });
      await eventually('the socket is closed', () => stranger.closed !== undefined);
      expect(stranger.closed).toEqual({ code: 4401, reason: 'unauthorized' });
      expect(stranger.messages).toEqual([]);
    }
  });

  it.each(lines)('takes it from the message (%s)', async (line) => {
    const ada = await Member.open(edge.url, 'ada', line);
    expect(await ada.join('r', { token: await token({ room: 'default/r', sub: 'ada' }) })).toEqual([]);
    ada.close();
  });

  it('takes it from the URL, also when the message has one that means something else', async () => {
    const ada = await Member.open(edge.url, 'ada', '/socket', `?token=${await token({ room: 'default/r2', sub: 'ada' })}`);
    expect(await ada.join('r2', { token: 'of the page itself' })).toEqual([]);
    ada.close();
  });
});

describe('with a published set of keys', () => {
  let keys: Server;
  let keyed: Edge;
  let signingKey: CryptoKey;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    signingKey = privateKey;
    const body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] });
    keys = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end(body);
    }).listen(0, '127.0.0.1');
    await once(keys, 'listening');
    const settings = { PARLEY_MODE: 'production', ACCESS_TOKEN_JWKS_URL: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys` };
    keyed = await Edge.start({ port: await freePort(), mediaNodeUrl: 'http://127.0.0.1:1', settings });
  });

  afterAll(async () => {
    keys.close();
    await keyed.stop();
  });

  async function exists(made: string): Promise<unknown> {
    const response = await fetch(`${keyed.url}/api/media/rooms/exists?roomName=r&token=${made}`);
    return response.json();
  }

  const signed = (kid: string, key: CryptoKey) =>
    new SignJWT({ room: 'default/r' }).setProtectedHeader({ alg: 'ES256', kid }).setExpirationTime('1h').sign(key);

  it('a token signed with a key of the set fits', async () => {
    expect(await exists(await signed('k1', signingKey))).toEqual({ status: 'success', result: { exists: false } });
  });

  it('one that is signed with another key, or with a secret that nobody has set, does not', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    for (const made of [await signed('k1', privateKey), await signed('k2', signingKey), await token({ room: 'default/r' })]) {
      expect(await exists(made)).toEqual(DENIED);
    }
  });
});

describe('settings', () => {
  it('that are missing or weak are named, with what to do, and nothing is served', async () => {
    const settings = { PARLEY_MODE: 'production', MEDIA_NODE_SECRET: 'secret', ROOM_CAPACITY: 'many' };
    const broken = await Edge.start({ port: await freePort(), mediaNodeUrl: 'not an address', settings });
    const response = await fetch(`${broken.url}/healthz`);
    const text = await response.text();
    expect(response.status).toBe(500);
    for (const name of ['MEDIA_NODE_URL', 'MEDIA_NODE_SECRET', 'ROOM_CAPACITY']) expect(text).toContain(name);
    expect(text).not.toContain('not an address');
    await broken.stop();
  });

  it('of production without a secret for access tokens are refused', async () => {
    const broken = await Edge.start({
      port: await freePort(),
      mediaNodeUrl: 'http://127.0.0.1:1',
      settings: { PARLEY_MODE: 'production' },
    });
    expect(await (await fetch(`${broken.url}/healthz`)).text()).toContain('ACCESS_TOKEN_SECRET is required in production');
    await broken.stop();
  });
});

it('development mode answers on loopback names only', async () => {
  const open = await Edge.start({ port: await freePort(), mediaNodeUrl: 'http://127.0.0.1:1' });
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    request(`${open.url}/healthz`, { headers: { host: 'meet.example.org' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  expect(status).toBe(403);
  expect((await fetch(`${open.url}/healthz`)).status).toBe(200);
  await open.stop();
});

function refusalOf(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url, ['protoo']);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode);
      socket.terminate();
    });
  });
}
