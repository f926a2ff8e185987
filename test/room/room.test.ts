import { beforeEach, describe, expect, it } from 'vitest';
import type { Refusal, RefusalReason } from '../../worker/room/errors.ts';
import { RoomUnderTest } from './room-under-test.ts';

let test: RoomUnderTest;

beforeEach(() => {
  test = new RoomUnderTest();
});

function expectRefusal(reason: RefusalReason, command: () => unknown): void {
  const eventsBefore = test.events.length;
  expect(command).toThrow(expect.objectContaining({ name: 'Refusal', reason }) as Refusal);
  expect(test.events).toHaveLength(eventsBefore);
}

describe('joining', () => {
  it('announces a newcomer only when its session opens, with what it publishes by then', () => {
    test.room.join('ada', 0, 60_000);
    const publication = test.room.publish('ada', 'camera', 'p1');
    expect(test.takeEvents()).toEqual([]);
    test.room.openSession('ada', 's1');
    expect(test.takeEvents()).toEqual([
      { type: 'participant-joined', participantId: 'ada', publications: [publication], indication: { audio: false, video: true } },
    ]);
  });

  it('refuses the same identity while it is there, whatever its presence', () => {
    test.room.join('ada', 0, 60_000);
    expectRefusal('already-joined', () => test.room.join('ada', 9_999, 70_000));
    test.room.openSession('ada', 's1');
    expectRefusal('already-joined', () => test.room.join('ada', 20_000, 80_000));
    test.room.loseSession('ada', 's1', 30_000);
    expectRefusal('already-joined', () => test.room.join('ada', 20_000, 80_000));
  });

  it('lets a new attempt replace one that is older than ten seconds and never opened a session', () => {
    const first = test.room.join('ada', 0, 60_000);
    test.room.connect('ada', 'send', 't1');
    const second = test.room.join('ada', 10_000, 70_000);
    expect(second.generation).toBeGreaterThan(first.generation);
    expect(test.orders).toEqual([{ type: 'close-transport', participantId: 'ada', transport: 't1' }]);
    expect(test.takeEvents()).toEqual([]);
    expectRefusal('superseded', () => test.room.require('ada', first.generation));
  });

  it('refuses more participants than the capacity, and takes another when one has left', () => {
    test = new RoomUnderTest(2);
    test.enter('ada');
    test.enter('bob');
    expectRefusal('room-full', () => test.room.join('eve', 0, 60_000));
    test.room.leave('bob', 'left');
    expect(test.room.join('eve', 0, 60_000).id).toBe('eve');
  });

  it('refuses a second session while the first is alive', () => {
    test.enter('ada');
    expectRefusal('already-joined', () => test.room.openSession('ada', 's2'));
    expectRefusal('participant-not-found', () => test.room.openSession('nobody', 's2'));
  });
});

describe('leaving', () => {
  it('is told once, takes the publications along, and closes the transports', () => {
    test.enter('ada');
    test.room.connect('ada', 'send', 't1');
    test.room.connect('ada', 'receive', 't2');
    test.room.publish('ada', 'camera', 'p1');
    test.takeEvents();
    test.room.endSession('ada', 'session of ada');
    test.room.endSession('ada', 'session of ada');
    test.room.leave('ada', 'left');
    expect(test.takeEvents()).toEqual([{ type: 'participant-left', participantId: 'ada', reason: 'left' }]);
    expect(test.orders.map((order) => order.type)).toEqual(['close-transport', 'close-transport']);
    expect(test.room.publication('p1')).toBeUndefined();
  });

  it('does not let the end of an older session evict a newer one', () => {
    test.enter('ada');
    test.room.loseSession('ada', 'session of ada', 10_000);
    test.room.openSession('ada', 'newer');
    test.room.endSession('ada', 'session of ada');
    test.room.loseSession('ada', 'session of ada', 10_000);
    expect(test.room.participant('ada')?.presence).toEqual({ state: 'present', session: 'newer', until: null });
  });

  it('keeps a participant whose session was cut until its deadline, and its return is silent', () => {
    test.enter('ada');
    test.takeEvents();
    test.room.loseSession('ada', 'session of ada', 10_000);
    expect(test.room.nextDeadline()).toBe(10_000);
    test.room.sweep(9_999);
    test.room.openSession('ada', 's2');
    test.room.sweep(10_000);
    expect(test.takeEvents()).toEqual([]);
    test.room.loseSession('ada', 's2', 20_000);
    test.room.sweep(20_000);
    expect(test.takeEvents()).toEqual([{ type: 'participant-left', participantId: 'ada', reason: 'vanished' }]);
  });

  it('says nothing of a participant that nobody was told of', () => {
    test.room.join('ada', 0, 60_000);
    test.room.sweep(60_000);
    expect(test.takeEvents()).toEqual([]);
    expect(test.room.participants()).toEqual([]);
  });

  it('makes everybody agree when one leaves that only some were told of', () => {
    test.room.join('ada', 0, 60_000);
    test.room.publish('ada', 'camera', 'p1');
    test.room.disclose(test.room.participants());
    test.room.sweep(60_000);
    expect(test.takeEvents()).toEqual([
      { type: 'participant-joined', participantId: 'ada', publications: [], indication: { audio: false, video: false } },
      { type: 'participant-left', participantId: 'ada', reason: 'vanished' },
    ]);
  });
});

