/** How much of what is sent to a client may be without a proof that the client reads, and when it is given up. */
import { describe, expect, it } from 'vitest';

import { byteLength } from '../../worker/wire/byte-length.ts';
import { Outbox } from '../../worker/wire/engine-io/outbox.ts';
import { OutgoingPacket } from '../../worker/wire/engine-io/outgoing.ts';

const LIMIT = 800_000;
const WINDOW = LIMIT / 2;
const STEP = LIMIT / 4;

let now = 0;
const newOutbox = (answerDelay = 0): Outbox => new Outbox({ limit: LIMIT, window: WINDOW, answerDelay, now: () => now });
const packet = (bytes: number): OutgoingPacket => new OutgoingPacket('message', 'x'.repeat(bytes - 1));

/** Sends a packet as a session does; answers whether it left. */
function send(outbox: Outbox, bytes: number): boolean {
  const passes = outbox.passes(packet(bytes));
  if (!passes) outbox.hold(packet(bytes));
  if (outbox.wantsProof) outbox.asked();
  return passes;
}

describe('the outbox of a client', () => {
  it('asks for a proof each time a quarter of the limit has left', () => {
    const outbox = newOutbox();
    expect(outbox.passes(packet(STEP - 1))).toBe(true);
    expect(outbox.wantsProof).toBe(false);
    expect(outbox.passes(packet(2))).toBe(true);
    expect(outbox.wantsProof).toBe(true);
    outbox.asked();
    expect(outbox.wantsProof).toBe(false);
  });

  it('hands over half of the limit at most, holds the rest in order, and goes on with each proof', () => {
    const outbox = newOutbox();
    const left = Array.from({ length: 12 }, () => send(outbox, STEP));
    expect(left).toEqual([true, true, ...Array<boolean>(10).fill(false)]);
    expect(outbox.take()).toEqual([]);
    expect(outbox.bytes).toBe(12 * STEP);
    const [next] = outbox.held;
    outbox.answered();
    expect(outbox.take()).toEqual([next]);
    expect(outbox.bytes).toBe(11 * STEP);
    // What comes later must not overtake what is held, even if it is small.
    outbox.provenAll();
    expect(outbox.passes(packet(10))).toBe(false);
    outbox.hold(packet(10));
    expect(outbox.take()).toHaveLength(2);
  });

  it('lets a packet that is larger than the window leave alone', () => {
    const outbox = newOutbox();
    expect(send(outbox, WINDOW + 1)).toBe(true);
    expect(send(outbox, 10)).toBe(false);
    outbox.answered();
    expect(outbox.take()).toHaveLength(1);
  });

  it('asks also when a packet is held that leaves no room for questions on the way', () => {
    const outbox = newOutbox();
    expect(send(outbox, STEP - 1)).toBe(true);
    expect(send(outbox, WINDOW)).toBe(false);
    expect(outbox.isAsking).toBe(true);
  });

  it('gives no credit for an answer that nobody asked for', () => {
    const outbox = newOutbox();
    outbox.passes(packet(STEP - 1));
    outbox.answered();
    expect(outbox.bytes).toBe(STEP - 1);
  });

  it('counts a proof by time for what was asked before', () => {
    const outbox = newOutbox();
    now = 1_000;
    send(outbox, STEP);
    now = 2_000;
    send(outbox, STEP);
    outbox.provenBefore(2_000);
    expect(outbox.bytes).toBe(STEP);
    outbox.provenBefore(2_001);
    expect(outbox.bytes).toBe(0);
  });

  it('gives a client up that is silent: after three seconds above the limit, after eight below it, never below a quarter of it', () => {
    const outbox = newOutbox();
    outbox.passes(packet(STEP - 1));
    outbox.asked();
    expect(outbox.givesUpAt()).toBe(Infinity);
    outbox.hold(packet(1));
    expect(outbox.givesUpAt()).toBe(now + 8_000);
    outbox.hold(packet(LIMIT));
    expect(outbox.givesUpAt()).toBe(now + 3_000);
    outbox.provenAll();
    expect(outbox.givesUpAt()).toBe(Infinity);
  });

  it('waits longer for a client that nothing makes answer', () => {
    const outbox = newOutbox(3_000);
    send(outbox, LIMIT + 1);
    expect(outbox.givesUpAt()).toBe(now + 6_000);
  });

  it('has room for more when no more than half of the limit is unread, handed over or held', () => {
    const outbox = newOutbox();
    send(outbox, STEP);
    send(outbox, STEP);
    expect(outbox.isRoomy).toBe(true);
    send(outbox, 2);
    expect(outbox.isRoomy).toBe(false);
    outbox.answered();
    expect(outbox.isRoomy).toBe(true);
  });

  it('gives up at once beyond four times the limit', () => {
    const outbox = newOutbox();
    for (let count = 0; count < 4; count++) send(outbox, LIMIT);
    expect(outbox.isOverfull).toBe(false);
    send(outbox, 2);
    expect(outbox.isOverfull).toBe(true);
  });

  it('gives credit for what the client uploads: its answer stands behind it', () => {
    const outbox = newOutbox();
    send(outbox, LIMIT);
    outbox.heard(LIMIT);
    send(outbox, LIMIT);
    expect(outbox.givesUpAt()).toBe(now + 8_000);
    send(outbox, 2);
    expect(outbox.givesUpAt()).toBe(now + 3_000);
  });
});

it.each(['', 'ascii', 'ümlaut', '€', '안녕', '😀', `${'x'.repeat(5_000)}안`])('"%s" is counted in bytes', (text) => {
  expect(byteLength(text)).toBe(Buffer.byteLength(text));
});
