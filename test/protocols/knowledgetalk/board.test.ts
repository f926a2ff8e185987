/** The whiteboard as newcomers see it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { SlowLine } from '../../harness/slow-line.ts';
import { RawSocket } from '../../wire/helpers/raw-client.ts';
import { type ClientKind, FOUR, KtClient, nameOf, TWO } from './client.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
afterEach(() => {
  world.clear();
});

const stroke = (number: number) => ({ signalOp: 'Draw', status: 'move', type: 'whiteboard', axisX: number, axisY: `${number}` });

function numbersOf(client: KtClient): unknown[] {
  return client.messages.filter((message) => nameOf(message) === 'Draw').map(({ axisX }) => axisX);
}

/** Draws strokes as fast as the room takes them. */
async function draw(member: KtClient, from: number, count: number, extra: object = {}): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    for (let number = done; number < Math.min(done + 500, count); number += 1) member.say({ ...stroke(from + number), ...extra });
    await member.settled();
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('a newcomer', () => {
  it('is told of the board first and then of every stroke in order, as it was drawn', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await ada.ask({ eventOp: 'WhiteBoardStart' });
    const strokes = [stroke(1), { ...stroke(2), drawingInfo: { tool: 'eraser', strokeWidth: 9 } }, { ...stroke(3), text: '한글 \n "' }];
    for (const [index, one] of strokes.entries()) (index === 1 ? bob : ada).say(one);
    await Promise.all([ada.settled(), bob.settled()]);
    await bob.settled();
    const eve = await world.newcomer(ada.roomId);
    const { roomId } = ada;
    const [, board, ...drawn] = await eve.take(5);
    expect(board).toEqual({ eventOp: 'WhiteBoardStartSvr', roomId, userId: ada.userId });
    expect(drawn.map(({ axisX }) => axisX).toSorted()).toEqual([1, 2, 3]);
    expect(drawn).toContainEqual({ ...strokes[0], roomId, userId: ada.userId });
    expect(drawn).toContainEqual({ ...strokes[1], roomId, userId: bob.userId });
    expect(drawn).toContainEqual({ ...strokes[2], roomId, userId: ada.userId });
  });

  it('gets nothing of what was cleared, nor of a board that has ended', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    await ada.ask({ eventOp: 'WhiteBoardStart' });
    await draw(ada, 0, 10);
    ada.say({ ...stroke(99), status: 'clear' });
    await draw(ada, 20, 2);
    const bob = await world.newcomer(ada.roomId);
    await bob.settled();
    const eve = await world.newcomer(ada.roomId);
    await eventually('two strokes come', () => numbersOf(eve).length === 2);
    expect(numbersOf(eve)).toEqual([20, 21]);
    await ada.ask({ eventOp: 'WhiteBoardStop' });
    const dan = await world.newcomer(ada.roomId);
    expect((await dan.settled()).map(nameOf)).toEqual(['StartSession']);
  });

  it('gets a long drawing in order, with what is drawn meanwhile behind it', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    await ada.ask({ eventOp: 'WhiteBoardStart' });
    await draw(ada, 0, 6_000);
    const joining = Promise.all([world.newcomer(ada.roomId), world.newcomer(ada.roomId)]);
    await draw(ada, 6_000, 500);
    const newcomers = await joining;
    for (const newcomer of newcomers) {
      await eventually('the whole drawing comes', () => numbersOf(newcomer).length >= 6_500);
      expect(numbersOf(newcomer)).toEqual(range(0, 6_500));
    }
  });
});

