import { beforeEach, describe, expect, it } from 'vitest';
import type { RefusalReason } from '../../worker/room/errors.ts';
import { KEPT_MESSAGES } from '../../worker/room/message.ts';
import type { JoinOptions } from '../../worker/room/room.ts';
import { RoomUnderTest } from './room-under-test.ts';

let test: RoomUnderTest;
beforeEach(() => {
  test = new RoomUnderTest();
});

function enter(id: string, options: JoinOptions = {}): void {
  test.room.join(id, 0, 60_000, options);
  test.room.openSession(id, `session of ${id}`);
}

function refused(reason: RefusalReason, command: () => unknown): void {
  const before = test.events.length;
  expect(command).toThrow(expect.objectContaining({ reason }) as Error);
  expect(test.events).toHaveLength(before);
}

describe('the topology', () => {
  const direct = { direct: true } as const;

  function arrivals(): unknown[] {
    return test.events.map((event) => (event.type === 'participant-joined' ? [event.participantId, event.topology, event.turned] : event));
  }

  it('is direct for two that can do without the media node, and routed from the third on, for ever', () => {
    enter('ada', direct);
    expect(test.room.staysDirect({ direct: true })).toBe(true);
    enter('bob', direct);
    expect(test.room.staysDirect({ direct: true })).toBe(false);
    enter('eve', direct);
    enter('dan', direct);
    expect(arrivals()).toEqual([
      ['ada', 'direct', false],
      ['bob', 'direct', false],
      ['eve', 'routed', true],
      ['dan', 'routed', false],
    ]);
    for (const id of ['eve', 'dan', 'bob']) test.room.leave(id, 'left');
    expect(test.room.topology).toBe('routed');
    expect(test.reloaded().topology).toBe('routed');
  });

  it('is routed as soon as somebody cannot', () => {
    enter('ada', direct);
    expect(test.room.staysDirect({ direct: false })).toBe(false);
    enter('bob');
    expect(arrivals()).toEqual([
      ['ada', 'direct', false],
      ['bob', 'routed', true],
    ]);
  });

  it('does not turn for somebody who only has a seat', () => {
    enter('ada', direct);
    test.room.join('bob', 0, 60_000);
    expect(test.room.topology).toBe('direct');
  });
});

describe('an observer', () => {
  it('is not announced, counted or listed, sees the room and ends with it', () => {
    test = new RoomUnderTest(1);
    enter('ada');
    enter('eve', { observer: true });
    expect(test.events).toHaveLength(1);
    expect(test.room.participants().map(({ id }) => id)).toEqual(['ada']);
    expect(test.room.observers().map(({ id }) => id)).toEqual(['eve']);
    expect(test.room.host()?.id).toBe('ada');
    refused('room-full', () => test.room.join('bob', 0, 60_000));
    test.room.leave('ada', 'left');
    expect(test.gone).toEqual([
      ['ada', 'left'],
      ['eve', 'room-ended'],
    ]);
    expect(test.events).toHaveLength(2);
    expect(test.room.isOver(0)).toBe(true);
  });
});

describe('a floor', () => {
  it.each(['screen', 'whiteboard', 'files', 'recording'] as const)('of the %s has one holder', (floor) => {
    enter('ada');
    enter('bob');
    test.takeAllEvents();
    test.room.takeFloor(floor, 'ada');
    test.room.takeFloor(floor, 'ada');
    refused('floor-taken', () => {
      test.room.takeFloor(floor, 'bob');
    });
    refused('floor-not-held', () => {
      test.room.releaseFloor(floor, 'bob');
    });
    expect(test.reloaded().floorHolder(floor)).toBe('ada');
    test.room.releaseFloor(floor, 'ada');
    test.room.takeFloor(floor, 'bob');
    expect(test.takeAllEvents()).toEqual([
      { type: 'floor-taken', participantId: 'ada', floor },
      { type: 'floor-released', participantId: 'ada', floor },
      { type: 'floor-taken', participantId: 'bob', floor },
    ]);
  });

  it('is free again before its holder is told gone', () => {
    enter('ada');
    enter('bob');
    test.room.takeFloor('screen', 'ada');
    test.takeAllEvents();
    test.room.leave('ada', 'vanished');
    expect(test.takeAllEvents()).toMatchObject([
      { type: 'floor-released', participantId: 'ada', floor: 'screen' },
      { type: 'participant-left', participantId: 'ada', reason: 'vanished' },
    ]);
    test.room.takeFloor('screen', 'bob');
  });
});

