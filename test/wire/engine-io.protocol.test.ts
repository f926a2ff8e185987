/**
 * The behaviour that the executable suites beside the Engine.IO protocol documents (v3, v4) check, seen from outside and against
 * the echo server in workerd. Both revisions run the same cases; what differs between them stands in `DIALECTS`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startEchoServer, type EchoServer } from '../echo-server/start.ts';
import { openPacket, PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
const PATH = '/engine.io/';

interface Dialect {
  readonly revision: 3 | 4;
  /** Packets as one polling body. */
  readonly payload: (...packets: string[]) => string;
  /** `01 02 03 04` as a packet inside a text body. */
  readonly base64Packet: string;
  /** `01 02 03 04` as a WebSocket message. */
  readonly binaryFrame: Uint8Array;
}

const DIALECTS: readonly Dialect[] = [
  {
    revision: 4,
    payload: (...packets) => packets.join('\u001e'),
    base64Packet: 'bAQIDBA==',
    binaryFrame: Uint8Array.of(1, 2, 3, 4),
  },
  {
    revision: 3,
    payload: (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join(''),
    base64Packet: 'b4AQIDBA==',
    binaryFrame: Uint8Array.of(4, 1, 2, 3, 4),
  },
];

let server: EchoServer;

beforeAll(async () => {
  server = await startEchoServer({ pingInterval: PING_INTERVAL, pingTimeout: PING_TIMEOUT });
}, 60_000);

afterAll(() => server.stop());

async function errorOf(response: Response): Promise<unknown> {
  return { status: response.status, body: (await response.json()) as unknown };
}

function refusal(code: number, message: string, status = 400): unknown {
  return { status, body: { code, message } };
}

describe.each(DIALECTS)('Engine.IO revision $revision', ({ revision, payload, base64Packet, binaryFrame }) => {
  const at = (query: string): string => `${server.url}${PATH}?EIO=${revision}${query}`;
  const openPolling = (query = ''): Promise<PollingClient> => PollingClient.open(server.url, PATH, revision, query);
  const openSocket = async (): Promise<RawSocket> => {
    const socket = new RawSocket(at('&transport=websocket'));
    await socket.next();
    return socket;
  };
  const upgrade = async (client: PollingClient): Promise<RawSocket> => {
    const socket = client.upgrade();
    await socket.opened();
    socket.send('2probe');
    expect(await socket.next()).toBe('3probe');
    return socket;
  };

  describe('handshake', () => {
    it('opens a session by polling', async () => {
      const response = await fetch(at('&transport=polling'));
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const body = await response.text();
      expect(body).toMatch(revision === 4 ? /^0\{/ : /^\d+:0\{/);
      expect(openPacket(body)).toEqual({
        sid: expect.stringMatching(/^[\w-]{20,}$/) as string,
        upgrades: ['websocket'],
        pingInterval: PING_INTERVAL,
        pingTimeout: PING_TIMEOUT,
        maxPayload: 1_000_000,
      });
    });

    it('opens a session on a WebSocket, which offers no upgrade', async () => {
      const socket = new RawSocket(at('&transport=websocket'));
      expect(openPacket((await socket.next()) as string)).toMatchObject({ upgrades: [], pingInterval: PING_INTERVAL });
      socket.close();
    });

    it('refuses an unknown transport (code 0)', async () => {
      expect(await errorOf(await fetch(at('')))).toEqual(refusal(0, 'Transport unknown'));
      expect(await errorOf(await fetch(at('&transport=abc')))).toEqual(refusal(0, 'Transport unknown'));
      expect(await new RawSocket(at('&transport=abc')).next()).toBeNull();
    });

    it('refuses an unknown session (code 1)', async () => {
      expect(await errorOf(await fetch(at('&transport=polling&sid=abc')))).toEqual(refusal(1, 'Session ID unknown'));
      expect(await new RawSocket(at('&transport=websocket&sid=abc')).next()).toBeNull();
    });

    it.each(['POST', 'PUT', 'DELETE'])('refuses to open a session by %s (code 2)', async (method) => {
      expect(await errorOf(await fetch(at('&transport=polling'), { method }))).toEqual(refusal(2, 'Bad handshake method'));
    });

    it('refuses the websocket transport without an upgrade (code 3)', async () => {
      expect(await errorOf(await fetch(at('&transport=websocket')))).toEqual(refusal(3, 'Bad request'));
    });

    it('refuses JSONP, which is not offered (code 3)', async () => {
      expect(await errorOf(await fetch(at('&transport=polling&j=0')))).toEqual(refusal(3, 'Bad request'));
    });

    it.each(['', 'EIO=abc&', 'EIO=2&', 'EIO=5&'])('refuses the revision "%s" (code 5)', async (query) => {
      const url = `${server.url}${PATH}?${query}transport=`;
      expect(await errorOf(await fetch(`${url}polling`))).toEqual(refusal(5, 'Unsupported protocol version'));
      expect(await new RawSocket(`${url}websocket`).next()).toBeNull();
    });
  });

  describe('messages by polling', () => {
    it.each([
      ['one text', payload('4hello')],
      ['several texts', payload('4test1', '4test2', '4test3')],
      ['text beyond the first plane', payload('4안녕 € 😀', '4')],
    ])('come back: %s', async (_case, body) => {
      const client = await openPolling();
      const posted = await client.post(body);
      expect([posted.status, await posted.text()]).toEqual([200, 'ok']);
      expect(await client.getText()).toBe(body);
    });

    it('come back as base64 to a client that cannot receive binary', async () => {
      const client = await openPolling('&b64=1');
      await client.post(payload('4hello', base64Packet));
      expect(await client.getText()).toBe(payload('4hello', base64Packet));
    });

    it('end the session when they are not packets', async () => {
      const client = await openPolling();
      expect((await client.post('abc')).status).toBe(400);
      expect((await client.get()).status).toBe(400);
    });

    it('end the session when two GETs wait at once', async () => {
      const client = await openPolling();
      const first = client.get();
      await sleep(20);
      expect((await client.get()).status).toBe(400);
      expect(await (await first).text()).toBe(payload('1'));
      expect((await client.get()).status).toBe(400);
    });

    it('end the session when the waiting GET is cut', async () => {
      const client = await openPolling();
      const cut = new AbortController();
      const waiting = client.get(cut.signal);
      await sleep(20);
      cut.abort();
      await expect(waiting).rejects.toThrow();
      expect((await client.get()).status).toBe(400);
    });
  });

  describe('messages on a WebSocket', () => {
    it('come back', async () => {
      const socket = await openSocket();
      socket.send('4hello');
      expect(await socket.nextData()).toBe('4hello');
      socket.send(binaryFrame);
      expect(await socket.nextData()).toEqual(Buffer.from(binaryFrame));
      socket.close();
    });

    it('end the session when they are not packets', async () => {
      const socket = await openSocket();
      socket.send('abc');
      expect((await socket.closed).reason).toBe('parse error');
    });
  });

  describe('close', () => {
    it('by polling releases the waiting GET and ends the session', async () => {
      const client = await openPolling();
      const [answer] = await Promise.all([client.get(), client.post(payload('1'))]);
      expect([answer.status, await answer.text()]).toEqual([200, payload('6')]);
      expect((await client.get()).status).toBe(400);
    });

    it('on a WebSocket ends the session', async () => {
      const socket = await openSocket();
      socket.send('1');
      expect((await socket.closed).reason).toBe('transport close');
    });

    it('of the WebSocket itself is answered', async () => {
      const socket = await openSocket();
      socket.socket.close(4001, 'leaving');
      expect(await socket.closed).toEqual({ code: 4001, reason: 'leaving' });
    });
  });

  describe('upgrade', () => {
    it('moves a session from polling to a WebSocket', async () => {
      const client = await openPolling();
      const socket = await upgrade(client);
      expect(await client.getText()).toBe(payload('6'));
      socket.send('5');
      socket.send('4hello');
      expect(await socket.nextData()).toBe('4hello');
      socket.close();
    });

    it('leaves HTTP requests of the same session unanswered afterwards', async () => {
      const client = await openPolling();
      const socket = await upgrade(client);
      socket.send('5');
      expect((await client.get()).status).toBe(400);
      socket.send('4hello');
      expect(await socket.nextData()).toBe('4hello');
      socket.close();
    });

    it('closes a second WebSocket of the same session and keeps the first', async () => {
      const client = await openPolling();
      const socket = await upgrade(client);
      const during = client.upgrade();
      expect(await during.next()).toBeNull();
      socket.send('5');
      const after = client.upgrade();
      expect(await after.next()).toBeNull();
      socket.send('4hello');
      expect(await socket.nextData()).toBe('4hello');
      socket.close();
    });

    it('delivers what was not fetched by polling, in order', async () => {
      const client = await openPolling();
      await client.post(payload('4one', '4two'));
      const socket = await upgrade(client);
      await client.post(payload('4three'));
      socket.send('5');
      socket.send('4four');
      expect([await socket.nextData(), await socket.nextData(), await socket.nextData(), await socket.nextData()]).toEqual([
        '4one',
        '4two',
        '4three',
        '4four',
      ]);
      socket.close();
    });

    it.each(['before the probe', 'after the probe'])('that is cut %s leaves the session on polling', async (moment) => {
      const client = await openPolling();
      const socket = moment === 'after the probe' ? await upgrade(client) : client.upgrade();
      await socket.opened();
      socket.socket.terminate();
      await sleep(50);
      await client.post(payload('4still here'));
      expect(await client.getText()).toBe(payload('4still here'));
    });
  });
});

describe('Engine.IO revision 4, heartbeat', () => {
  it('pings a polling client as long as it answers', async () => {
    const client = await PollingClient.open(server.url, PATH, 4);
    for (let round = 0; round < 3; round++) {
      expect(await client.getText()).toBe('2');
      expect((await client.post('3')).status).toBe(200);
    }
  });

  it('ends a polling session without an answer', async () => {
    const client = await PollingClient.open(server.url, PATH, 4);
    await sleep(PING_INTERVAL + PING_TIMEOUT);
    expect((await client.get()).status).toBe(400);
  });

  it('pings on a WebSocket and ends the session without an answer', async () => {
    const socket = new RawSocket(`${server.url}${PATH}?EIO=4&transport=websocket`);
    await socket.next();
    for (let round = 0; round < 3; round++) {
      expect(await socket.next()).toBe('2');
      socket.send('3');
    }
    expect((await socket.closed).reason).toBe('ping timeout');
  });

  it('ends a session whose client pings', async () => {
    const socket = new RawSocket(`${server.url}${PATH}?EIO=4&transport=websocket`);
    await socket.next();
    socket.send('2hello');
    expect((await socket.closed).reason).toBe('transport error');
  });
});

describe.each([3, 4])('a client of revision %i that never sends a frame', (revision) => {
  it('sees the end of its connection, not only a close frame', async () => {
    const socket = new RawSocket(`${server.url}${PATH}?EIO=${revision}&transport=websocket`);
    expect(await socket.closed).toEqual({ code: 1001, reason: 'ping timeout' });
  });
});

describe('Engine.IO revision 3, heartbeat', () => {
  it('answers the pings of a polling client', async () => {
    const client = await PollingClient.open(server.url, PATH, 3);
    for (let round = 0; round < 3; round++) {
      expect((await client.post('1:2')).status).toBe(200);
      expect(await client.getText()).toBe('1:3');
    }
  });

  it('ends a polling session without pings', async () => {
    const client = await PollingClient.open(server.url, PATH, 3);
    await sleep(PING_INTERVAL + PING_TIMEOUT);
    expect((await client.post('1:2')).status).toBe(400);
  });

  it('answers pings on a WebSocket, and ends the session without them', async () => {
    const socket = new RawSocket(`${server.url}${PATH}?EIO=3&transport=websocket`);
    await socket.next();
    for (let round = 0; round < 4; round++) {
      socket.send('2');
      expect(await socket.next()).toBe('3');
      await sleep(PING_INTERVAL / 2);
    }
    expect((await socket.closed).reason).toBe('ping timeout');
  });

  it('sends binary packets in the binary form of a body to a client that can receive them', async () => {
    const client = await PollingClient.open(server.url, PATH, 3);
    await client.post('6:4hello10:b4AQIDBA==');
    const response = await client.get();
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const expected = [0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4];
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.from(expected));
  });

  it('reads the binary form of a body', async () => {
    const client = await PollingClient.open(server.url, PATH, 3, '&b64=1');
    const body = Uint8Array.from([0, 4, 255, 52, 0xe2, 0x82, 0xac, 1, 5, 255, 4, 1, 2, 3, 4]);
    expect((await client.post(body, 'application/octet-stream')).status).toBe(200);
    expect(await client.getText()).toBe('2:4€10:b4AQIDBA==');
  });
});

describe('cross-origin requests', () => {
  it('get the exact origin and credentials on every polling response', async () => {
    const headers = { origin: 'https://app.example' };
    const expected = ['https://app.example', 'true'];
    const cors = (response: Response): unknown[] => [
      response.headers.get('access-control-allow-origin'),
      response.headers.get('access-control-allow-credentials'),
    ];
    const opened = await fetch(`${server.url}${PATH}?EIO=3&transport=polling`, { headers });
    const { sid } = openPacket(await opened.text());
    const posted = await fetch(`${server.url}${PATH}?EIO=3&transport=polling&sid=${sid}`, { method: 'POST', body: '6:4hello', headers });
    const polled = await fetch(`${server.url}${PATH}?EIO=3&transport=polling&sid=${sid}`, { headers });
    const refused = await fetch(`${server.url}${PATH}?EIO=3&transport=nonsense`, { headers });
    expect([opened, posted, polled, refused].map(cors)).toEqual([expected, expected, expected, expected]);
  });

  it('may be preflighted', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-headers': 'x-token' };
    const response = await fetch(`${server.url}${PATH}?EIO=4&transport=polling`, { method: 'OPTIONS', headers });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-headers')).toBe('x-token');
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
  });
});
