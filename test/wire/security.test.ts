/**
 * One regression test for each class of vulnerability that was published for Socket.IO and Engine.IO. After every attack a client that
 * was there before must still be served.
 */
import { connect as connectTcp } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startEchoServer, type EchoServer } from '../echo-server/start.ts';
import { openPacket, PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

const PATH = '/socket.io/';

let server: EchoServer;
let witness: RawSocket;

beforeAll(async () => {
  server = await startEchoServer({ pingInterval: 20_000, pingTimeout: 20_000 });
}, 60_000);

afterAll(() => server.stop());

const url = (query: string): string => `${server.url}${PATH}?${query}`;

async function enter(): Promise<RawSocket> {
  const socket = new RawSocket(url('EIO=4&transport=websocket'));
  await socket.next();
  socket.send('40');
  await socket.nextData();
  await socket.nextData();
  return socket;
}

beforeEach(async () => {
  witness = await enter();
});

afterEach(async () => {
  witness.send('42["message","still served"]');
  expect(await witness.nextData()).toBe('42["message-back","still served"]');
  witness.close();
});

const openPolling = (revision = 4): Promise<PollingClient> => PollingClient.open(server.url, PATH, revision);

describe('Socket.IO packets', () => {
  it.each([
    ['CVE-2023-32695: an event name that is an object', '42[{"toString":"foo"}]'],
    ['CVE-2023-32695: an event name that is an array', '42[["a"]]'],
    ['an event name that is null', '42[null]'],
    ['a reserved event name', '42["disconnect"]'],
    ['a type beyond the known ones', '47["a"]'],
    ['CONNECT_ERROR from a client', '44{"message":"x"}'],
    ['DISCONNECT with a payload', '41{"a":1}'],
    ['an acknowledgement without an id', '43["a"]'],
    ['an acknowledgement id beyond all integers', `42${'9'.repeat(40)}["a"]`],
    ['CVE-2020-36049: a number of attachments as long as the message', `45${'9'.repeat(500_000)}`],
    ['CVE-2026-33151: more attachments than anybody needs', '45100000-["message"]'],
    ['a fractional number of attachments', '451.5-["message"]'],
    ['a negative number of attachments', '45-1-["message"]'],
    ['a number of attachments without an end', '4510'],
    ['a namespace as long as the message', `40/${'n'.repeat(100_000)}`],
    ['deep JSON', `42["message",${'['.repeat(100_000)}${']'.repeat(100_000)}]`],
    ['deep JSON behind a namespace with a quotation mark', `42/"${'a'.repeat(300)},["message",${'['.repeat(5_000)}${']'.repeat(5_000)}]`],
    ['a text in place of an attachment', '451-["message",{"_placeholder":true,"num":0}]|4text'],
  ])('%s ends the connection', async (_case, packets) => {
    const socket = await enter();
    if (packets.includes('/"')) socket.send('40/"');
    for (const packet of packets.split('|')) socket.send(packet);
    expect((await socket.closed).code).toBe(1002);
  });

  it.each(['"splice"', '-1', '1', '"__proto__"', 'null'])(
    'CVE-2022-2421: a placeholder for the attachment %s ends the connection',
    async (num) => {
      const socket = await enter();
      socket.send(`451-["message",{"_placeholder":true,"num":${num}}]`);
      socket.send(Uint8Array.of(1));
      expect((await socket.closed).reason).toBe('parse error');
    },
  );

  it('an attachment that nobody announced ends the connection', async () => {
    const socket = await enter();
    socket.send(Uint8Array.of(1));
    expect((await socket.closed).reason).toBe('parse error');
  });

  it('CVE-2024-38355: an event named "error" is an event like any other', async () => {
    const socket = await enter();
    socket.send('42["error","x"]');
    socket.send('42["message","after"]');
    expect(await socket.nextData()).toBe('42["message-back","after"]');
    socket.close();
  });

  it('keys named like parts of an object stay data', async () => {
    const socket = await enter();
    socket.send('42["message",{"__proto__":{"polluted":true},"constructor":1}]');
    expect(await socket.nextData()).toBe('42["message-back",{"__proto__":{"polluted":true},"constructor":1}]');
    socket.close();
  });

  it('attachments beyond the limit of bytes end the connection', async () => {
    const socket = await enter();
    socket.send(`4510-["message"]`);
    for (let count = 0; count < 5; count++) socket.send(Buffer.alloc(900_000));
    expect((await socket.closed).reason).toBe('parse error');
  });

  it('a flood of namespaces ends the connection', async () => {
    const socket = await enter();
    for (let index = 0; index < 100; index++) socket.send(`40/flood-${String(index)}`);
    expect((await socket.closed).reason).toBe('forced close');
  });
});

describe('Engine.IO requests', () => {
  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'x'.repeat(5_000)])(
    'the session id %s, which looks like a part of an object, is unknown',
    async (sid) => {
      const response = await fetch(url(`EIO=4&transport=polling&sid=${sid}`));
      expect([response.status, ((await response.json()) as { code: number }).code]).toEqual([400, 1]);
      expect(await new RawSocket(url(`EIO=4&transport=websocket&sid=${sid}`)).next()).toBeNull();
    },
  );

  it.each(['__proto__', 'constructor', 'webtransport', 'handlesUpgrades'])(
    'CVE-2023-31125: the transport %s is unknown',
    async (transport) => {
      const response = await fetch(url(`EIO=4&transport=${transport}`));
      expect([response.status, ((await response.json()) as { code: number }).code]).toEqual([400, 0]);
      expect(await new RawSocket(url(`EIO=4&transport=${transport}`)).next()).toBeNull();
    },
  );

  it('CVE-2022-41940: a connection that is reset in the middle of its upgrade disturbs nobody', async () => {
    const { port } = new URL(server.url);
    for (let count = 0; count < 20; count++) {
      const tcp = connectTcp(Number(port), '127.0.0.1');
      tcp.on('error', () => undefined);
      await new Promise((resolve) => tcp.once('connect', resolve));
      tcp.write(`GET ${PATH}?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`);
      tcp.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
      tcp.resetAndDestroy();
    }
    await sleep(100);
  });

  it('CVE-2022-21676: a broken WebSocket frame ends its connection only', async () => {
    const socket = await enter();
    const tcp = (socket.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
    tcp.write(Buffer.from([0xf4, 0x80, 0, 0, 0, 0]));
    await socket.closed;
  });

  it('CVE-2020-28481: without a policy no page of another origin is let in', async () => {
    const { corsHeaders, isOriginAllowed } = await import('../../worker/wire/engine-io/cors.ts');
    expect(corsHeaders('https://evil.example', undefined)).toEqual({});
    expect(corsHeaders('https://evil.example', { origins: ['https://app.example'] })).toEqual({ vary: 'Origin' });
    expect(isOriginAllowed('https://evil.example', { origins: ['https://app.example'] })).toBe(false);
  });
});

