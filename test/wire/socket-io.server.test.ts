/** Broadcasts, acknowledgements, verdicts and recovery, as a client sees them. */
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { ChatClient, startChatServer } from './helpers/chat-server.ts';
import { PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

let server: EchoServer;
let room = '';
let rooms = 0;

beforeAll(async () => {
  server = await startChatServer({ pingInterval: 2_000, pingTimeout: 5_000 }, 'on');
}, 60_000);

afterAll(() => server.stop());

/** A room that no other test is in. */
function newRoom(): string {
  room = `${server.url}/room/r${++rooms}/socket.io/`;
  return room;
}

const enter = (auth?: object, revision?: number): ReturnType<typeof ChatClient.enter> => ChatClient.enter(room, auth, revision);

describe('a server', () => {
  it('sends an event to all, or to all others', async () => {
    newRoom();
    const { client: anna } = await enter();
    const { client: berta } = await enter();
    anna.emit('say', 'to all');
    expect((await anna.event()).slice(0, 2)).toEqual(['said', 'to all']);
    expect((await berta.event()).slice(0, 2)).toEqual(['said', 'to all']);
    anna.emit('say to others', 'to others');
    anna.emit('say', 'again');
    expect((await anna.event()).slice(0, 2)).toEqual(['said', 'again']);
    expect((await berta.event()).slice(0, 2)).toEqual(['said', 'to others']);
  });

  it('spares clients that cannot resume the extra argument', async () => {
    newRoom();
    const { client: old } = await enter({}, 3);
    const { client: current } = await enter();
    current.emit('say', 'hello');
    expect(await old.event()).toEqual(['said', 'hello']);
    expect(await current.event()).toEqual(['said', 'hello', expect.any(String)]);
  });

  it('receives the answer to what it asked, once', async () => {
    newRoom();
    const { client } = await enter();
    client.emit('ask me', 'context');
    expect(await client.raw.nextData()).toBe('420["question","?"]');
    client.raw.send('430["first"]');
    client.raw.send('430["second"]');
    client.raw.send('4399["unknown"]');
    expect((await client.event()).slice(0, 3)).toEqual(['answered', 'context', ['first']]);
    const [reasons] = await client.ask('reasons');
    expect(reasons).toEqual([]);
  });

  it('stops waiting for an answer when the time is up', async () => {
    newRoom();
    const { client } = await enter();
    client.emit('ask me', 'context', 200);
    expect(await client.raw.nextData()).toBe('420["question","?"]');
    expect((await client.event()).slice(0, 3)).toEqual(['answered', 'context', 'too late']);
  });

  it('refuses a client with a message and data', async () => {
    newRoom();
    const { client } = await enter();
    client.raw.send('40/other,{"token":"wrong"}');
    expect(await client.raw.nextData()).toBe('44/other,{"message":"Not authorized","data":{"retry":false}}');
    client.raw.send('40/other,{"token":"broken"}');
    expect(await client.raw.nextData()).toBe('44/other,{"message":"Internal error"}');
  });

  it('may take its time to decide', async () => {
    newRoom();
    const { ids } = await enter({ token: 'slow' });
    expect(ids.sid).toMatch(/^[\w-]{20}$/);
  });

  it('forgets half a binary event of a client that is cut in the middle of it', async () => {
    newRoom();
    const { client: other } = await enter();
    const { client: cut } = await enter();
    cut.raw.send('452-["say",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    await new Promise((resolve) => {
      cut.raw.socket.send(Buffer.from([1]), resolve);
    });
    // Half of a frame: its header promises ten bytes.
    (cut.raw.socket as unknown as { _socket: Duplex })._socket.write(Buffer.from([0x82, 0x8a, 0, 0, 0, 0, 1, 2]));
    await sleep(100);
    cut.raw.socket.terminate();
    await expect.poll(() => other.ask('reasons')).toEqual([['transport close']]);
    const { client: back } = await enter();
    back.emit('say', 'whole');
    expect((await other.event()).slice(0, 2)).toEqual(['said', 'whole']);
  });

  it('ignores a polling body whose client is cut in the middle of it', async () => {
    newRoom();
    const { pathname, hostname, port } = new URL(room);
    const client = await PollingClient.open(server.url, pathname, 4);
    await client.post('40');
    await client.getText();
    const tcp = connectTcp(Number(port), hostname);
    tcp.write(`POST ${pathname}?EIO=4&transport=polling&sid=${client.sid} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n42["say","ha`);
    await sleep(200);
    tcp.destroy();
    await sleep(200);
    expect((await client.post('427["recall"]')).status).toBe(200);
    expect(await client.getText()).toBe('437[{"namespace":"/"}]');
  });

  it('survives a handler that fails', async () => {
    newRoom();
    const { client } = await enter();
    client.emit('fail');
    expect(await client.ask('recall')).toEqual([{ namespace: '/' }]);
  });
});

