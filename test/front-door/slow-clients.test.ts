/** Clients that only listen stay, however much they are sent; clients that do not read are closed, and nobody else notices. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../harness/eventually.ts';
import { Member } from '../protocols/group-call/member.ts';
import { type ClientKind, TWO } from '../protocols/knowledgetalk/client.ts';
import { World } from '../protocols/knowledgetalk/world.ts';

const LISTENERS: readonly ClientKind[] = (['2.x', '4.x'] as const).flatMap((generation) =>
  (['websocket', 'polling'] as const).map((transport) => ({ generation, transports: [transport], namespace: '/SignalServer' as const })),
);

let world: World;

beforeAll(async () => {
  world = await World.start();
});

afterEach(() => {
  world.clear();
});

afterAll(() => world.stop());

describe('over Socket.IO', () => {
  it.each(LISTENERS)('a client $generation by $transports that only listens gets 5 MB and stays', async (kind) => {
    const [ada, bob] = [await world.client(TWO), await world.client(kind)];
    await bob.join(await ada.create());
    await ada.join(bob.roomId);
    await bob.settled();
    for (let round = 1; round <= 10; round += 1) {
      for (let index = 0; index < 10; index += 1) ada.say({ signalOp: 'Chat', message: 'x'.repeat(50_000) });
      await eventually(`half a megabyte, ${round} times`, () => bob.messages.length >= 10 * round);
    }
    expect(bob.messages.splice(0).map(({ signalOp }) => signalOp)).toEqual(Array<string>(100).fill('Chat'));
    // In the same room, on the same connection.
    expect(await bob.settled()).toEqual([]);
  });
});

describe.each(['/socket', '/rtc/123/abcdefgh/websocket'])('at %s', (path) => {
  const isSockJs = path !== '/socket';
  const LONG = 'l'.repeat(190);

  it('a client that does not read is closed after a megabyte, and nobody else', async () => {
    const { url } = world.stack.edge;
    const room = `slow at ${path}`;
    const talker = await Member.open(url, LONG);
    const listener = await Member.open(url, 'listener');
    const stuck = new WebSocket(url.replace(/^http/u, 'ws') + path);
    await once(stuck, 'open');
    await talker.join(room);
    await listener.join(room);
    const join = JSON.stringify({ id: 'joinRoom', userId: 'stuck', roomId: room });
    stuck.send(isSockJs ? JSON.stringify([join]) : join);
    await listener.next('newParticipantArrived');
    stuck.pause();

    // Each of these goes to everybody, and has more than 200 bytes.
    const hearsOfIt = () => listener.messages.some(({ id, userId }) => id === 'participantLeft' && userId === 'stuck');
    const heard = () => listener.messages.filter(({ id, userId }) => id === 'audioStateAnswer' && userId === LONG).length;
    let said = 0;
    while (said < 6_000 && !hearsOfIt()) {
      for (let index = 0; index < 100; index += 1) talker.say({ id: 'audioStateFrom', userId: LONG, audio: index % 2 === 0 });
      said += 100;
      // Who only listens has to give a sign of life.
      listener.say({ id: 'audioStateFrom', userId: 'listener', audio: true });
      await eventually(`${said} states are told`, () => heard() >= said);
    }
    await eventually('the others hear that it was closed', hearsOfIt);
    // So that it had about a megabyte before.
    expect(said).toBeGreaterThan(4_000);
    expect([talker.closed, listener.closed]).toEqual([undefined, undefined]);

    const frames: string[] = [];
    stuck.on('message', (data: Buffer) => frames.push(data.toString()));
    const closed = once(stuck, 'close') as Promise<[number, Buffer]>;
    stuck.resume();
    const [code, reason] = await closed;
    const farewell = isSockJs ? (JSON.parse(frames.at(-1)?.slice(1) ?? '') as [number, string]) : [code, reason.toString()];
    expect(farewell).toEqual([1013, 'too much was sent without a sign of life, connect again']);
    for (const member of [talker, listener]) member.close();
  });
});
