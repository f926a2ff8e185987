import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStack, type Stack } from '../harness/stack.ts';
import { PROBE } from '../services/member.ts';
import { launchBrowser } from './browser.ts';
import { OwtSite } from './owt-client/page.ts';

/** workerd evicts an object whose sockets hibernate after ten quiet seconds. */
const UNTIL_ASLEEP = 12_500;

const ROOM = 'owt sleep';

let stack: Stack;
let browser: Browser;
let site: OwtSite;

beforeAll(async () => {
  [stack, browser, site] = await Promise.all([startStack({}, PROBE), launchBrowser(), OwtSite.open()]);
});

afterAll(async () => {
  site.close();
  await browser.close();
  await stack.stop();
});

async function incarnation(): Promise<string> {
  return (await fetch(`${stack.edge.url}/probe-incarnation?room=${encodeURIComponent(ROOM)}`)).text();
}

/** Waits until the object has been evicted. Something may wake it in between: its alarm, or the size of a picture that the media node tells. */
async function untilEvicted(): Promise<void> {
  const before = await incarnation();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await sleep(UNTIL_ASLEEP);
    if ((await incarnation()) !== before) return;
  }
  throw new Error('the room object does not sleep');
}

it(
  'whoever comes back into a room object that has slept is who it was, with its sessions and its media, and is told what it missed, once',
  { timeout: 120_000 },
  async () => {
    const join = (user: string) => site.join(browser, { edge: stack.edge.url, room: ROOM, user });
    const [ada, bob] = [await join('ada'), await join('bob')];
    // Sound would wake the object with every change of who is heard.
    const [hers = ''] = await ada.publish({ audio: false });
    const [his = ''] = await bob.publish({ audio: false });
    await Promise.all([bob.streamsOf(ada.id), ada.streamsOf(bob.id)]);
    await Promise.all([bob.subscribe(hers, { audio: false }), ada.subscribe(his, { audio: false })]);
    const bothSee = () => Promise.all([bob.gets(hers, 'framesDecoded'), ada.gets(his, 'framesDecoded')]);
    await bothSee();

    // Until now there was much to tell of the pictures.
    await untilEvicted();
    await bob.page.evaluate(() => {
      window.owt.signaling.stayAway();
    });
    await bob.hears('disconnect');
    const before = await bob.log();
    await ada.request('text', { to: 'all', message: 'before it sleeps' });
    await untilEvicted();
    // What is missed may begin in one life of the object and go on in another.
    await ada.request('text', { to: bob.id, message: 'between' });
    await ada.request('stream-control', { id: hers, operation: 'pause', data: 'video' });
    await ada.request('stream-control', { id: hers, operation: 'play', data: 'video' });
    await untilEvicted();
    await bothSee();
    await bob.page.evaluate(() => {
      window.owt.signaling.comeBack();
    });
    await expect.poll(() => bob.page.evaluate(() => window.owt.signaling.returns)).toBe(1);

    await ada.request('text', { to: 'all', message: 'afterwards' });
    await bob.hears('text all afterwards');
    expect((await bob.log()).slice(before.length)).toEqual([
      'text all before it sleeps',
      'text me between',
      `stream update ${hers} video.status inactive`,
      `stream update ${hers} video.status active`,
      'text all afterwards',
    ]);
    expect((await ada.log()).filter((line) => line.startsWith('participant'))).toEqual(['participant join']);
    await bob.request('text', { to: bob.id, message: 'to myself' });
    await bob.hears('text me to myself');
    await bothSee();
    await bob.unpublish(his);
    await ada.hears(`stream remove ${his}`);
    await bob.gets(hers, 'framesDecoded');
    expect([...(await ada.faults()), ...(await bob.faults())]).toEqual([]);
  },
);