describe('polling bodies', () => {
  it.each([
    ['CVE-2020-36048: a length of a million digits', 3, '1'.repeat(900_000)],
    ['a length that promises more than there is', 3, '999999999:4a'],
    ['a length without a packet', 3, '5:'],
    ['an empty packet', 3, '0:'],
    ['a negative length', 3, '-1:4a'],
    ['an empty body', 4, ''],
    ['an empty packet', 4, '4a\u001e\u001e4b'],
    ['base64 that is none', 4, 'b@@@'],
    ['an unknown packet type', 4, '9'],
  ] as const)('%s (revision %i) end the session', async (_case, revision, body) => {
    const client = await openPolling(revision);
    expect((await client.post(body)).status).toBe(400);
    expect((await client.get()).status).toBe(400);
  });

  it.each([
    ['binary in revision 4', 4, Uint8Array.of(1, 2, 3), 'application/octet-stream'],
    ['a binary body without an end of the length', 3, new Uint8Array(1000).fill(1), 'application/octet-stream'],
    ['a binary body with a nonsensical length', 3, Uint8Array.of(0, 77, 255, 52), 'application/octet-stream'],
    ['text that is not UTF-8', 4, Uint8Array.of(0x34, 0xff, 0xfe), 'text/plain'],
  ] as const)('%s ends the session', async (_case, revision, body, contentType) => {
    const client = await openPolling(revision);
    expect((await client.post(body, contentType)).status).toBe(400);
    expect((await client.get()).status).toBe(400);
  });

  it('half a million packets in one body cost little time', async () => {
    const client = await openPolling();
    expect((await client.post(Array.from({ length: 400_000 }, () => '3').join('\u001e'))).status).toBe(200);
  });

  it('two POSTs at once end the session', async () => {
    const client = await openPolling();
    let finish = (): void => undefined;
    const slow = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('4'));
        finish = () => {
          controller.close();
        };
      },
    });
    const query = `EIO=4&transport=polling&sid=${client.sid}`;
    const first = fetch(url(query), { method: 'POST', body: slow, duplex: 'half' } as RequestInit);
    await sleep(200);
    expect((await client.post('42["message"]')).status).toBe(400);
    finish();
    expect((await first).status).toBe(400);
    expect((await client.get()).status).toBe(400);
  });
});

describe('sizes', () => {
  it('a polling body above maxPayload is refused (413)', async () => {
    const client = await openPolling();
    expect((await client.post(`4${'x'.repeat(1_000_000)}`)).status).toBe(413);
  });

  it('a streamed body is not read beyond maxPayload', async () => {
    const client = await openPolling();
    const chunk = new Uint8Array(300_000).fill(120);
    let chunks = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (++chunks > 5) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await fetch(url(`EIO=4&transport=polling&sid=${client.sid}`), { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(response.status).toBe(413);
  });

  it('a WebSocket message above maxPayload ends the connection (1009)', async () => {
    const socket = await enter();
    socket.send(`42["message","${'€'.repeat(340_000)}"]`);
    expect(await socket.closed).toEqual({ code: 1009, reason: 'payload too large' });
  });
});

describe('upgrades', () => {
  it('of a session that has a WebSocket, or of two at once, are refused and harm nobody', async () => {
    const socket = new RawSocket(url('EIO=4&transport=websocket'));
    const { sid } = openPacket((await socket.next()) as string);
    const second = new RawSocket(url(`EIO=4&transport=websocket&sid=${sid}`));
    expect(await second.next()).toBeNull();
    socket.send('40');
    expect(await socket.nextData()).toMatch(/^40\{/);
    socket.close();
  });

  it('that carry anything but an upgrade are ended, and the session goes on', async () => {
    const client = await openPolling();
    const socket = client.upgrade();
    await socket.opened();
    socket.send('40');
    expect(await socket.next()).toBeNull();
    expect((await client.post('40')).status).toBe(200);
    expect(await client.getText()).toMatch(/^40\{/);
  });
});
