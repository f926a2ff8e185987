/** Which heartbeats of revision 3 prove that what was sent before has been read. */
import { describe, expect, it } from 'vitest';
import { PromptHeartbeats } from '../../worker/wire/engine-io/prompt-heartbeats.ts';

const INTERVAL = 2_000;

describe('a heartbeat', () => {
  it('that comes much earlier than usual proves what was asked about, once', () => {
    const heartbeats = new PromptHeartbeats(INTERVAL, 0);
    heartbeats.asked(700);
    expect(heartbeats.isAsked).toBe(true);
    expect(heartbeats.heard(30)).toBe(700);
    expect(heartbeats.isAsked).toBe(false);
    heartbeats.answered(30);
    expect(heartbeats.heard(40)).toBeUndefined();
  });

  it('proves nothing without a question', () => {
    expect(new PromptHeartbeats(INTERVAL, 0).heard(30)).toBeUndefined();
  });

  it('that may have been under way when it was asked for proves nothing, and the next one does', () => {
    const heartbeats = new PromptHeartbeats(INTERVAL, 0);
    heartbeats.asked(700);
    expect(heartbeats.heard(INTERVAL)).toBeUndefined();
    heartbeats.answered(INTERVAL);
    expect(heartbeats.isAsked).toBe(true);
    expect(heartbeats.heard(INTERVAL + 3)).toBe(700);
  });

  it('of a client that does not listen never proves anything', () => {
    const heartbeats = new PromptHeartbeats(INTERVAL, 0);
    heartbeats.asked(700);
    for (let now = INTERVAL; now < 10 * INTERVAL; now += INTERVAL - 1) {
      expect(heartbeats.heard(now)).toBeUndefined();
      heartbeats.answered(now);
    }
  });
});
