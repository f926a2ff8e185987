/** A client that does not read costs little and is closed; one that reads slowly is served; the others do not notice either. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { ChatClient, startChatServer } from './helpers/chat-server.ts';
import { GENERATIONS, once, type Client } from './helpers/official-clients.ts';
import { PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

const MAX_COST = 1_048_576;
/** What may be handed to the runtime for one client of each revision, and a little for the frames around it. */
const maxHandedOver = (revision: number): number => (revision === 3 ? MAX_COST : MAX_COST / 2) + 20_000;

let server: EchoServer;

beforeAll(async () => {
  server = await startChatServer({}, 'on');
}, 60_000);

afterAll(() => server.stop());

const pathOf = (room: string): string => `/room/${room}/socket.io/`;
const enter = (room: string, revision = 4): ReturnType<typeof ChatClient.enter> =>
  ChatClient.enter(`${server.url}${pathOf(room)}`, {}, revision);

/** Pauses a client, and answers how many bytes arrive once it reads again, up to its end. */
function stopReading({ raw }: ChatClient): () => Promise<number> {
  let bytes = 0;
  raw.socket.on('message', (data: Buffer) => {
    bytes += data.length;
  });
  raw.socket.pause();
  return async () => {
    raw.socket.resume();
    await raw.closed;
    return bytes;
  };
}

/** Lets the sender flood the room, and the reader check every event of it. */
async function flood(sender: ChatClient, reader: ChatClient, events: number): Promise<void> {
  sender.emit('flood', events, 10_000);
  for (let index = 0; index < events; index++) expect((await reader.event()).slice(0, 2)).toEqual(['flood', index]);
}

describe('a room in which one client does not read', () => {
  it.each([3, 4])(
    'closes it (revision %i), has handed it no more than its window, and serves the others without a gap',
    async (revision) => {
      const room = `stuck-${String(revision)}`;
      const [{ client: sender }, { client: reader }] = [await enter(room), await enter(room)];
      const { client: stuck } = await enter(room, revision);
      await stuck.ask('recall');
      const bytesAfterwards = stopReading(stuck);
      for (let round = 0; round < 20; round++) await flood(sender, reader, 10);
      await expect.poll(() => sender.ask('reasons'), { timeout: 8_000, interval: 200 }).toEqual([['back pressure']]);
      const bytes = await bytesAfterwards();
      expect(bytes).toBeGreaterThan(MAX_COST / 4);
      expect(bytes).toBeLessThan(maxHandedOver(revision));
      expect(await stuck.raw.closed).toEqual({ code: 1013, reason: 'back pressure' });
    },
  );

  it('closes it at once under a flood of ten megabytes', async () => {
    const [{ client: sender }, { client: reader }, { client: stuck }] = [await enter('flood'), await enter('flood'), await enter('flood')];
    const bytesAfterwards = stopReading(stuck);
    for (let round = 0; round < 10; round++) await flood(sender, reader, 100);
    expect(await sender.ask('reasons')).toEqual([['back pressure']]);
    expect(await bytesAfterwards()).toBeLessThan(maxHandedOver(4));
  });

  it.each([3, 4])('closes one (revision %i) that left a quarter of the limit unread for a while', async (revision) => {
    const room = `quarter-${String(revision)}`;
    const [{ client: sender }, { client: stuck }] = [await enter(room), await enter(room, revision)];
    await stuck.ask('recall');
    stuck.raw.socket.pause();
    sender.emit('flood', 30, 10_000);
    await sleep(13_000);
    expect(await sender.ask('reasons')).toEqual([['back pressure']]);
    stuck.raw.socket.resume();
    expect((await stuck.raw.closed).code).toBe(1013);
  });

  it('closes a polling client that does not fetch', async () => {
    const { client: sender } = await enter('polling');
    const client = await PollingClient.open(server.url, pathOf('polling'), 4);
    await client.post('40');
    await client.getText();
    sender.emit('flood', 120, 10_000);
    await expect.poll(() => sender.ask('reasons'), { timeout: 8_000, interval: 200 }).toEqual([['back pressure']]);
    expect((await client.get()).status).toBe(400);
  });

  it('lets it come back, and replays what it missed', async () => {
    const room = 'resume';
    const [{ client: sender }, { client: stuck, ids }] = [await enter(room), await enter(room)];
    sender.emit('say', 'seen');
    const [, , offset] = await stuck.event();
    await sender.event();
    stuck.raw.socket.pause();
    sender.emit('flood', 110, 10_000);
    await expect.poll(() => sender.ask('reasons'), { timeout: 8_000, interval: 200 }).toEqual([['back pressure']]);
    const { client: back, ids: sameIds } = await ChatClient.enter(`${server.url}${pathOf(room)}`, { pid: ids.pid, offset });
    expect(sameIds).toEqual(ids);
    for (let index = 0; index < 110; index++) expect((await back.event()).slice(0, 2)).toEqual(['flood', index]);
    stuck.raw.socket.terminate();
  });
});

