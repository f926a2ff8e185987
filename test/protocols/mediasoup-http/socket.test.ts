import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { eventually } from '../../harness/eventually.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { ApiClient } from './api-client.ts';
import { Attendee } from './attendee.ts';

let stack: Stack;
let api: ApiClient;
let room: string;
let count = 0;

beforeAll(async () => {
  stack = await startStack();
  api = new ApiClient(stack.edge.url);
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `room-${++count}`;
});

function attendee(mail: string): Attendee {
  return new Attendee(stack.edge.url, room, mail);
}

async function joined(...mails: string[]): Promise<Attendee[]> {
  const attendees = mails.map(attendee);
  for (const one of attendees) await one.join();
  return attendees;
}

function socketUrl(query: Record<string, string>, path = '/'): string {
  return `${stack.edge.url.replace(/^http/u, 'ws')}${path}?${new URLSearchParams(query).toString()}`;
}

/** The HTTP status with which an upgrade is refused, or 101. */
async function upgradeStatus(url: string, subprotocols: string[] = ['protoo']): Promise<number> {
  const socket = new WebSocket(url, subprotocols);
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.close();
      resolve(101);
    });
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('error', () => undefined);
  });
}

describe('connecting', () => {
  it('is refused with 400, 404 or 403, in this order of checks', async () => {
    expect(await upgradeStatus(socketUrl({ userMail: 'ada' }))).toBe(400);
    expect(await upgradeStatus(socketUrl({ roomName: room }))).toBe(400);
    expect(await upgradeStatus(socketUrl({ roomName: room, userMail: 'ada' }))).toBe(404);
    await api.post('createRoom', { roomName: room, userMail: 'ada' });
    expect(await upgradeStatus(socketUrl({ roomName: room, userMail: 'ada' }))).toBe(403);
    await joined('ada');
    expect(await upgradeStatus(socketUrl({ roomName: room, userMail: 'ada' }))).toBe(403);
  });

  it('selects the sub-protocol of a client that asks for it, and takes one that does not, on any path', async () => {
    await attendee('ada').create();
    const plain = new WebSocket(socketUrl({ roomName: room, userMail: 'ada' }, '/any/where'));
    await once(plain, 'open');
    expect(plain.protocol).toBe('');
    await attendee('bob').create();
    const protoo = new WebSocket(socketUrl({ userMail: 'bob' }, `/mediasoup/${room}`), ['protoo']);
    await once(protoo, 'open');
    expect(protoo.protocol).toBe('protoo');
    plain.close();
    protoo.close();
  });

  it('finds an attendee whose mail address has a plus that was not encoded', async () => {
    const ada = attendee('ada+work@example.test');
    await ada.join();
    expect(ada.peer?.connected).toBe(true);
  });

  it('is refused with 400 when the names in the URL cannot be names', async () => {
    expect(await upgradeStatus(socketUrl({ roomName: 'x'.repeat(300), userMail: 'ada' }))).toBe(400);
    expect(await upgradeStatus(socketUrl({ roomName: room, userMail: '\u0000' }))).toBe(400);
    expect(await upgradeStatus(socketUrl({ userMail: 'ada' }, '/mediasoup/%zz'))).toBe(404);
    expect(await upgradeStatus(socketUrl({ userMail: 'ada' }, '/mediasoup'))).toBe(400);
  });

  it('is not recognised without a sub-protocol and a query: such a socket has to explain itself', async () => {
    const socket = new WebSocket(stack.edge.url.replace(/^http/u, 'ws'));
    await once(socket, 'open');
    socket.send(JSON.stringify({ method: 'producerPaused', data: { type: 'mic' } }));
    expect((await once(socket, 'close'))[0]).toBe(1003);
  });
});