describe('recovery', () => {
  const connect = async (): Promise<Socket> => {
    const { origin, pathname } = new URL(room);
    const socket = io(origin, {
      path: pathname,
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 100,
    });
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return socket;
  };
  const said = (socket: Socket): unknown[] => {
    const texts: unknown[] = [];
    socket.on('said', (text: unknown) => texts.push(text));
    return texts;
  };
  const reconnected = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('connect', resolve));

  it('replays what the official client missed in ten seconds, in order and once', async () => {
    newRoom();
    const lost = await connect();
    const { client: other } = await enter();
    const texts = said(lost);
    const { id } = lost;
    other.emit('say', 'before');
    await lost.emitWithAck('remember', { name: 'Lost' });
    const { engine } = lost.io;
    lost.io.reconnection(false);
    (engine.transport as unknown as { ws: WebSocket }).ws.close();
    await new Promise<void>((resolve) =>
      lost.once('disconnect', () => {
        resolve();
      }),
    );
    for (const text of ['one', 'two', 'three']) other.emit('say', text);
    await sleep(10_000);
    const back = reconnected(lost);
    lost.connect();
    await back;
    expect([lost.recovered, lost.id]).toEqual([true, id]);
    other.emit('say', 'after');
    await lost.emitWithAck('recall');
    await expect.poll(() => texts).toEqual(['before', 'one', 'two', 'three', 'after']);
    expect(await lost.emitWithAck('recall')).toEqual({ name: 'Lost' });
    lost.disconnect();
  });

  it('replays after the object has slept in between', async () => {
    newRoom();
    const { client: other } = await enter();
    const { client: lost, ids } = await enter();
    other.emit('say', 'seen');
    const [, , offset] = await lost.event();
    lost.raw.close();
    await lost.raw.closed;
    other.emit('say', 'missed');
    await other.ask('recall').catch(() => undefined);
    other.raw.close();
    await sleep(18_000);
    const back = new ChatClient(new RawSocket(`${room}?EIO=4&transport=websocket`));
    await back.raw.nextData();
    back.raw.send(`40${JSON.stringify({ pid: ids.pid, offset })}`);
    expect(await back.raw.nextData()).toBe(`40${JSON.stringify(ids)}`);
    expect((await back.event()).slice(0, 2)).toEqual(['said', 'missed']);
    expect((await back.event()).slice(0, 2)).toEqual(['welcome back', { namespace: '/' }]);
  });

  it('works for a client that had received nothing, and whose old connection still seems open', async () => {
    newRoom();
    const { client: other } = await enter();
    const { client: lost, ids } = await enter();
    lost.raw.socket.pause();
    other.emit('say', 'missed');
    await other.event();
    const { client: back, ids: sameIds } = await enter({ pid: ids.pid });
    expect(sameIds).toEqual(ids);
    expect((await back.event()).slice(0, 2)).toEqual(['said', 'missed']);
  });

  it.each([
    ['a wrong secret', { pid: 'x'.repeat(20), offset: 'abc' }],
    ['values of the wrong type', { pid: 1, offset: {} }],
  ])('is refused to %s, which starts anew', async (_case, auth) => {
    newRoom();
    const { ids } = await enter(auth);
    expect(ids.pid).not.toBe(auth.pid);
  });

  it('is refused to a client with an offset that was never given out', async () => {
    newRoom();
    const { client, ids } = await enter();
    client.raw.close();
    await client.raw.closed;
    const { ids: newIds } = await enter({ pid: ids.pid, offset: 'nonsense' });
    expect(newIds.sid).not.toBe(ids.sid);
  });

  it('is refused to a client that left by itself', async () => {
    newRoom();
    const { client, ids } = await enter();
    client.raw.send('41');
    await client.raw.next();
    const { ids: newIds } = await enter({ pid: ids.pid });
    expect(newIds.sid).not.toBe(ids.sid);
  });
});
