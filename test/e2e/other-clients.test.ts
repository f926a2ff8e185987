import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BareClientSite } from './bare-client/page.ts';
import { expectMedia } from './person.ts';
import { useWorld } from './world.ts';

const world = useWorld('others');
let site: BareClientSite;
let pages: Page[] = [];

beforeAll(async () => {
  site = await BareClientSite.open();
});

afterEach(async () => {
  await Promise.all(pages.map((page) => page.close()));
  pages = [];
});

afterAll(() => {
  site.close();
});

/** The public client does not encode what it puts into URLs, so its rooms have plain names. */
const plainRoom = (): string => world.room().replaceAll(' ', '-');

async function joinBare(version: 'oldest' | 'newest', mail: string): Promise<Page> {
  const page = await site.join(world.browser, version, { edge: world.stack.url, room: plainRoom(), mail });
  pages.push(page);
  return page;
}

function notificationsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => window.bareClient.notifications);
}

const sectionOf = (mail: string): string => `section[data-user^="${mail}"]`;

describe.each([
  { version: 'oldest', libraries: 'mediasoup-client 3.6.37 with protoo-client 4.0.5' },
  { version: 'newest', libraries: 'mediasoup-client 3.24.1 with protoo-client 4.0.8' },
] as const)('$libraries', ({ version }) => {
  it('meets the page: both see and hear each other, whoever comes first', async () => {
    const first = await joinBare(version, 'first@example.test');
    const ada = await world.enter('Ada', { room: plainRoom() });
    const second = await joinBare(version, 'second@example.test');
    await Promise.all([
      ada.sees('first@example.test'),
      ada.hears('first@example.test'),
      ada.sees('second@example.test'),
      ada.hears('second@example.test'),
      expectMedia(first, sectionOf('Ada')),
      expectMedia(first, sectionOf('second@example.test')),
      expectMedia(second, sectionOf('Ada')),
      expectMedia(second, sectionOf('first@example.test')),
    ]);
  });

  it('and the page tell each other what is muted, shared and over', async () => {
    const other = await joinBare(version, 'other@example.test');
    const ada = await world.enter('Ada', { room: plainRoom() });
    await ada.sees('other@example.test');
    const mail = await ada.page.getAttribute('.tile[data-self="true"]', 'data-participant');

    await other.evaluate(() => window.bareClient.pause('mic'));
    await ada.notices('other@example.test', 'mic', 'off');
    await ada.hearsNothingOf('other@example.test');

    await ada.press('toggle-mic');
    await expect.poll(() => notificationsOf(other)).toContain(`producerPaused ${mail} mic`);
    await ada.press('toggle-mic');
    await expect.poll(() => notificationsOf(other)).toContain(`producerResumed ${mail} mic`);
    await ada.press('toggle-screen');
    await expect.poll(() => notificationsOf(other)).toContain(`producerAdded ${mail} screen`);
    await ada.press('toggle-screen');
    await expect.poll(() => notificationsOf(other)).toContain(`producerRemoved ${mail} screen`);

    await ada.press('leave');
    await expect.poll(() => notificationsOf(other)).toContain(`userLeft ${mail}`);
    // What the page sends from the beginning is told with `userJoined` or right after it, as it happens to be ready.
    const fromTheBeginning = new Set([`producerAdded ${mail} mic`, `producerAdded ${mail} webcam`]);
    expect((await notificationsOf(other)).filter((notification) => !fromTheBeginning.has(notification))).toEqual([
      `userJoined ${mail}`,
      `producerPaused ${mail} mic`,
      `producerResumed ${mail} mic`,
      `producerAdded ${mail} screen`,
      `producerRemoved ${mail} screen`,
      `userLeft ${mail}`,
    ]);
  });

  it('leaves and is gone at once', async () => {
    const ada = await world.enter('Ada', { room: plainRoom() });
    const other = await joinBare(version, 'other@example.test');
    await ada.sees('other@example.test');
    await other.evaluate(() => {
      window.bareClient.leave();
    });
    await ada.loses('other@example.test', 'person', 3_000);
  });
});
