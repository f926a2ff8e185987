import { expect, it } from 'vitest';
import { Bandwidth } from '../../../worker/protocols/wcs/bandwidth.ts';

/** What is said of a line, second by second, of which a hundred packets are sent. */
function saidOf(losses: readonly number[], consumers: readonly string[] = []): (string | undefined)[] {
  const bandwidth = new Bandwidth();
  let [packetsSent, packetsLost] = [0, 0];
  return losses.map((loss, second) => {
    packetsSent += 100;
    packetsLost += loss * 100;
    const shortage = bandwidth.take({ consumer: consumers[second] ?? 'one', sourceBitrate: 800_000, packetsSent, packetsLost });
    return shortage && `${shortage.stream}/${shortage.available}`;
  });
}

/** So many seconds of the same. */
function of(seconds: number, loss: number): number[] {
  return Array.from({ length: seconds }, () => loss);
}

function told(losses: readonly number[]): number[] {
  return saidOf(losses).flatMap((one, second) => (one === undefined ? [] : [second]));
}

it('a line that loses little, or much for a moment, is wide enough', () => {
  expect(told(of(60, 0))).toEqual([]);
  expect(told(of(60, 0.1))).toEqual([]);
  expect(told([...of(10, 0), 0.45, ...of(10, 0)])).toEqual([]);
  expect(told(of(5, 0.9))).toEqual([]);
  // What arrives late is not lost.
  expect(told(Array.from({ length: 30 }, (_, second) => (second % 2 === 0 ? 0.4 : -0.4)))).toEqual([]);
  // Nobody knows yet about what has taken another's place.
  expect(saidOf(of(10, 0.9), 'a b a b a b a b a b'.split(' ')).filter((one) => one !== undefined)).toEqual([]);
});

it('a line that loses much for seconds is too thin by what is lost', () => {
  expect(saidOf(of(6, 0.5)).at(-1)).toBe('800000/400000');
  expect(saidOf([...of(20, 0), ...of(5, 0.25)])).toContain('800000/680000');
  expect(saidOf(of(6, 1.2)).at(-1)).toBe('800000/0');
});

it('is said again after a while, as long as it lasts', () => {
  expect(told(of(40, 0.3))).toEqual([5, 20, 35]);
  expect(told([...of(10, 0.3), ...of(40, 0)])).toEqual([5]);
});
