import { setTimeout as sleep } from 'node:timers/promises';
import { MixedRoom, TEN_MEMBERS } from '../e2e/matrix-clients/mixed-room.ts';

/** How long all talk while the processors are watched, in seconds. */
const TALK = 20;

export const title = 'Mixed room: ten members, two of each protocol, with their clients in one Chromium on the same machine';

/** Runs Parley, fills a room, and lets all talk for a while. Leaves nothing running. */
export async function run(): Promise<Record<string, string | number>[]> {
  const room = await MixedRoom.open();
  try {
    const start = performance.now();
    for (const protocol of TEN_MEMBERS) await room.enter(protocol);
    const entered = performance.now();
    await room.watchAll();
    const watching = performance.now();
    await room.flow();
    const flowing = performance.now();
    const before = await room.stack.processorTime();
    await sleep(TALK * 1_000);
    const after = await room.stack.processorTime();
    const share = (used: number) => `${((used / TALK) * 100).toFixed(0)} % of a core`;
    return [
      row('ten members enter one after the other, each with a page to load', seconds(entered - start)),
      row('… and from the last entry until everybody has subscribed to everybody', seconds(watching - entered)),
      row('… and from the last entry until all 90 pairs flow (5 frames and 50 packets each)', seconds(flowing - entered)),
      row('edge, while all talk', share(after.edge - before.edge)),
      row('media node, while all talk: 20 producers, 180 consumers', share(after.mediaNode - before.mediaNode)),
    ];
  } finally {
    await room.close();
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

function row(measured: string, value: string): Record<string, string> {
  return { measured, value };
}
