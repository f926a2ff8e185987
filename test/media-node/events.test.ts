/** The way of events to the edge: real requests to a real HTTP server that fails in every way a server can fail. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MediaEvent } from '../../shared/media-api.ts';
import { Courier } from '../../media-node/events/courier.ts';
import { Outboxes } from '../../media-node/events/outboxes.ts';
import { createLog } from '../../media-node/log.ts';
import { Edge } from './support/edge.ts';
import { randomSecret } from './support/node.ts';

const ROOM = { id: 'default/événements', generation: 4 };

let edge: Edge;
let courier: Courier;
let outboxes: Outboxes;
let tally: { sent: number; retried: number; dropped: number };
beforeEach(async () => {
  const secret = randomSecret();
  edge = await Edge.start(secret);
  courier = new Courier(edge.url, secret);
  tally = { sent: 0, retried: 0, dropped: 0 };
  const counting = {
    sent: (events: number) => (tally.sent += events),
    retried: () => (tally.retried += 1),
    dropped: (events: number) => (tally.dropped += events),
  };
  outboxes = new Outboxes(courier, counting, createLog('silent'));
});
afterEach(async () => {
  await outboxes.flush(0);
  await courier.close();
  await edge.stop();
  expect(edge.faults).toEqual([]);
});

function closed(number: number): MediaEvent {
  return { type: 'producer-closed', producer: `p${number}` };
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function add(from: number, to: number, room = ROOM): void {
  for (const number of numbers(from, to)) outboxes.add(room, closed(number));
}

async function untilTaken(count: number, room = ROOM): Promise<void> {
  await edge.until(() => edge.eventsOf(room.id, room.generation).length >= count);
}

describe('delivery', () => {
  test('events of one moment share a batch, numbered from 1', async () => {
    add(1, 3);
    await untilTaken(3);
    outboxes.add(ROOM, closed(4));
    await edge.until(() => tally.sent === 4);
    expect(edge.arrived).toEqual([
      { room: ROOM.id, generation: 4, first: 1, events: [closed(1), closed(2), closed(3)] },
      { room: ROOM.id, generation: 4, first: 4, events: [closed(4)] },
    ]);
    expect(tally).toEqual({ sent: 4, retried: 0, dropped: 0 });
  });

  test('a batch has at most 100 events, and requests of a room do not overtake each other', async () => {
    add(1, 250);
    await untilTaken(250);
    expect(edge.arrived.map(({ first, events }) => [first, events.length])).toEqual([
      [1, 100],
      [101, 100],
      [201, 50],
    ]);
    expect(edge.mostAtOnce).toBe(1);
  });

  test('generations and rooms are numbered by themselves', async () => {
    const others = [
      { ...ROOM, generation: 5 },
      { id: 'default/other', generation: 4 },
    ];
    add(1, 2);
    for (const other of others) add(1, 2, other);
    for (const room of [ROOM, ...others]) await untilTaken(2, room);
    expect(edge.arrived.map(({ first }) => first)).toEqual([1, 1, 1]);
  });

  test('connections are kept', async () => {
    for (const number of numbers(1, 20)) {
      add(number, number);
      await untilTaken(number);
    }
    expect(edge.connections.size).toBeLessThan(5);
  });
});

describe('an edge that fails', () => {
  test.each([500, 503, 429, 401, 400, 302])('an answer of %d is no answer: the same batch comes again', async (status) => {
    edge.answers.push(status, status);
    add(1, 3);
    await edge.until(() => tally.sent === 3);
    expect(edge.arrived).toHaveLength(3);
    expect(new Set(edge.arrived.map((batch) => JSON.stringify(batch))).size).toBe(1);
    expect(tally).toEqual({ sent: 3, retried: 2, dropped: 0 });
  });

  test('what comes in the meantime waits, and the order is kept', async () => {
    edge.answers.push(500, 500);
    add(1, 1);
    await edge.until(() => edge.arrived.length === 1);
    add(2, 5);
    await untilTaken(5);
    expect(edge.eventsOf(ROOM.id, 4)).toEqual(numbers(1, 5).map(closed));
    expect(edge.taken.map(({ first }) => first)).toEqual([1, 2]);
  });

  test('a batch whose answer was lost comes again with the same numbers', async () => {
    edge.answers.push(0);
    add(1, 2);
    await edge.until(() => edge.arrived.length === 1);
    outboxes.add(ROOM, closed(3));
    await untilTaken(3);
    expect(edge.taken.map(({ first, events }) => [first, events.length])).toEqual([
      [1, 2],
      [1, 2],
      [3, 1],
    ]);
  });

  test('nothing is lost while it restarts', async () => {
    add(1, 1);
    await untilTaken(1);
    await edge.stop();
    add(2, 150);
    await sleep(500);
    await edge.restart();
    await untilTaken(150);
    expect(edge.eventsOf(ROOM.id, 4)).toEqual(numbers(1, 150).map(closed));
    expect(tally.dropped).toBe(0);
  });

  test('one room that is refused does not hold up the others', async () => {
    edge.answers.push(...Array<number>(3).fill(500));
    add(1, 1);
    await edge.until(() => edge.arrived.length > 0);
    edge.answers.length = 0;
    edge.answers.push(204);
    const other = { id: 'default/other', generation: 1 };
    add(1, 1, other);
    await untilTaken(1, other);
  });
});

describe('what is given up', () => {
  test.each([404, 409])('an answer of %d ends the generation', async (status) => {
    edge.answers.push(status);
    add(1, 3);
    await edge.until(() => edge.arrived.length === 1);
    add(4, 6);
    await sleep(300);
    expect(edge.arrived).toHaveLength(1);
    expect(tally.sent).toBe(0);
  });

  test('nothing is delivered for a room that was closed by order', async () => {
    edge.answers.push(500);
    add(1, 3);
    await edge.until(() => edge.arrived.length === 1);
    await outboxes.close(ROOM, true);
    await sleep(500);
    expect(edge.arrived).toHaveLength(1);
    expect(tally.dropped).toBe(3);
  });

  test('a room that ended by itself still says so', async () => {
    edge.answers.push(500, 500);
    outboxes.add(ROOM, { type: 'room-closed', cause: 'worker-died' });
    await outboxes.close(ROOM, false);
    expect(edge.eventsOf(ROOM.id, 4)).toEqual([{ type: 'room-closed', cause: 'worker-died' }]);
  });

  test('a flush ends in time when the edge is gone', async () => {
    await edge.stop();
    add(1, 3);
    await outboxes.flush(200);
    expect(tally).toMatchObject({ sent: 0, dropped: 3 });
  });

  test('what says nothing any more is not sent', async () => {
    edge.answers.push(500);
    add(1, 1);
    await edge.until(() => edge.arrived.length === 1);
    const levels = (producer: string): MediaEvent => ({ type: 'audio-levels', levels: [{ producer, volume: -20 }] });
    const state = (transport: string, now: 'connected' | 'disconnected'): MediaEvent => ({
      type: 'transport-state',
      transport,
      state: now,
    });
    const late = [
      levels('a'),
      state('t1', 'connected'),
      state('t2', 'connected'),
      closed(2),
      levels('b'),
      state('t1', 'disconnected'),
      levels('c'),
    ];
    for (const event of late) outboxes.add(ROOM, event);
    await untilTaken(5);
    expect(edge.eventsOf(ROOM.id, 4)).toEqual([closed(1), state('t2', 'connected'), closed(2), state('t1', 'disconnected'), levels('c')]);
  });

  test('memory is bounded: of very many the newest are kept, without a gap in the numbers', async () => {
    edge.answers.push(500);
    add(0, 0);
    await edge.until(() => edge.arrived.length === 1);
    add(1, 1_500);
    await untilTaken(1_001);
    expect(edge.eventsOf(ROOM.id, 4)).toEqual([closed(0), ...numbers(501, 1_500).map(closed)]);
    expect(tally.dropped).toBe(500);
    expect(edge.taken.map(({ first }) => first)).toEqual([1, ...numbers(0, 9).map((batch) => batch * 100 + 2)]);
  });
});