describe('a client that reads slowly', () => {
  it('gets everything that exceeds what may be under way to it, in order', async () => {
    const [{ client: sender }, { client: slow }] = [await enter('slow'), await enter('slow')];
    const { socket } = slow.raw;
    // About a tenth of the time, in steps of the kernel's buffers.
    const reading = setInterval(() => {
      socket.resume();
      setTimeout(() => {
        if (socket.readyState === socket.OPEN) socket.pause();
      }, 10);
    }, 100);
    for (let round = 0; round < 3; round++) {
      sender.emit('flood', 300, 10_000);
      for (let index = 0; index < 300; index++) expect((await slow.event()).slice(0, 2)).toEqual(['flood', index]);
    }
    clearInterval(reading);
    socket.resume();
    expect(await sender.ask('reasons')).toEqual([[]]);
  });

  it.each(GENERATIONS)(
    'or in bursts, as client $generation over a WebSocket, gets three megabytes at once',
    async ({ generation, connect }) => {
      await readsBurst(`burst-${generation}`, 300, (path) => connect(server.url, { transports: ['websocket'], path, forceNew: true }));
    },
  );

  it.each(GENERATIONS)('or by polling, as client $generation, gets three megabytes at once', async ({ generation, connect }) => {
    await readsBurst(`burst-polling-${generation}`, 300, (path) => connect(server.url, { transports: ['polling'], path, forceNew: true }));
  });

  async function readsBurst(room: string, events: number, open: (path: string) => Client): Promise<void> {
    const { client: sender } = await enter(room);
    const client = open(pathOf(room));
    await once(client, 'connect');
    const received: unknown[] = [];
    client.on('flood', (index) => received.push(index));
    sender.emit('flood', events, 10_000);
    await expect.poll(() => received.length, { timeout: 40_000, interval: 100 }).toBe(events);
    expect(received).toEqual(Array.from({ length: events }, (_, index) => index));
    expect(await sender.ask('reasons')).toEqual([[]]);
    client.disconnect();
  }
});

describe('a client whose session was passed on to another object', () => {
  it('is asked by both servers on the way, and keeps reading', async () => {
    const client = new RawSocket(`${server.url}/door/socket.io/?EIO=4&transport=websocket`);
    const passedOn = new ChatClient(client);
    await client.nextData();
    client.send('40');
    await client.nextData();
    passedOn.emit('join', 'passed-on');
    await passedOn.ask('remember', 1);
    const { client: sender } = await enter('passed-on');
    for (let round = 0; round < 4; round++) {
      sender.emit('flood', 100, 10_000);
      for (let index = 0; index < 100; index++) expect((await passedOn.event()).slice(0, 2)).toEqual(['flood', index]);
    }
    // Longer than it takes to give a client up that answers to one of them only.
    await sleep(10_000);
    expect((await passedOn.ask('recall'))[0]).toBe(1);
  });
});
