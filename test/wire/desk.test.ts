/** Several protocols on one path, decided by the first event; rooms behind the door that have never heard of Socket.IO. */
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { startChatServer } from './helpers/chat-server.ts';
import { GENERATIONS, once, type Client } from './helpers/official-clients.ts';
import { openPacket, PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

const PATH = '/desk/socket.io/';
/** Longer than workerd waits before it puts an idle object to sleep. */
const UNTIL_ASLEEP = 18_000;

/** What was polled, without the ping that may have become due meanwhile. */
function withoutPing(payload: string): string {
  return payload.replace('2\u001e', '');
}

let server: EchoServer;

beforeAll(async () => {
  server = await startChatServer({ cors: { origins: ['https://app.example'] } });
}, 60_000);

afterAll(() => server.stop());

function ask(client: Client, name: string, ...args: unknown[]): Promise<unknown> {
  return new Promise((resolve) => {
    client.emit(name, ...args, (...answer: unknown[]) => {
      resolve(answer);
    });
  });
}

const TRANSPORTS = [['websocket'], ['polling'], ['polling', 'websocket']] as const;
const CASES = GENERATIONS.flatMap((generation) => TRANSPORTS.map((transports) => ({ ...generation, transports })));

describe.each(CASES)('client $generation by $transports at the desk', ({ generation, connect, transports }) => {
  const open = async (namespace = '/', query = ''): Promise<Client> => {
    const client = connect(`${server.url}${namespace}${query}`, { transports, path: PATH, forceNew: true, reconnection: false });
    await once(client, 'connect');
    return client;
  };

  it.each(['/', '/custom'])('joins rooms from %s, moves between them, leaves and vanishes', async (namespace) => {
    const [client, other] = await Promise.all([open(namespace), open(namespace)]);
    const [first, second] = ['first', 'second'].map((name) => `${name}-${generation}-${transports.join('-')}-${namespace.length}`);
    client.emit('join', first);
    expect(await ask(client, 'anything', { deep: [1, null, '안녕'] })).toEqual([first, { deep: [1, null, '안녕'] }]);
    other.emit('join', first);
    expect(await ask(other, 'anything')).toEqual([first]);
    const heard = once(client, 'said');
    other.emit('say', 'hello', { to: 'all' });
    expect(await heard).toEqual(['hello', { to: 'all' }]);
    const gone = once(other, 'gone');
    client.emit('join', second);
    expect(await gone).toEqual(['moved']);
    expect(await ask(client, 'anything')).toEqual([second]);
    client.emit('leave');
    expect(await ask(client, 'where')).toEqual(['lobby', null]);
    client.emit('join', first);
    await ask(client, 'anything');
    const vanished = once(other, 'gone');
    client.disconnect();
    expect(await vanished).toEqual(['vanished']);
    const ended = once(other, 'ended');
    other.emit('end');
    expect(await ended).toEqual([4000, 'the room is over']);
    other.disconnect();
  });
});

describe('the desk', () => {
  const connect = (url: string, options: object): Client => io(url, options);

  it('chooses by the first event that a protocol knows, and remembers the request of the handshake', async () => {
    const options = { path: PATH, forceNew: true, reconnection: false };
    const [guest, shouter] = [connect(`${server.url}?from=somewhere`, options), connect(server.url, options)];
    guest.emit('unknown');
    expect(await ask(guest, 'where')).toEqual(['lobby', 'somewhere']);
    const heard = once(shouter, 'heard');
    shouter.emit('shout', 'loud');
    expect(await heard).toEqual(['LOUD']);
    for (const client of [guest, shouter]) client.disconnect();
  });

  it('keeps the pipe of a quiet polling client, and receives it anew after a sleep without one', async () => {
    const [piped, idle] = await Promise.all([
      PollingClient.open(server.url, PATH, 4, '&from=before'),
      PollingClient.open(server.url, PATH, 4, '&from=before'),
    ]);
    for (const client of [piped, idle]) {
      await client.post('40');
      await client.getText();
    }
    await piped.post('42["join","quiet"]');
    await sleep(UNTIL_ASLEEP);
    await piped.post('421["anything"]');
    expect(withoutPing(await piped.getText())).toBe('431["quiet"]');
    await idle.post('421["where"]');
    expect(withoutPing(await idle.getText())).toBe('431["lobby","before"]');
  });
});

describe('a holder that is restarted', () => {
  const open = async (): Promise<PollingClient> => {
    const client = await PollingClient.open(server.url, PATH, 4);
    await client.post('40');
    await client.getText();
    return client;
  };
  const restart = (sid: string): Promise<unknown> => fetch(`${server.url}${PATH}abort?sid=${sid}`).catch(() => undefined);
  /** A quiet session has been saved by then. */
  const UNTIL_SAVED = 6_000;

  it('keeps a client at the desk, and ends the session of one whose pipe is gone', async () => {
    const [idle, piped, upgraded] = await Promise.all([open(), open(), open()]);
    const socket = upgraded.upgrade();
    await socket.opened();
    socket.send('2probe');
    expect(await socket.next()).toBe('3probe');
    socket.send('5');
    socket.send('42["join","lost"]');
    socket.send('421["anything"]');
    expect(await socket.nextData()).toBe('431["lost"]');
    await piped.post('42["join","lost"]');
    await sleep(UNTIL_SAVED);
    await Promise.all([idle, piped, upgraded].map(({ sid }) => restart(sid)));
    await idle.post('421["where"]');
    expect(await idle.getText()).toBe('431["lobby",null]');
    expect((await piped.get()).status).toBe(400);
    expect((await socket.closed).code).not.toBe(1000);
  });
});

describe('the door', () => {
  const url = (query: string): string => `${server.url}${PATH}?${query}`;

  it.each([
    ['an id of no object', 'x'.repeat(63)],
    ['an id that is too short', 'abc'],
    ['an id that is too long', 'x'.repeat(5_000)],
  ])('refuses %s with code 1, readable by a page', async (_case, sid) => {
    const response = await fetch(url(`EIO=4&transport=polling&sid=${sid}`), { headers: { origin: 'https://app.example' } });
    expect([response.status, await response.json()]).toEqual([400, { code: 1, message: 'Session ID unknown' }]);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
  });

  it.each([
    ['an unknown transport', 'EIO=4&transport=pigeon', 0, 400],
    ['an unsupported revision', 'EIO=2&transport=polling', 5, 400],
    ['a WebSocket that is none', 'EIO=4&transport=websocket', 3, 400],
  ])('refuses %s', async (_case, query, code, status) => {
    const response = await fetch(url(query), { headers: { origin: 'https://app.example' } });
    expect([response.status, ((await response.json()) as { code: number }).code]).toEqual([status, code]);
  });

  it('refuses a page of another origin, and a handshake by POST', async () => {
    const foreign = await fetch(url('EIO=4&transport=polling'), { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, ((await foreign.json()) as { code: number }).code]).toEqual([403, 4]);
    const post = await fetch(url('EIO=4&transport=polling'), { method: 'POST', body: '40' });
    expect([post.status, ((await post.json()) as { code: number }).code]).toEqual([400, 2]);
  });

  it('answers a preflight request', async () => {
    const response = await fetch(url('EIO=4&transport=polling'), { method: 'OPTIONS', headers: { origin: 'https://app.example' } });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example']);
  });

  it('serves sessions of either transport, and ends those that break the protocol', async () => {
    const socket = new RawSocket(url('EIO=4&transport=websocket'));
    const { upgrades } = openPacket((await socket.next()) as string);
    expect(upgrades).toEqual([]);
    socket.close();
    const polling = await PollingClient.open(server.url, PATH, 3);
    expect((await polling.post('10:421["where"]')).status).toBe(400);
    expect((await polling.get()).status).toBe(400);
  });
});