describe('notifications', () => {
  it('tell a newcomer with the producers it made before its socket opened, and never its own subject', async () => {
    const [ada] = await joined('ada');
    const bob = attendee('bob');
    await bob.create();
    const { id } = await bob.produce('webcam');
    await bob.open();
    expect(await ada?.next('userJoined')).toEqual({ user: 'bob', producers: [{ type: 'webcam', id }] });
    expect(bob.notifications).toEqual([]);
  });

  it('tell producers that are added, paused, resumed and removed to the others only', async () => {
    const [ada, bob, eve] = await joined('ada', 'bob', 'eve');
    const { id } = (await ada?.produce('mic')) ?? {};
    await ada?.peer?.notify('producerPaused', { type: 'mic' });
    await ada?.peer?.notify('producerResumed', { type: 'mic', user: 'bob' });
    await ada?.peer?.notify('producerRemoved', { type: 'mic' });
    for (const other of [bob, eve]) {
      expect(await other?.next('producerAdded')).toEqual({ user: 'ada', type: 'mic', id });
      expect(await other?.next('producerPaused')).toEqual({ user: 'ada', type: 'mic' });
      expect(await other?.next('producerResumed')).toEqual({ user: 'ada', type: 'mic' });
      expect(await other?.next('producerRemoved')).toEqual({ user: 'ada', type: 'mic' });
    }
    expect(ada?.notifications.filter(({ method }) => method.startsWith('producer'))).toEqual([]);
  });

  it('announce a replaced producer as removed and added, and swallow the removal that came late', async () => {
    const [ada, bob] = await joined('ada', 'bob');
    await ada?.produce('webcam');
    await bob?.next('producerAdded');
    const { id } = (await ada?.produce('webcam')) ?? {};
    await ada?.peer?.notify('producerRemoved', { type: 'webcam' });
    expect(await bob?.next('producerRemoved')).toEqual({ user: 'ada', type: 'webcam' });
    expect(await bob?.next('producerAdded')).toEqual({ user: 'ada', type: 'webcam', id });
    await ada?.peer?.notify('producerPaused', { type: 'webcam' });
    expect(await bob?.next('producerPaused')).toEqual({ user: 'ada', type: 'webcam' });
    const producers = await api.get('producers', { roomName: room, producerMail: 'ada' });
    expect(producers.result).toEqual({ ada: [{ type: 'webcam', id }] });
  });

  it('come in the document’s bare form too, and nonsense is passed over', async () => {
    await attendee('ada').create();
    const plain = new WebSocket(socketUrl({ roomName: room, userMail: 'ada' }));
    await once(plain, 'open');
    const [bob] = await joined('bob');
    const { id } = (await bob?.produce('mic')) ?? {};
    for (const nonsense of [
      '{',
      '[]',
      'null',
      '{"method":"fly"}',
      '{"method":"producerPaused"}',
      '{"method":"producerPaused","data":{"type":"mic"}}',
    ]) {
      plain.send(nonsense);
    }
    plain.send(Buffer.from([1, 2, 3]));
    plain.send(JSON.stringify({ request: true, id: 42, method: 'join', data: {} }));
    const frames: unknown[] = [];
    plain.on('message', (data) => frames.push(JSON.parse((data as Buffer).toString())));
    // What Bob publishes may be told only now.
    const answers = () => frames.filter((frame) => (frame as { response?: boolean }).response);
    await eventually('the request is answered', () => answers().length > 0);
    expect(answers()).toEqual([{ response: true, id: 42, ok: false, errorCode: 404, errorReason: 'unknown method' }]);
    await bob?.peer?.notify('producerRemoved', { type: 'mic' });
    const removal = { notification: true, method: 'producerRemoved', data: { user: 'bob', type: 'mic' } };
    await eventually('the removal arrives', () => frames.some((frame) => JSON.stringify(frame) === JSON.stringify(removal)));
    expect(frames.at(-1)).toEqual(removal);
    expect(bob?.notifications).toEqual([]);
    expect(id).toBeDefined();
    plain.close();
  });
});

describe('leaving', () => {
  it('by closing the socket is told at once, and the last one out ends the room', async () => {
    const [ada, bob] = await joined('ada', 'bob');
    bob?.leave();
    expect(await ada?.next('userLeft')).toEqual({ user: 'bob' });
    expect((await api.get('attendees', { roomName: room })).result).toEqual([{ id: 'ada' }]);
    ada?.leave();
    await eventually('the room ends', async () => {
      const { result } = await api.get('exists', { roomName: room });
      return !(result as { exists: boolean }).exists;
    });
  });

  it('by HTTP closes the socket with the code after which clients stay away', async () => {
    const [ada] = await joined('ada');
    await attendee('bob').create();
    const socket = await openSocket('bob');
    await api.post('leaveRoom', { roomName: room, userMail: 'bob' });
    expect(await ada?.next('userLeft')).toEqual({ user: 'bob' });
    expect((await once(socket, 'close'))[0]).toBe(4000);
    expect(await upgradeStatus(socketUrl({ roomName: room, userMail: 'bob' }))).toBe(403);
  });

  it('is not what a cut line means: whoever reconnects within ten seconds was never gone', async () => {
    const [ada] = await joined('ada');
    const bob = attendee('bob');
    await bob.create();
    const { id } = await bob.produce('mic');
    const socket = await openSocket('bob');
    await ada?.next('userJoined');
    socket.terminate();
    await eventually('bob can come back', async () => (await upgradeKept(socketUrl({ roomName: room, userMail: 'bob' }))) !== undefined);
    expect(ada?.notifications).toEqual([]);
    expect((await api.get('producers', { roomName: room, producerMail: 'bob' })).result).toEqual({ bob: [{ type: 'mic', id }] });
  });

  it('is what a cut line means after ten seconds', async () => {
    const [ada] = await joined('ada');
    await attendee('bob').create();
    const socket = await openSocket('bob');
    await ada?.next('userJoined');
    socket.terminate();
    await eventually('bob is told gone', () => ada?.notifications.some(({ method }) => method === 'userLeft') === true, 20_000);
    expect(await ada?.next('userLeft')).toEqual({ user: 'bob' });
  });
});

/**
 * A bare socket. The local runtime leaves the TCP connection open after a close that was not an answer to the client, and so the client must not
 * wait long for its end.
 */
async function openSocket(userMail: string): Promise<WebSocket> {
  // The published types do not know this option yet.
  const options: ClientOptions = Object.assign<ClientOptions, object>({}, { closeTimeout: 100 });
  const socket = new WebSocket(socketUrl({ roomName: room, userMail }), ['protoo'], options);
  await once(socket, 'open');
  return socket;
}

/** Opens a socket and keeps it, or `undefined` when the upgrade is refused. */
async function upgradeKept(url: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(url, ['protoo']);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('open', () => {
      resolve(socket);
    });
    socket.once('unexpected-response', () => {
      resolve(undefined);
    });
  });
}
