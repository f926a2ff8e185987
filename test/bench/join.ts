import { launchBrowser } from '../e2e/browser.ts';
import { Person } from '../e2e/person.ts';
import { Stack } from '../e2e/stack.ts';

const JOINS = 30;
const TARGET = 1_000;
/** As most cameras give it; the time until the next frame is part of what is measured. */
const FRAME_RATE = 15;

/** One join: milliseconds from the click on "Join". */
interface Join {
  /** To the first frame of the other participant on the joiner's screen. */
  readonly seeing: number;
  /** To the joiner's first frame on the other participant's screen. */
  readonly seen: number;
}

export const title = `Join: from the click to the first frame, in Chromium, ${JOINS} joins of a room with one participant (target p95 < ${TARGET} ms)`;

/** Runs Parley, lets one participant stay and another one come and go. Leaves nothing running. */
export async function run(): Promise<Record<string, string | number>[]> {
  const stack = await Stack.start();
  const browser = await launchBrowser({ devices: true, allowed: true, frameRate: FRAME_RATE });
  try {
    const host = await Person.join(browser, { url: stack.url, room: 'bench', name: 'Host' });
    const joins: Join[] = [];
    for (let number = 0; number < JOINS; number += 1) {
      const guest = await Person.open(browser, { url: stack.url, room: 'bench', name: `Guest${number}.` });
      joins.push(await join(host, guest));
      await guest.close();
      await host.loses(guest.name);
    }
    return [row('first frame of the other', joins, 'seeing'), row('own first frame at the other', joins, 'seen')];
  } finally {
    await browser.close();
    await stack.stop();
  }
}

async function join(host: Person, guest: Person): Promise<Join> {
  await guest.page.waitForSelector('#preview-video:not([hidden])');
  const clicked = await guest.page.evaluate(() => {
    const now = performance.timeOrigin + performance.now();
    document.querySelector<HTMLButtonElement>('#join')?.click();
    return now;
  });
  const [seeing, seen] = await Promise.all([guest.firstFrameOf(host.name), host.firstFrameOf(guest.name)]);
  return { seeing: seeing - clicked, seen: seen - clicked };
}

function row(what: string, joins: readonly Join[], measure: keyof Join): Record<string, string | number> {
  const sorted = joins.map((each) => each[measure]).sort((one, other) => one - other);
  const quantile = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { measured: what, n: sorted.length, 'p50 ms': quantile(0.5), 'p95 ms': quantile(0.95), 'max ms': quantile(1) };
}
