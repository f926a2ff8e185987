import type { Browser } from 'playwright-core';
import { launchBrowser } from '../e2e/browser.ts';
import { Stack } from '../e2e/stack.ts';
import type { Times } from '../e2e/wcs-client/client.ts';
import { type Streamer, WcsSite } from '../e2e/wcs-client/page.ts';
import { eventually } from '../harness/eventually.ts';

const ROUNDS = 15;
const VERSION = '2.0.276';

export const title = `WCS: ${ROUNDS} streams are published and played with the WebSDK ${VERSION}, one after the other, each by a page of its own`;

interface Round {
  readonly publishing: number;
  readonly playing: number;
  readonly firstFrame: number;
}

/** Runs Parley, and publishes and plays a stream a few times. Leaves nothing running. */
export async function run(): Promise<Record<string, string | number>[]> {
  const stack = await Stack.start();
  const browser = await launchBrowser();
  const site = await WcsSite.open();
  try {
    const rounds = await measure(browser, site, `${stack.url.replace('http', 'ws')}/wcs/bench`);
    return [
      row('publishStream until PUBLISHING', rounds, 'publishing'),
      row('playStream until PLAYING', rounds, 'playing'),
      row('playStream until the first frame is on the screen', rounds, 'firstFrame'),
    ];
  } finally {
    site.close();
    await browser.close();
    await stack.stop();
  }
}

/** The camera is opened and closed with each stream: what is measured begins when the SDK sends its request. */
async function measure(browser: Browser, site: WcsSite, url: string): Promise<Round[]> {
  const [publisher, player] = [await site.visit(browser, VERSION), await site.visit(browser, VERSION)];
  for (const one of [publisher, player]) await one.connect(url);
  const rounds: Round[] = [];
  for (let number = 0; number < ROUNDS; number += 1) rounds.push(await round(publisher, player, `bench ${number}`));
  return rounds;
}

async function round(publisher: Streamer, player: Streamer, name: string): Promise<Round> {
  await publisher.publish(name);
  const published = await until(publisher, `publish ${name}`, ({ reached }) => reached !== undefined);
  await player.play(name, name);
  const played = await until(player, name, ({ firstFrame }) => firstFrame !== undefined);
  await player.stop(name);
  await publisher.stop(`publish ${name}`);
  await eventually('it has ended', async () => (await publisher.log(`publish ${name}`)).includes('UNPUBLISHED Stopped by publisher stop'));
  return {
    publishing: since(published, published.reached),
    playing: since(played, played.reached),
    firstFrame: since(played, played.firstFrame),
  };
}

async function until(streamer: Streamer, key: string, isReached: (times: Times) => boolean): Promise<Times> {
  await eventually(`${key} flows`, async () => isReached(await streamer.times(key)), 20_000);
  return streamer.times(key);
}

function since({ sent = Number.NaN }: Times, moment = Number.NaN): number {
  return moment - sent;
}

function row(what: string, rounds: readonly Round[], time: keyof Round): Record<string, string | number> {
  const sorted = rounds.map((one) => one[time]).sort((one, other) => one - other);
  const quantile = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { measured: what, n: sorted.length, 'p50 ms': quantile(0.5), 'p95 ms': quantile(0.95), 'max ms': quantile(1) };
}
