/** Texts for one client that are sent together. */
import { describe, expect, it } from 'vitest';

import { LineSender, linesOf } from '../../worker/wire/lines.ts';

function newSender() {
  const frames: string[] = [];
  const soon: (() => void)[] = [];
  const sender = new LineSender(
    (frame) => frames.push(frame),
    (task) => soon.push(task),
  );
  return { frames, soon, sender };
}

describe('what is said within one moment', () => {
  it('goes as one frame when the moment is over, and comes apart again, in order', () => {
    const { frames, soon, sender } = newSender();
    const texts = ['{"a":"\\n"}', '', '>7', '한글'];
    for (const text of texts) sender.add(text);
    expect([frames.length, soon.length]).toEqual([0, 1]);
    soon.shift()?.();
    sender.add('later');
    soon.shift()?.();
    expect(frames.map(linesOf)).toEqual([texts, ['later']]);
  });

  it('goes before the moment is over where somebody is in a hurry, once', () => {
    const { frames, soon, sender } = newSender();
    sender.add('one');
    sender.flush();
    sender.add('two');
    for (const task of soon) task();
    expect(frames).toEqual(['one', 'two']);
  });

  it('does not wait when it is very much', () => {
    const { frames, sender } = newSender();
    for (let count = 0; count < 3; count += 1) sender.add('x'.repeat(100_000));
    expect(frames.map((frame) => linesOf(frame).length)).toEqual([3]);
  });
});