describe('newcomers of Socket.IO 2, who prove only by heartbeats that they read', () => {
  it.each([TWO, { ...TWO, transports: ['polling', 'websocket'] } satisfies ClientKind])(
    'are asked for heartbeats while they are sent a long drawing, by $transports, and notice nothing else',
    async (kind) => {
      const [ada] = await world.room(1);
      if (!ada) return;
      await ada.ask({ eventOp: 'WhiteBoardStart' });
      await draw(ada, 0, 10_000);
      const bob = await world.client(kind);
      const events: unknown[] = [];
      for (const event of ['connect', 'disconnect', 'error']) bob.socket.on(event, () => events.push(event));
      await bob.join(ada.roomId);
      // With their usual heartbeats it would be 14 s.
      await eventually('the whole drawing comes', () => numbersOf(bob).length === 10_000, 7_000);
      expect(numbersOf(bob)).toEqual(range(0, 10_000));
      await eventually('the usual interval is back', () => Reflect.get(bob.socket.io.engine, 'pingInterval') === 2_000);
      expect(events).toEqual([]);
    },
  );

  it('get it in steps where they do not listen to another interval', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    await ada.ask({ eventOp: 'WhiteBoardStart' });
    await draw(ada, 0, 5_000, { text: 'x'.repeat(200) });
    const bob = new RawSocket(`${world.stack.edge.url}/socket.io/?EIO=3&transport=websocket`);
    await bob.opened();
    const heartbeat = setInterval(() => {
      bob.send('2');
    }, 2_000);
    try {
      const drawn: unknown[] = [];
      bob.send('40/SignalServer');
      bob.send(
        `42/SignalServer,${JSON.stringify(['knowledgetalk', { cpCode: 'demo', authKey: '', eventOp: 'RoomJoin', roomId: ada.roomId }])}`,
      );
      while (drawn.length < 5_000) {
        const message = await bob.next();
        if (message === null) throw new Error(`closed after ${drawn.length} strokes`);
        const [, stroked] = /"axisX":(\d+)/u.exec(message.toString()) ?? [];
        if (stroked !== undefined) drawn.push(Number(stroked));
      }
      expect(drawn).toEqual(range(0, 5_000));
    } finally {
      clearInterval(heartbeat);
      bob.close();
    }
  });
});

describe('newcomers on slow lines', () => {
  const WEBSOCKET: ClientKind = { ...FOUR, transports: ['websocket'] };
  const POLLING: ClientKind = { ...FOUR, transports: ['polling'] };

  it.each([
    { what: '10,000 strokes at 200 KB/s', kinds: [WEBSOCKET, TWO, POLLING], bytesPerSecond: 200_000, text: '' },
    // More than a client may be behind.
    { what: '6 MB at 1 MB/s', kinds: [WEBSOCKET], bytesPerSecond: 1_000_000, text: 'x'.repeat(450) },
  ])(
    'get $what, all in order, while others draw on and nobody waits for them',
    async ({ kinds, bytesPerSecond, text }) => {
      const [ada] = await world.room(1);
      if (!ada) return;
      await ada.ask({ eventOp: 'WhiteBoardStart' });
      await draw(ada, 0, 10_000, { text });
      const lines = await Promise.all(kinds.map(() => SlowLine.open(world.stack.edge.url, bytesPerSecond)));
      const slow = await Promise.all(lines.map(({ url }, index) => KtClient.open(url, kinds[index])));
      try {
        const ends: unknown[] = [];
        for (const { socket } of slow) socket.on('disconnect', (reason) => ends.push(reason));
        await Promise.all(slow.map((client) => client.join(ada.roomId)));
        await draw(ada, 10_000, 100, { text });
        const fast = await world.newcomer(ada.roomId);
        await draw(ada, 10_100, 100, { text });
        await eventually('the others have it all', () => numbersOf(fast).length >= 10_200, 30_000);
        expect(numbersOf(fast)).toEqual(range(0, 10_200));

        for (const client of slow) {
          expect(numbersOf(client).length).toBeLessThan(10_000);
        }
        const haveAll = () => slow.every((client) => numbersOf(client).length >= 10_200);
        await eventually('the whole drawing comes, or a client is closed', () => haveAll() || ends.length > 0, 90_000);
        ada.say(stroke(99_999));
        for (const client of slow) {
          await eventually('what is drawn now comes', () => numbersOf(client).at(-1) === 99_999);
          expect(numbersOf(client)).toEqual([...range(0, 10_200), 99_999]);
        }
        expect(ends).toEqual([]);
      } finally {
        for (const client of slow) client.close();
        for (const line of lines) line.close();
      }
    },
    150_000,
  );
});