describe('what participants tell each other', () => {
  beforeEach(() => {
    enter('ada');
    enter('bob');
    test.takeAllEvents();
  });

  it('is chat, for all or for one, and the latest of it is kept', () => {
    test.room.say('ada', 'hello', 1);
    test.room.say('bob', 'psst', 2, 'ada');
    refused('participant-not-found', () => {
      test.room.say('ada', 'nobody', 3, 'eve');
    });
    expect(test.takeAllEvents()).toEqual([
      { type: 'message-sent', participantId: 'ada', text: 'hello' },
      { type: 'message-sent', participantId: 'bob', text: 'psst', to: 'ada' },
    ]);
    for (let index = 0; index < KEPT_MESSAGES; index += 1) test.room.say('ada', String(index), index);
    const kept = test.reloaded().messages();
    expect(kept).toHaveLength(KEPT_MESSAGES);
    expect([kept[0]?.text, kept.at(-1)?.text]).toEqual(['0', String(KEPT_MESSAGES - 1)]);
  });

  it('is anything else, which is not kept', () => {
    test.room.sendData('ada', { x: 1 }, { to: 'bob' });
    test.room.sendData('ada', [null], { stream: 's' });
    refused('participant-not-found', () => {
      test.room.sendData('ada', 1, { to: 'eve' });
    });
    expect(test.takeAllEvents()).toEqual([
      { type: 'data-sent', participantId: 'ada', data: { x: 1 }, to: 'bob' },
      { type: 'data-sent', participantId: 'ada', data: [null], stream: 's' },
    ]);
  });

  it('is a name, and a blurred background', () => {
    test.room.rename('ada', '에이다');
    test.room.setBlurred('ada', true);
    expect(test.takeAllEvents()).toEqual([
      { type: 'participant-renamed', participantId: 'ada', name: '에이다' },
      { type: 'blur-changed', participantId: 'ada', on: true },
    ]);
    expect(test.reloaded().participant('ada')).toMatchObject({ name: '에이다', blurred: true });
  });
});

describe('a stay ends', () => {
  it('when its lease runs out, whatever its session looks like, unless there is a sign of life', () => {
    enter('ada', { lease: 60_000 });
    enter('bob', { lease: 60_000 });
    expect(test.room.nextDeadline()).toBe(60_000);
    test.room.renewLease('bob', 90_000);
    test.room.sweep(60_000);
    expect(test.gone).toEqual([['ada', 'vanished']]);
    expect(test.room.nextDeadline()).toBe(90_000);
  });

  it('does not write a lease of every word', () => {
    enter('ada', { lease: 60_000 });
    const before = test.room.participant('ada');
    test.room.renewLease('ada', 61_000);
    expect(test.room.participant('ada')).toBe(before);
  });

  it('by somebody who may put it out, and with the room', () => {
    enter('ada');
    enter('bob');
    test.room.expel('bob');
    refused('participant-not-found', () => {
      test.room.expel('bob');
    });
    test.room.end();
    expect(test.gone).toEqual([
      ['bob', 'expelled'],
      ['ada', 'room-ended'],
    ]);
    expect(test.room.isOver(0)).toBe(true);
  });
});

it('a room that was made for few takes no more, however many the edge would', () => {
  test = new RoomUnderTest(100, { capacity: 1 });
  enter('ada');
  refused('room-full', () => test.room.join('bob', 0, 60_000));
  expect(test.reloaded().capacity).toBe(1);
});

it('the host is whoever has been there longest', () => {
  test.room.join('eve', 0, 60_000);
  for (const id of ['bob', 'ada']) enter(id);
  expect(test.room.host()?.id).toBe('bob');
  test.room.leave('bob', 'left');
  expect(test.room.host()?.id).toBe('ada');
});
