/** Packets that come late, twice, in another order or not at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RtpPacket } from '../../../media-node/rtp/packet.ts';
import { Sequence } from '../../../media-node/rtp/sequence.ts';
import { StreamClock } from '../../../media-node/rtp/stream-clock.ts';

const KEY = 1;

/** Pictures of some packets each; the first byte of a payload tells whether a decoder can begin there, the second which packet it is. */
function packetsOf(sizes: readonly number[], first: number, keys: readonly number[] = [0]): RtpPacket[] {
  let number = first;
  return sizes.flatMap((size, picture) =>
    Array.from({ length: size }, (_, index) => {
      const payload = Buffer.from([index === 0 && keys.includes(picture) ? KEY : 0, picture, index]);
      const packet = { sequenceNumber: number % 0x10000, timestamp: picture * 3_000, marker: index === size - 1, payload };
      number += 1;
      return packet;
    }),
  );
}

function newSequence() {
  let losses = 0;
  const sequence = new Sequence({
    isStart: (payload) => payload[0] === KEY,
    patience: 400,
    onLoss: () => {
      losses += 1;
    },
  });
  return { sequence, losses: () => losses };
}

function picturesIn(sequence: Sequence, packets: readonly RtpPacket[], every = 1): number[] {
  return packets.flatMap((packet, index) => sequence.add(packet, index * every)).map(({ timestamp }) => timestamp / 3_000);
}

describe('order', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 });

  test('whatever the order and however often, each picture comes once, whole and in order', () => {
    fc.assert(
      fc.property(sizes, fc.nat(0xffff), fc.array(fc.nat(), { maxLength: 30 }), (list, first, swaps) => {
        const packets = packetsOf(list, first);
        const shuffled = packets.slice(1);
        for (const swap of swaps) {
          const at = swap % Math.max(1, shuffled.length - 1);
          const [a, b] = [shuffled[at], shuffled[at + 1]];
          if (a !== undefined && b !== undefined) shuffled.splice(at, 2, b, a);
        }
        const { sequence, losses } = newSequence();
        const [head] = packets;
        const sent = head === undefined ? [] : [head, head, ...shuffled, ...shuffled];
        const units = sent.flatMap((packet) => sequence.add(packet, 0));
        expect(units.map(({ timestamp }) => timestamp / 3_000)).toEqual(list.map((_, index) => index));
        expect(units.map(({ payloads }) => payloads.length)).toEqual(list);
        expect(losses()).toBe(0);
      }),
    );
  });

  test('nothing comes before a start, and pictures without a marker end with the next timestamp', () => {
    const { sequence } = newSequence();
    const packets = packetsOf([2, 2, 2, 1], 65_530, [1]).map((packet) => ({ ...packet, marker: false }));
    expect(picturesIn(sequence, packets)).toEqual([1, 2]);
  });

  test('after a loss nothing comes until the next start, which is asked for once', () => {
    const { sequence, losses } = newSequence();
    const packets = packetsOf([1, 1, 3, 1, 1, 1, 2, 1], 10, [0, 6]).filter((_, index) => index !== 3);
    expect(picturesIn(sequence, packets, 250)).toEqual([0, 1, 6, 7]);
    expect(losses()).toBe(1);
  });

  test('a packet that is repaired in time is not lost', () => {
    const { sequence, losses } = newSequence();
    const packets = packetsOf([1, 1, 3, 1, 1, 1], 10);
    const [late] = packets.splice(3, 1);
    if (late !== undefined) packets.splice(6, 0, late);
    expect(picturesIn(sequence, packets, 50)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(losses()).toBe(0);
  });
});

describe('clocks', () => {
  test('timestamps become even times, across the wrap and against jitter', () => {
    const clock = new StreamClock(90_000);
    const start = 2 ** 32 - 4_500;
    const times = [0, 1, 2, 3, 4].map((step) => clock.timeOf((start + step * 3_000) % 2 ** 32, 1_000 + step * 33 + (step % 2) * 20));
    expect(times.map((time) => Math.round(time * 10) / 10)).toEqual([1000, 1033.3, 1066.7, 1100, 1133.3]);
  });

  test('a jump of the sender begins anew at the time of arrival', () => {
    const clock = new StreamClock(48_000);
    clock.timeOf(0, 1_000);
    expect(clock.timeOf(48_000 * 3_600, 2_000)).toBe(2_000);
    expect(clock.timeOf(48_000 * 3_600 + 960, 2_030)).toBe(2_020);
  });

  test('reports tell how far two streams of one sender are apart', () => {
    const [audio, video] = [new StreamClock(48_000), new StreamClock(90_000)];
    expect(audio.lead).toBeUndefined();
    audio.timeOf(1_000, 5_000);
    // The network held the first picture back by 80 ms.
    video.timeOf(7_000, 5_080);
    audio.report({ time: 900_000, timestamp: 1_000 });
    video.report({ time: 900_000, timestamp: 7_000 });
    video.correction = (video.lead ?? 0) - (audio.lead ?? 0);
    expect(video.timeOf(7_000, 5_080)).toBe(5_000);
  });
});
