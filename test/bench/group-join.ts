import type { Page } from 'playwright-core';
import { launchBrowser } from '../e2e/browser.ts';
import { KurentoSite } from '../e2e/kurento-client/page.ts';
import { Stack } from '../e2e/stack.ts';
import { eventually } from '../harness/eventually.ts';
import { Member } from '../protocols/group-call/member.ts';
import { offer } from '../protocols/group-call/offers.ts';

const MEMBERS = 10;
const ROUNDS = 3;
/** In milliseconds. */
const PATIENCE = 60_000;

interface Round {
  /** Milliseconds from the first join until every member has all answers. */
  readonly answered: number;
  /** Milliseconds until every member has decoded a frame of every other one. */
  readonly flowing: number;
  /** Milliseconds from each offer to its answer. */
  readonly answerTimes: readonly number[];
}

export const title = `Group join: ${MEMBERS} members of the group-call protocol join at the same time, ${MEMBERS * (MEMBERS - 1)} pairs`;

/** Runs Parley and fills a room at once, a few times. Leaves nothing running. */
export async function run(): Promise<Record<string, string | number>[]> {
  const stack = await Stack.start();
  const browser = await launchBrowser();
  const site = await KurentoSite.open();
  try {
    const bare: number[] = [];
    for (let number = 0; number < ROUNDS; number += 1) bare.push(await fillBare(stack.url, `bare ${number}`));
    const rounds: Round[] = [];
    for (let number = 0; number < ROUNDS; number += 1) {
      const page = await site.visit(browser, '7.3');
      rounds.push(await fill(page, stack.url, `bench ${number}`));
      await page.close();
    }
    return [
      row('all offers answered, to sockets without media', bare),
      row(
        'all offers answered, in one Chromium',
        rounds.map((round) => round.answered),
      ),
      row(
        'all pairs flowing, in one Chromium',
        rounds.map((round) => round.flowing),
      ),
      row(
        'an offer to its answer, in one Chromium',
        rounds.flatMap((round) => round.answerTimes),
      ),
    ];
  } finally {
    site.close();
    await browser.close();
    await stack.stop();
  }
}

/** The same offers without a browser, whose own work is most of the rest. @returns milliseconds from the first join to the last answer. */
async function fillBare(edge: string, room: string): Promise<number> {
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, index) => Member.open(edge, String(index))));
  const start = performance.now();
  await Promise.all(members.map((member) => member.join(room)));
  for (const member of members) {
    for (const { userId } of members) {
      member.say({ id: 'receiveVideoFrom', userId, sdpOffer: offer(userId === member.userId ? 'sendonly' : 'recvonly') });
    }
  }
  const answers = () => members.flatMap(({ messages }) => messages.filter(({ id }) => id === 'receiveVideoAnswer'));
  await eventually('every offer is answered', () => answers().length >= MEMBERS * MEMBERS, PATIENCE);
  const took = performance.now() - start;
  for (const member of members) member.close();
  return took;
}

/** One page with all members in it: ten pages would measure the start of ten pages. */
function fill(page: Page, edge: string, room: string): Promise<Round> {
  return page.evaluate(
    async ([url, name, members, patience]) => {
      const clients = Array.from({ length: members }, (_, index) => window.newKurentoClient(url, 'raw', name, index));
      const start = performance.now();
      const until = async (condition: () => Promise<boolean>): Promise<number> => {
        while (!(await condition())) {
          if (performance.now() - start > patience) throw new Error('the room did not come to life in time');
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return performance.now() - start;
      };
      await Promise.all(clients.map((client) => client.join(true)));
      const answered = await until(() => Promise.resolve(clients.every((client) => client.answerTimes.length >= members)));
      const flowing = await until(async () => {
        const seen = await Promise.all(clients.map((client) => client.seen()));
        return seen.every((count) => count === members - 1);
      });
      const faults = clients.flatMap((client) => client.faults);
      if (faults.length > 0) throw new Error(faults.join('\n'));
      const answerTimes = clients.flatMap((client) => client.answerTimes);
      for (const client of clients) client.leave();
      return { answered, flowing, answerTimes };
    },
    [edge, room, MEMBERS, PATIENCE] as const,
  );
}

function row(what: string, values: readonly number[]): Record<string, string | number> {
  const sorted = [...values].sort((one, other) => one - other);
  const quantile = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { measured: what, n: sorted.length, 'p50 ms': quantile(0.5), 'p95 ms': quantile(0.95), 'max ms': quantile(1) };
}
