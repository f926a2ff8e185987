import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshRoom, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { expectRefused } from './support/refusals.ts';

const EMPTY = { transports: 0, producers: 0, consumers: 0 };

let t: TestNode;
beforeAll(async () => {
  t = await startTestNode({ MEDIA_WORKERS: '2' });
});
afterAll(() => t.close());

describe('generations', () => {
  test('a room is opened, renewed, inspected and closed', async () => {
    const path = freshRoom();
    const { rtpCapabilities } = await t.client.call('openRoom', { path });
    expect(rtpCapabilities.codecs.map(({ mimeType }) => mimeType)).toContain('audio/opus');
    expect(await t.client.call('renewRoom', { path })).toEqual({});
    expect(await t.client.call('inspectRoom', { path })).toEqual(EMPTY);
    expect(await t.client.call('closeRoom', { path })).toEqual({});
    await expectRefused(t.client.call('inspectRoom', { path }), 'room-not-found');
    await expectRefused(t.client.call('renewRoom', { path }), 'room-not-found');
    await expectRefused(t.client.call('closeRoom', { path }), 'room-not-found');
  });

  test('opening again in the same generation keeps what is in the room', async () => {
    const path = freshRoom(3);
    const first = await t.client.call('openRoom', { path });
    await t.client.call('createTransport', { path });
    expect(await t.client.call('openRoom', { path })).toEqual(first);
    expect((await t.client.call('inspectRoom', { path })).transports).toBe(1);
  });

  test('a newer generation closes the older one without an event', async () => {
    const path = freshRoom(1);
    const newer = { ...path, generation: '2' };
    await t.client.call('openRoom', { path });
    await t.client.call('createTransport', { path });
    await t.client.call('openRoom', { path: newer });
    expect(await t.client.call('inspectRoom', { path: newer })).toEqual(EMPTY);
    await expectRefused(t.client.call('inspectRoom', { path }), 'stale-generation');
    expect(t.edge.arrived.filter(({ room }) => room === path.room)).toEqual([]);
  });

  test('an older generation cannot be opened, and orders of any other generation are refused', async () => {
    const path = freshRoom(5);
    await t.client.call('openRoom', { path });
    await expectRefused(t.client.call('openRoom', { path: { ...path, generation: '4' } }), 'stale-generation');
    for (const generation of ['4', '6']) {
      const other = { ...path, generation };
      await expectRefused(t.client.call('renewRoom', { path: other }), 'stale-generation');
      await expectRefused(t.client.call('inspectRoom', { path: other }), 'stale-generation');
      await expectRefused(t.client.call('createTransport', { path: other }), 'stale-generation');
      await expectRefused(t.client.call('closeRoom', { path: other }), 'stale-generation');
    }
    expect(await t.client.call('inspectRoom', { path })).toEqual(EMPTY);
  });

  test('a room that was closed by order may start again at 1', async () => {
    const path = freshRoom(7);
    await t.client.call('openRoom', { path });
    await t.client.call('closeRoom', { path });
    const again = { ...path, generation: '1' };
    await t.client.call('openRoom', { path: again });
    expect(await t.client.call('inspectRoom', { path: again })).toEqual(EMPTY);
  });

  test('rooms whose names look alike are different rooms', async () => {
    const { room } = freshRoom();
    const alike = [room, `${room}/`, `${room} `, `${room}%2F`, room.toUpperCase()].map((name) => ({ room: name, generation: '1' }));
    for (const path of alike) await t.client.call('openRoom', { path });
    await t.client.call('createTransport', { path: { room, generation: '1' } });
    const counts = await Promise.all(alike.map(async (path) => (await t.client.call('inspectRoom', { path })).transports));
    expect(counts).toEqual([1, 0, 0, 0, 0]);
  });
});

describe('at the same time', () => {
  test('many openings of one room open it once', async () => {
    const path = freshRoom();
    const before = await roomCount();
    await Promise.all(Array.from({ length: 20 }, () => t.client.call('openRoom', { path })));
    expect((await roomCount()) - before).toBe(1);
    expect(await t.client.call('inspectRoom', { path })).toEqual(EMPTY);
  });

  test('openings of several generations leave the newest', async () => {
    const { room } = freshRoom();
    const before = await roomCount();
    const generations = ['3', '1', '4', '1', '5', '9', '2', '6'];
    const outcomes = await Promise.allSettled(generations.map((generation) => t.client.call('openRoom', { path: { room, generation } })));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'stale-generation' });
    }
    expect(await t.client.call('inspectRoom', { path: { room, generation: '9' } })).toEqual(EMPTY);
    expect((await roomCount()) - before).toBe(1);
  });

  test('a room that is closed while things are opened in it leaves nothing behind', async () => {
    const path = freshRoom();
    const before = await openTransports();
    await t.client.call('openRoom', { path });
    const orders = Array.from({ length: 20 }, () => t.client.call('createTransport', { path }));
    const closing = t.client.call('closeRoom', { path });
    for (const outcome of await Promise.allSettled([...orders, closing])) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'room-not-found' });
    }
    expect(await openTransports()).toBe(before);
  });

  async function metric(name: string): Promise<number> {
    const { text } = await t.client.send({ method: 'GET', path: '/metrics' });
    return Number(new RegExp(`^${name} (\\d+)$`, 'mu').exec(text)?.[1]);
  }

  function roomCount(): Promise<number> {
    return metric('parley_media_rooms');
  }

  function openTransports(): Promise<number> {
    return metric('parley_media_transports');
  }
});

describe('the lease', () => {
  let short: TestNode;
  beforeAll(async () => {
    short = await startTestNode({}, { leaseSeconds: 1 });
  });
  afterAll(() => short.close());

  test('a room that nobody renews is closed, and the room object is told', async () => {
    const path = freshRoom();
    await short.client.call('openRoom', { path });
    await short.edge.until(() => short.edge.eventsOf(path.room).length > 0);
    expect(short.edge.eventsOf(path.room)).toEqual([{ type: 'room-closed', cause: 'lease-expired' }]);
    await expectRefused(short.client.call('inspectRoom', { path }), 'room-not-found');
  });

  test('what was lost does not come back empty in its old generation', async () => {
    const path = freshRoom(2);
    await short.client.call('openRoom', { path });
    await short.edge.until(() => short.edge.eventsOf(path.room, 2).length > 0);
    await expectRefused(short.client.call('openRoom', { path }), 'stale-generation');
    await short.client.call('openRoom', { path: { ...path, generation: '3' } });
  });

  test('renewing and opening again prolong it, other orders do not', async () => {
    const [renewed, reopened, used] = [freshRoom(), freshRoom(), freshRoom()];
    for (const path of [renewed, reopened, used]) await short.client.call('openRoom', { path });
    for (let i = 0; i < 8; i += 1) {
      await sleep(200);
      await short.client.call('renewRoom', { path: renewed });
      await short.client.call('openRoom', { path: reopened });
      if (i < 3) await short.client.call('createTransport', { path: used });
    }
    await short.client.call('inspectRoom', { path: renewed });
    await short.client.call('inspectRoom', { path: reopened });
    await expectRefused(short.client.call('inspectRoom', { path: used }), 'room-not-found');
  });
});
