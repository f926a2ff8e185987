import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { PARTICIPANT_HEADER, PROTOCOL_HEADER, ROOM_HEADER } from '../../worker/platform/env.ts';

type Stub = ReturnType<typeof env.ROOMS.getByName>;

/**
 * Writes records behind the room's back, and lets its next incarnation read them. (Nobody can take a seat here in the ordinary way: these
 * tests have no media node.)
 */
async function rewrite(name: string, records: readonly (readonly [collection: string, id: string, record: object])[]): Promise<Stub> {
  const stub = env.ROOMS.getByName(name);
  await call(name, 'createRoom');
  await runInDurableObject(stub, async (_object, { storage }) => {
    const sql = 'INSERT OR REPLACE INTO records (collection, id, record) VALUES (?, ?, ?)';
    for (const [collection, id, record] of records) storage.sql.exec(sql, collection, id, JSON.stringify(record));
    await storage.sync();
  });
  await runInDurableObject(stub, (_object, state) => {
    state.abort('so that the storage is read again');
  }).catch(() => undefined);
  return env.ROOMS.getByName(name);
}

function seat(id: string): [string, string, object] {
  const presence = { state: 'entering', until: Date.now() + 60_000 };
  return ['participants', id, { id, generation: 1, joinedAt: Date.now(), presence, connections: {}, disclosed: false }];
}

async function call(name: string, endpoint: string): Promise<unknown> {
  const { result } = JSON.parse(await env.ROOMS.getByName(name).call(name, 'mediasoup-http', { endpoint })) as { result: unknown };
  return result;
}

async function open(stub: Stub, name: string, userMail: string): Promise<WebSocket> {
  const headers = {
    upgrade: 'websocket',
    [ROOM_HEADER]: encodeURIComponent(name),
    [PARTICIPANT_HEADER]: encodeURIComponent(userMail),
    [PROTOCOL_HEADER]: 'mediasoup-http',
  };
  const { webSocket } = await stub.fetch('http://localhost/', { headers });
  if (!webSocket) throw new Error('the upgrade was refused');
  webSocket.accept();
  return webSocket;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await scheduler.wait(10);
}

it('a quiet room hibernates, and its sessions neither notice nor lose their place', async () => {
  const name = 'default/quiet';
  const stub = await rewrite(name, [seat('ada'), seat('bob')]);
  const [ada, bob] = [await open(stub, name, 'ada'), await open(stub, name, 'bob')];
  const frames: string[] = [];
  ada.addEventListener('message', ({ data }) => frames.push(String(data)));
  await runInDurableObject(stub, (object) => Object.assign(object, { wasHereBefore: true }));

  // The runtime evicts an object with hibernatable sockets after ten quiet seconds.
  await scheduler.wait(12_000);
  expect(await runInDurableObject(stub, (object) => 'wasHereBefore' in object)).toBe(false);

  bob.close(1000, 'bye');
  await until(() => frames.some((frame) => frame.includes('userLeft')));
  expect(JSON.parse(frames.at(-1) ?? '')).toEqual({ notification: true, method: 'userLeft', data: { user: 'bob' } });
});

it('a client that never says anything is closed with a code to come back with when a megabyte was sent, and nobody else', async () => {
  const name = 'default/silent';
  const bob = 'b'.repeat(254);
  const publication = { id: 'p1', participantId: bob, stream: '1-main', source: 'microphone', paused: false };
  const stub = await rewrite(name, [seat('ada'), seat(bob), seat('eve'), ['publications', 'p1', publication]]);
  const sockets = { ada: await open(stub, name, 'ada'), bob: await open(stub, name, bob), eve: await open(stub, name, 'eve') };
  const closed: [string, number][] = [];
  for (const [who, socket] of Object.entries(sockets)) {
    socket.addEventListener('close', ({ code }) => {
      closed.push([who, code]);
    });
  }
  // Each notification has more than 300 bytes, so these are more than a megabyte.
  let received = 0;
  sockets.eve.addEventListener('message', () => {
    received += 1;
    if (received % 500 === 0) sockets.eve.send('{}');
  });
  for (let sent = 0; sent < 3_500; sent += 1) {
    sockets.bob.send('{"method":"producerPaused","data":{"type":"mic"}}');
    // Nobody may run ahead of eve, or her answers would come too late to count.
    if (sent % 500 === 0) await until(() => received >= sent - 500);
  }
  await until(() => closed.length > 0);
  expect(closed).toEqual([['ada', 1013]]);
  expect(await call(name, 'attendees')).toHaveLength(3);
});

it('a room that nobody enters is forgotten by its alarm', async () => {
  const name = 'default/unused';
  const room = { id: name, createdAt: Date.now() - 300_000, sequence: 0, lastGeneration: 0, entered: false };
  const stub = await rewrite(name, [['room', name, room]]);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await call(name, 'exists')).toEqual({ exists: false });
});

it('asking for a room that does not exist leaves nothing behind', async () => {
  const name = 'default/never';
  await call(name, 'exists');
  const stub = env.ROOMS.getByName(name);
  await runInDurableObject(stub, async (_object, { storage }) => {
    expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'records'").toArray()).toEqual([]);
    expect(await storage.getAlarm()).toBeNull();
  });
});
