import { launchBrowser } from '../e2e/browser.ts';
import { OwtSite } from '../e2e/owt-client/page.ts';
import { firstFrameIn } from '../e2e/page-probe.ts';
import { Stack } from '../e2e/stack.ts';
import { Member, tokenFor } from '../protocols/owt/member.ts';
import { offer } from '../protocols/owt/offers.ts';

const ROUNDS = 10;
const FRAME_RATE = 30;

export const title = 'OWT protocol: join, publish, and the first frame at a subscriber; two pages in one Chromium';

interface Round {
  readonly joined: number;
  readonly published: number;
  readonly seen: number;
}

/** Runs Parley and lets somebody join and publish in a room where somebody else waits, a few times. Leaves nothing running. */
export async function run(): Promise<Record<string, string | number>[]> {
  const stack = await Stack.start();
  const browser = await launchBrowser({ devices: true, allowed: true, frameRate: FRAME_RATE });
  const site = await OwtSite.open();
  try {
    const [bare, rounds]: [number[], Round[]] = [[], []];
    for (let number = 0; number < ROUNDS; number += 1) bare.push(await publishBare(stack.url, `bare ${number}`));
    for (let number = 0; number < ROUNDS; number += 1) {
      const place = { edge: stack.url, room: `bench ${number}` };
      const viewer = await site.join(browser, { ...place, user: 'viewer' });
      await viewer.page.evaluate(() => {
        window.owt.subscribesToAll = true;
      });
      const publisher = await site.visit(browser);
      const { id, start, joined, published } = await publisher.evaluate(
        async ([token]) => {
          // The camera is open already: it takes its own time.
          await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
          const now = () => performance.timeOrigin + performance.now();
          window.owt = window.newOwtClient('sdk-5');
          const begun = now();
          await window.owt.join(token);
          const entered = now();
          const [stream = ''] = await window.owt.publish();
          return { id: stream, start: begun, joined: entered, published: now() };
        },
        [await tokenFor(stack.url, place.room, 'publisher')] as const,
      );
      const seen = await firstFrameIn(viewer.page, `section[data-stream="${id}"]`);
      rounds.push({ joined: joined - start, published: published - start, seen: seen - start });
      await Promise.all([viewer.close(), publisher.close()]);
    }
    const column = (name: keyof Round) => rounds.map((round) => round[name]);
    return [
      row('token to answered offer, without a browser', bare),
      row('join: connected by polling and logged in', column('joined')),
      row('… and publish resolved', column('published')),
      row('… and first frame on the subscriber’s screen', column('seen')),
    ];
  } finally {
    site.close();
    await browser.close();
    await stack.stop();
  }
}

/** The server's part alone. @returns milliseconds. */
async function publishBare(edge: string, room: string): Promise<number> {
  const start = performance.now();
  const member = await Member.join(edge, room);
  const { id } = await member.publish({
    media: {
      tracks: [
        { type: 'audio', mid: '0', source: 'mic' },
        { type: 'video', mid: '1', source: 'camera' },
      ],
    },
  });
  await member.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
  const took = performance.now() - start;
  member.close();
  return took;
}

function row(measured: string, values: readonly number[]): Record<string, string | number> {
  const sorted = [...values].sort((one, other) => one - other);
  const quantile = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { measured, n: sorted.length, 'p50 ms': quantile(0.5), 'p95 ms': quantile(0.95), 'max ms': quantile(1) };
}
