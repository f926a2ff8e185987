import { beforeEach, describe, expect, it } from 'vitest';
import { RoomUnderTest } from './room-under-test.ts';

let test: RoomUnderTest;
beforeEach(() => {
  test = new RoomUnderTest();
  test.enter('ada');
  test.takeAllEvents();
});

function observe(id: string, name?: string): void {
  test.room.join(id, 0, 60_000, { observer: true, ...(name !== undefined && { name }) });
  test.room.openSession(id, `session of ${id}`);
}

describe('an observer that is revealed', () => {
  it('is announced once, by the name that it has or is given, and counted from then on', () => {
    observe('eve');
    observe('bob', 'Bob');
    test.room.reveal('eve', 'cam');
    test.room.reveal('eve', 'other');
    test.room.reveal('bob', 'cam');
    expect(test.takeAllEvents()).toMatchObject([
      { type: 'participant-joined', participantId: 'eve', participant: { name: 'cam' }, topology: 'routed' },
      { type: 'participant-joined', participantId: 'bob', participant: { name: 'Bob' } },
    ]);
    expect(test.room.participants().map(({ id }) => id)).toEqual(['ada', 'eve', 'bob']);
    expect(test.reloaded().observers()).toEqual([]);
  });

  it('needs a place', () => {
    const full = new RoomUnderTest(1);
    full.enter('ada');
    full.room.join('eve', 0, 60_000, { observer: true });
    full.room.openSession('eve', 's');
    expect(() => {
      full.room.reveal('eve', 'cam');
    }).toThrow('room-full');
    expect(full.room.observers()).toHaveLength(1);
  });

  it('is nobody that is not there', () => {
    expect(() => {
      test.room.reveal('nobody', 'cam');
    }).toThrow('participant-not-found');
  });
});

it('observers are the last to go when a room is ended, and go once', () => {
  observe('eve');
  test.enter('bob');
  test.takeAllEvents();
  test.room.end();
  expect(test.gone).toEqual([
    ['ada', 'room-ended'],
    ['bob', 'room-ended'],
    ['eve', 'room-ended'],
  ]);
});

describe('a connection', () => {
  function publish(connection: string, stream: string): void {
    test.room.openStream('ada', stream, { label: stream });
    const opened = test.room.openConnection('ada', 'send', stream, connection, { note: { about: stream } });
    const tracks = (['microphone', 'camera'] as const).map((source) => ({ source, id: `${connection}-${source}`, stream }));
    test.room.establish(opened, { tracks, views: [] });
  }

  it('keeps what its protocol remembers of it, also when it is established, changed and loaded again', () => {
    publish('c1', 'one');
    test.room.connectionChanged('c1', 'connected', 0);
    expect(test.room.connection('c1')).toMatchObject({ note: { about: 'one' }, state: 'connected' });
    test.room.annotate('c1', { about: 'something else' });
    test.room.annotate('unknown', {});
    expect(test.reloaded().connection('c1')).toMatchObject({ note: { about: 'something else' }, state: 'connected' });
  });

  it('that is lost and then closed does not make its participant vanish', () => {
    publish('c1', 'one');
    test.room.connectionChanged('c1', 'connected', 0);
    test.room.connectionChanged('c1', 'lost', 1000);
    expect(test.room.nextDeadline()).toBe(11_000);
    test.room.closeConnection('c1');
    expect(test.room.nextDeadline()).toBeNull();
  });

  it('that is lost and closed leaves the deadline of another that is lost', () => {
    publish('c1', 'one');
    publish('c2', 'two');
    for (const id of ['c1', 'c2']) test.room.connectionChanged(id, 'connected', 0);
    for (const id of ['c1', 'c2']) test.room.connectionChanged(id, 'lost', 1000);
    test.room.closeConnection('c1');
    expect(test.room.nextDeadline()).toBe(11_000);
  });

  it('has streams of which each is declared for itself, while all of it is sent on', () => {
    publish('c1', 'one');
    publish('c2', 'two');
    test.orders.splice(0);
    test.takeAllEvents();
    test.room.declareStream('one', 'audio', false);
    test.room.declareStream('one', 'audio', false);
    expect(test.takeAllEvents()).toMatchObject([{ type: 'publication-paused', publication: { id: 'c1-microphone', paused: true } }]);
    test.room.declareStream('two', 'audio', false);
    expect(test.takeAllEvents()).toMatchObject([
      { type: 'publication-paused', publication: { id: 'c2-microphone' } },
      { type: 'indication-changed', kind: 'audio', on: false },
    ]);
    test.room.declareStream('one', 'audio', true);
    expect(test.takeAllEvents()).toMatchObject([
      { type: 'publication-resumed', publication: { id: 'c1-microphone', paused: false } },
      { type: 'indication-changed', kind: 'audio', on: true },
    ]);
    expect(test.orders).toEqual([]);
  });
});