describe('the lease of a participant whose media is lost', () => {
  beforeEach(() => {
    test.enter('ada');
    test.room.connect('ada', 'send', 't1');
    test.room.connect('ada', 'receive', 't2');
    test.takeEvents();
  });

  it('runs when everything that was connected is lost, and ends when something comes back', () => {
    test.room.connectionChanged('t1', 'connected', 0);
    test.room.connectionChanged('t1', 'lost', 5_000);
    expect(test.room.nextDeadline()).toBe(15_000);
    test.room.connectionChanged('t1', 'connected', 6_000);
    expect(test.room.nextDeadline()).toBeNull();
  });

  it('does not run while one direction is still connected, nor before anything was', () => {
    test.room.connectionChanged('t1', 'connected', 0);
    test.room.connectionChanged('t2', 'connected', 0);
    test.room.connectionChanged('t1', 'lost', 5_000);
    expect(test.room.nextDeadline()).toBeNull();
  });

  it('lets a second session in, because the first has vanished', () => {
    test.room.connectionChanged('t1', 'connected', 0);
    test.room.connectionChanged('t1', 'lost', 5_000);
    test.room.openSession('ada', 's2');
    expect(test.room.participant('ada')?.presence).toMatchObject({ session: 's2' });
  });

  it('is not prolonged by a second report of the same loss', () => {
    test.room.connectionChanged('t1', 'connected', 0);
    test.room.connectionChanged('t1', 'lost', 5_000);
    test.room.connectionChanged('t1', 'lost', 9_000);
    test.room.sweep(15_000);
    expect(test.takeEvents()).toEqual([{ type: 'participant-left', participantId: 'ada', reason: 'vanished' }]);
  });
});

describe('publishing', () => {
  beforeEach(() => {
    test.enter('ada');
    test.takeEvents();
  });

  it('replaces a publication of the same source: removed, then added', () => {
    const first = test.room.publish('ada', 'camera', 'p1');
    const second = test.room.publish('ada', 'camera', 'p2');
    expect(test.takeEvents()).toEqual([
      { type: 'publication-added', participantId: 'ada', publication: first },
      { type: 'indication-changed', participantId: 'ada', kind: 'video', on: true },
      { type: 'publication-removed', participantId: 'ada', publication: first },
      { type: 'publication-added', participantId: 'ada', publication: second },
    ]);
    expect(test.orders).toEqual([{ type: 'close-producer', participantId: 'ada', producer: 'p1' }]);
  });

  it('pauses and resumes for everybody, and tells each word of it', () => {
    test.room.publish('ada', 'microphone', 'p1');
    test.takeEvents();
    expect(test.room.setPaused('ada', 'microphone', true)).toBe(true);
    expect(test.room.setPaused('ada', 'microphone', false)).toBe(true);
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-paused' },
      { type: 'indication-changed', kind: 'audio', on: false },
      { type: 'publication-resumed' },
      { type: 'indication-changed', kind: 'audio', on: true },
    ]);
    expect(test.orders.map((order) => order.type)).toEqual(['pause-producer', 'resume-producer']);
  });

  it('does nothing about what is not published', () => {
    expect(test.room.setPaused('ada', 'screen', true)).toBe(false);
    expect(test.room.unpublish('ada', 'screen')).toBe(false);
    expect(test.takeEvents()).toEqual([]);
    expect(test.orders).toEqual([]);
  });

  it('forgets subscriptions with their publication, and tells an end that the media node reports', () => {
    test.enter('bob');
    test.room.publish('ada', 'camera', 'p1');
    test.room.subscribe('bob', 'c1', 'p1');
    test.takeEvents();
    test.room.publicationEnded('p1');
    test.room.publicationEnded('p1');
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-removed', publication: { id: 'p1' } },
      { type: 'indication-changed', kind: 'video', on: false },
    ]);
    expect(test.room.subscriptionsOf('bob')).toEqual([]);
    expect(test.orders).toEqual([]);
  });
});

