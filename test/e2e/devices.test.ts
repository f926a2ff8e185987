import type { BrowserContextOptions } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { launchBrowser, type BrowserOptions } from './browser.ts';
import { installProbe } from './page-probe.ts';
import { Person } from './person.ts';
import { useWorld } from './world.ts';

const world = useWorld('devices');

interface Guests {
  /** Has everything. */
  readonly ada: Person;
  /** Has the trouble; is still at the form. */
  readonly grace: Person;
}

/** Lets Grace come with a browser of her own, in which something is wrong. */
async function withTroubled(
  options: BrowserOptions,
  use: (guests: Guests) => Promise<void>,
  context?: BrowserContextOptions,
): Promise<void> {
  const ada = await world.enter('Ada');
  const troubled = await launchBrowser(options);
  try {
    await use({ ada, grace: await Person.open(troubled, { url: world.stack.url, room: world.room(), name: 'Grace' }, context) });
  } finally {
    await troubled.close();
  }
}

async function explanations(person: Person): Promise<string[]> {
  await person.page.waitForSelector('.device-problem');
  return person.page.locator('.device-problem p').allTextContents();
}

/** The join succeeds without devices: the others see the name, and are seen and heard. */
async function expectListener({ ada, grace }: Guests): Promise<void> {
  await grace.pressJoin();
  await grace.sees('Ada');
  await grace.hears('Ada');
  await ada.notices('Grace', 'camera', 'none');
  await ada.notices('Grace', 'mic', 'none');
}

describe('a device problem', () => {
  it('of permission is explained, and joining works without', async () => {
    await withTroubled({ devices: true, allowed: false }, async (guests) => {
      expect(await explanations(guests.grace)).toEqual([
        expect.stringContaining('does not let this page use the microphone. Allow it'),
        expect.stringContaining('does not let this page use the camera. Allow it'),
      ]);
      await expectListener(guests);
    });
  });

  it('of permission can be mended during the meeting', async () => {
    await withTroubled({ devices: true, allowed: false }, async (guests) => {
      await explanations(guests.grace);
      await expectListener(guests);
      await guests.grace.press('toggle-mic');
      await guests.grace.page.waitForSelector('.notice:has-text("does not let this page use the microphone")');
      await guests.grace.page.context().grantPermissions(['microphone', 'camera']);
      await guests.grace.page.click('.notice-action');
      await guests.ada.hears('Grace');
      await guests.grace.press('toggle-webcam');
      await guests.ada.sees('Grace');
    });
  });

  it('of only the camera leaves the microphone', async () => {
    await withTroubled(
      { devices: true, allowed: false },
      async ({ ada, grace }) => {
        expect(await explanations(grace)).toEqual([expect.stringContaining('use the camera')]);
        await grace.pressJoin();
        await ada.hears('Grace');
        await ada.notices('Grace', 'camera', 'none');
      },
      { permissions: ['microphone'] },
    );
  });

  it('of missing devices is explained, and joining works without', async () => {
    await withTroubled({ devices: false, allowed: true }, async (guests) => {
      expect(await explanations(guests.grace)).toEqual([
        expect.stringContaining('No microphone was found. Connect one'),
        expect.stringContaining('No camera was found. Connect one'),
      ]);
      await expectListener(guests);
    });
  });

  it('of a device in use is explained and can be tried again', async () => {
    const page = await world.browser.newPage();
    // No second program can hold Chromium's fake camera: the browser's answer in that case is put in its place.
    await page.addInitScript(() => {
      const devices = navigator.mediaDevices;
      const getUserMedia = devices.getUserMedia.bind(devices);
      let busy = true;
      devices.getUserMedia = (constraints) => {
        if (busy && constraints?.video) return Promise.reject(new DOMException('Could not start video source', 'NotReadableError'));
        return getUserMedia(constraints);
      };
      window.addEventListener('camera-is-free', () => {
        busy = false;
      });
    });
    await page.goto(world.stack.url);
    await page.waitForSelector('.device-problem:has-text("The camera does not start; another program may be using it")');
    expect(await page.locator('.device-problem').count()).toBe(1);
    await page.evaluate(() => window.dispatchEvent(new Event('camera-is-free')));
    await page.click('.device-problem button');
    await page.waitForSelector('#preview-video:not([hidden])');
    expect(await page.locator('.device-problem').count()).toBe(0);
    await page.close();
  });

  it('of an insecure address is explained', async () => {
    const page = await world.browser.newPage();
    await installProbe(page);
    // The same page under a name that is not this computer's: the browser hides the devices from it.
    await page.route('http://parley.example/**', async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: world.stack.url + pathname }) });
    });
    await page.goto('http://parley.example/');
    await page.waitForSelector('.device-problem:has-text("Open this page with an https address")');
    expect(await page.locator('.device-problem button').count()).toBe(0);
    await page.unrouteAll({ behavior: 'wait' });
    await page.close();
  });

  it('of a microphone that is unplugged during the meeting is told, and it can be turned on again', async () => {
    await withTroubled({ devices: true, allowed: true }, async ({ ada, grace }) => {
      await grace.pressJoin();
      await ada.hears('Grace');
      await grace.page.evaluate(() => {
        const microphone = window.probe.captured.find((track) => track.kind === 'audio');
        microphone?.stop();
        microphone?.dispatchEvent(new Event('ended'));
      });
      await grace.page.waitForSelector('.notice:has-text("The microphone was disconnected")');
      await ada.notices('Grace', 'mic', 'off');
      await grace.page.click('.notice-action');
      await ada.notices('Grace', 'mic', 'on');
      await ada.hears('Grace');
    });
  });
});

describe('a refused join', () => {
  it('shows why and leaves the form as it was', async () => {
    const person = await Person.open(world.browser, { url: world.stack.url, room: 'refused', name: 'Ada' });
    await person.page.route('**/api/media/rooms/**', (route) => route.abort('connectionrefused'));
    await person.page.click('#join');
    await person.page.waitForSelector('#join-error:has-text("The server cannot be reached")');
    expect(await person.page.inputValue('#name')).toBe('Ada');
    await person.page.unroute('**/api/media/rooms/**');
    await person.page.click('#join');
    await person.isInMeeting();
    await person.close();
  });
});
