import { describe, expect, it } from 'vitest';
import type { Room } from '../../worker/room/room.ts';
import { RoomUnderTest } from './room-under-test.ts';

/** The whole board, in as many parts as it comes. */
function boardOf(room: Room): { strokes: string[]; parts: number } {
  const strokes: string[] = [];
  let parts = 0;
  let after: string | undefined;
  do {
    const page = room.boardFrom(after);
    strokes.push(...page.strokes);
    after = page.next;
    parts += 1;
  } while (after !== undefined);
  return { strokes, parts };
}

function withBoard(...strokes: readonly string[]): RoomUnderTest {
  const test = new RoomUnderTest();
  test.enter('ada');
  test.takeAllEvents();
  for (const stroke of strokes) test.room.draw('ada', stroke, false);
  return test;
}

describe('the board', () => {
  it('tells strokes and keeps them in order, over a restart as well', () => {
    const test = withBoard('one', 'two', 'three');
    expect(test.takeAllEvents()).toEqual(
      ['one', 'two', 'three'].map((stroke) => ({ type: 'stroke-drawn', participantId: 'ada', stroke, clears: false })),
    );
    expect(boardOf(test.room).strokes).toEqual(['one', 'two', 'three']);
    const reloaded = test.reloaded();
    reloaded.draw('ada', 'four', false);
    expect(boardOf(reloaded).strokes).toEqual(['one', 'two', 'three', 'four']);
  });

  it('is handed out in parts when there is much of it', () => {
    const strokes = Array.from({ length: 900 }, (_, index) => `${index} ${'x'.repeat(1_000)}`);
    const { strokes: read, parts } = boardOf(withBoard(...strokes).room);
    expect(read).toEqual(strokes);
    expect(parts).toBeGreaterThan(3);
  });

  it('forgets the oldest of what nobody could ever look at', () => {
    const strokes = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat(60_000)}`);
    const { strokes: read } = boardOf(withBoard(...strokes).room);
    expect(read.length).toBeLessThan(300);
    expect(read.length).toBeGreaterThan(100);
    expect(read).toEqual(strokes.slice(-read.length));
  });

  it('is empty after a stroke that clears it, after the whiteboard has ended, and when the last member leaves', () => {
    const test = withBoard('one');
    test.room.draw('ada', 'clear', true);
    expect(test.takeAllEvents().at(-1)).toEqual({ type: 'stroke-drawn', participantId: 'ada', stroke: 'clear', clears: true });
    expect(boardOf(test.reloaded()).strokes).toEqual([]);

    test.room.draw('ada', 'two', false);
    test.room.takeFloor('whiteboard', 'ada');
    test.room.releaseFloor('whiteboard', 'ada');
    expect(boardOf(test.room).strokes).toEqual([]);

    test.room.draw('ada', 'three', false);
    test.room.leave('ada', 'left');
    expect([...test.store.scan('strokes')]).toEqual([]);
  });

  it('is for those who are in the room', () => {
    expect(() => {
      withBoard().room.draw('bob', 'one', false);
    }).toThrow('participant-not-found');
  });
});