it('tells who starts and who stops talking, once per change', () => {
  test.enter('ada');
  test.enter('bob');
  test.room.publish('ada', 'microphone', 'p1');
  test.room.publish('bob', 'microphone', 'p2');
  test.takeEvents();
  test.room.audibleChanged(['p1']);
  test.room.audibleChanged(['p1', 'p2', 'unknown']);
  test.room.audibleChanged([]);
  expect(test.takeEvents()).toEqual([
    { type: 'talking-changed', participantId: 'ada', talking: true },
    { type: 'talking-changed', participantId: 'bob', talking: true },
    { type: 'talking-changed', participantId: 'ada', talking: false },
    { type: 'talking-changed', participantId: 'bob', talking: false },
  ]);
});

it('says nothing of the talking of somebody whom nobody knows yet', () => {
  test.enter('ada');
  test.room.join('bob', 0, 60_000);
  test.room.publish('bob', 'microphone', 'p2');
  test.takeEvents();
  test.room.audibleChanged(['p2']);
  expect(test.takeEvents()).toEqual([]);
  test.room.openSession('bob', 's2');
  test.takeEvents();
  test.room.audibleChanged(['p2']);
  expect(test.takeEvents()).toEqual([{ type: 'talking-changed', participantId: 'bob', talking: true }]);
});

it('empties when the media node has lost everything, and orders nothing of it', () => {
  test.enter('ada');
  test.room.connect('ada', 'send', 't1');
  test.room.publish('ada', 'camera', 'p1');
  test.takeEvents();
  test.room.mediaLost(0);
  expect(test.takeEvents()).toEqual([{ type: 'participant-left', participantId: 'ada', reason: 'media-lost' }]);
  expect(test.orders).toEqual([]);
});

describe('the end of a room', () => {
  it('comes with the last departure', () => {
    test.enter('ada');
    expect(test.room.isOver(1)).toBe(false);
    test.room.leave('ada', 'left');
    expect(test.room.isOver(1)).toBe(true);
  });

  it('waits for five minutes for members whose media were lost, and comes with their last departure when they were back', () => {
    test.enter('ada');
    test.room.mediaLost(1_000_000);
    expect(test.room.nextDeadline()).toBe(1_300_000);
    expect(test.room.isOver(1_299_999)).toBe(false);
    expect(test.room.isOver(1_300_000)).toBe(true);
    test.enter('ada');
    test.room.leave('ada', 'left');
    expect(test.room.isOver(1_000_001)).toBe(true);
  });

  it('does not come because somebody asked for a seat and could not be served', () => {
    test.room.join('ada', 0, 60_000);
    test.room.leave('ada', 'left');
    expect(test.room.isOver(1)).toBe(false);
    expect(test.room.nextDeadline()).toBe(300_000);
  });

  it('comes after five minutes when nobody ever entered', () => {
    expect(test.room.nextDeadline()).toBe(300_000);
    expect(test.room.isOver(299_999)).toBe(false);
    expect(test.room.isOver(300_000)).toBe(true);
  });
});
