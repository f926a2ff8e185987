/**
 * The behaviour that the executable suite beside the Socket.IO protocol document (v5) checks, seen from outside and against the echo
 * server in workerd; and the same for its predecessor, which clients 2.x speak.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startEchoServer, type EchoServer } from '../echo-server/start.ts';
import { openPacket, PollingClient, RawSocket } from './helpers/raw-client.ts';

const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
const PATH = '/socket.io/';

let server: EchoServer;

beforeAll(async () => {
  server = await startEchoServer({ pingInterval: PING_INTERVAL, pingTimeout: PING_TIMEOUT });
}, 60_000);

afterAll(() => server.stop());

/** An open Engine.IO session that is in no namespace. */
async function openSession(revision = 4): Promise<RawSocket> {
  const socket = new RawSocket(`${server.url}${PATH}?EIO=${revision}&transport=websocket`);
  expect(openPacket((await socket.next()) as string).pingInterval).toBe(PING_INTERVAL);
  return socket;
}

/** A client that has entered the main namespace. */
async function connect(): Promise<RawSocket> {
  const socket = await openSession();
  socket.send('40');
  expect(await socket.nextData()).toMatch(/^40\{"sid":"[\w-]+"\}$/);
  expect(await socket.nextData()).toBe('42["auth",{}]');
  return socket;
}

describe('Socket.IO 5, connecting', () => {
  it.each([
    ['the main namespace', '40', '', {}],
    ['the main namespace with a payload', '40{"token":"123"}', '', { token: '123' }],
    ['a custom namespace', '40/custom,', '/custom,', {}],
    ['a custom namespace with a payload', '40/custom,{"token":"abc"}', '/custom,', { token: 'abc' }],
    ['a custom namespace without the comma', '40/custom', '/custom,', {}],
  ])('lets a client into %s', async (_case, packet, prefix, auth) => {
    const socket = await openSession();
    socket.send(packet);
    const answer = (await socket.nextData()) as string;
    expect(answer.startsWith(`40${prefix}{`)).toBe(true);
    expect(JSON.parse(answer.slice(2 + prefix.length))).toEqual({ sid: expect.stringMatching(/^[\w-]{20}$/) as string });
    expect(await socket.nextData()).toBe(`42${prefix}${JSON.stringify(['auth', auth])}`);
    socket.close();
  });

  it('does not show the session id to anybody else', async () => {
    const socket = new RawSocket(`${server.url}${PATH}?EIO=4&transport=websocket`);
    const { sid } = openPacket((await socket.next()) as string);
    socket.send('40');
    expect(await socket.nextData()).not.toContain(sid);
    socket.close();
  });

  it('refuses an unknown namespace', async () => {
    const socket = await openSession();
    socket.send('40/random');
    expect(await socket.nextData()).toBe('44/random,{"message":"Invalid namespace"}');
    socket.close();
  });

  it('closes a connection that begins with something else', async () => {
    for (const packet of ['4abc', '42["message"]', '43[]', '41']) {
      const socket = await openSession();
      socket.send(packet);
      expect((await socket.closed).reason).toBe('parse error');
    }
  });

  it('closes a connection that enters a namespace twice', async () => {
    const socket = await connect();
    socket.send('40');
    expect((await socket.closed).reason).toBe('parse error');
  });

  it('closes a connection that enters no namespace in time, although it answers pings', async () => {
    const socket = await openSession();
    for (let message = await socket.next(); message === '2'; message = await socket.next()) socket.send('3');
    expect((await socket.closed).reason).toBe('forced close');
  });
});

describe('Socket.IO 5, disconnecting', () => {
  it('leaves the connection open', async () => {
    const socket = await connect();
    socket.send('41');
    expect(await socket.next()).toBe('2');
    socket.close();
  });

  it('leaves the other namespaces alone', async () => {
    const socket = await connect();
    socket.send('40/custom');
    expect(await socket.nextData()).toMatch(/^40\/custom,/);
    expect(await socket.nextData()).toBe('42/custom,["auth",{}]');
    socket.send('41/custom');
    socket.send('42["message","message to main namespace"]');
    expect(await socket.nextData()).toBe('42["message-back","message to main namespace"]');
    socket.close();
  });
});

describe('Socket.IO 5, events', () => {
  it('come back', async () => {
    const socket = await connect();
    socket.send('42["message",1,"2",{"3":[true]}]');
    expect(await socket.nextData()).toBe('42["message-back",1,"2",{"3":[true]}]');
    socket.close();
  });

  it('come back with their attachments', async () => {
    const socket = await connect();
    socket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Uint8Array.of(1, 2, 3));
    socket.send(Uint8Array.of(4, 5, 6));
    expect(await socket.nextData()).toBe('452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    expect(await socket.nextData()).toEqual(Buffer.from([1, 2, 3]));
    expect(await socket.nextData()).toEqual(Buffer.from([4, 5, 6]));
    socket.close();
  });

  it('are acknowledged', async () => {
    const socket = await connect();
    socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    expect(await socket.nextData()).toBe('43456[1,"2",{"3":[false]}]');
    socket.close();
  });

  it('are acknowledged with attachments', async () => {
    const socket = await connect();
    socket.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Uint8Array.of(1, 2, 3));
    socket.send(Uint8Array.of(4, 5, 6));
    expect(await socket.nextData()).toBe('462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    expect(await socket.nextData()).toEqual(Buffer.from([1, 2, 3]));
    expect(await socket.nextData()).toEqual(Buffer.from([4, 5, 6]));
    socket.close();
  });

  it.each([
    ['an unknown packet type', '4abc'],
    ['a payload that is no array', '42{}'],
    ['an acknowledgement id that is no number', '42abc["message-with-ack",1,"2",{"3":[false]}]'],
    ['no payload', '42'],
    ['an empty payload', '42[]'],
  ])('with %s close the connection', async (_case, packet) => {
    const socket = await connect();
    socket.send(packet);
    expect((await socket.closed).reason).toBe('parse error');
  });
});

describe('the predecessor of Socket.IO 5', () => {
  it('puts a client into the main namespace unasked, with an id that the client knows', async () => {
    const socket = await openSession(3);
    expect(await socket.next()).toBe('40');
    expect(await socket.next()).toBe('42["auth",{}]');
    socket.close();
  });

  it('says so in the first polling response', async () => {
    const response = await fetch(`${server.url}${PATH}?EIO=3&transport=polling`);
    expect(await response.text()).toMatch(/^\d+:0\{.*\}2:4013:42\["auth",\{\}\]$/);
  });

  it('confirms a namespace without a payload and takes its query as the auth payload', async () => {
    const socket = await openSession(3);
    await socket.next();
    await socket.next();
    socket.send('40/custom?token=abc,');
    expect(await socket.next()).toBe('40/custom,');
    expect(await socket.next()).toBe('42/custom,["auth",{"token":"abc"}]');
    socket.close();
  });

  it('refuses a namespace with a bare message', async () => {
    const socket = await openSession(3);
    await socket.next();
    await socket.next();
    socket.send('40/random,');
    expect(await socket.next()).toBe('44/random,"Invalid namespace"');
    socket.close();
  });

  it('carries events by polling', async () => {
    const client = await PollingClient.open(server.url, PATH, 3);
    await client.post('20:42["message","안녕 €"]');
    expect(await client.getText()).toBe('25:42["message-back","안녕 €"]');
  });
});
