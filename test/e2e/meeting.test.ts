import { describe, expect, it } from 'vitest';
import { expectConversation, Person } from './person.ts';
import { useWorld } from './world.ts';

const world = useWorld('meeting');

describe('a meeting', () => {
  it('lets three participants see and hear each other, one of whom joins later', async () => {
    const [ada, grace] = await world.meetTwo();
    await expectConversation([ada, grace]);
    const linus = await world.enter('Linus');
    await expectConversation([ada, grace, linus]);
    expect(await ada.page.textContent('#meeting-count')).toBe('3 participants');
    expect(world.people.flatMap((person) => person.complaints)).toEqual([]);
  });

  it('marks who speaks', async () => {
    const [ada, grace] = await world.meetTwo();
    // The fake microphone beeps once a second, so the mark comes and goes.
    await ada.page.waitForSelector('.tile[data-participant^="Grace"][data-speaking="true"]');
    await ada.page.waitForSelector('.tile[data-participant^="Grace"][data-speaking="false"]');
    await grace.page.waitForSelector('.tile[data-self="true"][data-speaking="true"]');
  });

  it('shows and applies muting', async () => {
    const [ada, grace] = await world.meetTwo();
    await ada.hears('Grace');
    await grace.press('toggle-mic');
    await ada.notices('Grace', 'mic', 'off');
    await ada.hearsNothingOf('Grace');
    await grace.press('toggle-mic');
    await ada.notices('Grace', 'mic', 'on');
    await ada.hears('Grace');
  });

  it('turns the camera off for real and on again', async () => {
    const [ada, grace] = await world.meetTwo();
    await ada.sees('Grace');
    await grace.press('toggle-webcam');
    await ada.notices('Grace', 'camera', 'off');
    await ada.seesNothingOf('Grace');
    expect(await ada.tile('Grace').locator('video').isVisible()).toBe(false);
    const cameras = () =>
      grace.page.evaluate(() => window.probe.captured.filter((track) => track.kind === 'video').map((track) => track.readyState));
    expect(await cameras()).toEqual(['ended']);
    await grace.press('toggle-webcam');
    await ada.notices('Grace', 'camera', 'on');
    await ada.sees('Grace');
    expect(await cameras()).toEqual(['ended', 'live']);
  });

  it('obeys the keyboard', async () => {
    const [ada, grace] = await world.meetTwo();
    await grace.page.keyboard.press('m');
    await ada.notices('Grace', 'mic', 'off');
    await grace.page.keyboard.press('c');
    await ada.notices('Grace', 'camera', 'off');
  });

  it('tells a late joiner what is off', async () => {
    const [ada, grace] = await world.meetTwo();
    await grace.press('toggle-mic');
    await grace.press('toggle-webcam');
    await ada.notices('Grace', 'camera', 'off');
    const linus = await world.enter('Linus');
    await linus.notices('Grace', 'mic', 'off');
    await linus.notices('Grace', 'camera', 'off');
    await linus.sees('Ada');
    await grace.press('toggle-webcam');
    await linus.sees('Grace');
  });

  it('shares a screen, shows it to a late joiner and stops', async () => {
    const [ada, grace] = await world.meetTwo();
    await grace.press('toggle-screen');
    await ada.sees('Grace', 'screen');
    await ada.sees('Grace');
    const linus = await world.enter('Linus');
    await linus.sees('Grace', 'screen');
    await grace.press('toggle-screen');
    await Promise.all([ada.loses('Grace', 'screen'), linus.loses('Grace', 'screen')]);
    expect(await grace.page.locator('.tile[data-kind="screen"]').count()).toBe(0);
    await grace.press('toggle-screen');
    await ada.sees('Grace', 'screen');
  });

  it("notices that sharing was stopped with the browser's own button", async () => {
    const [ada, grace] = await world.meetTwo();
    await grace.press('toggle-screen');
    await ada.sees('Grace', 'screen');
    // What the browser does when its button is pressed; a page that stops a track itself gets no event.
    await grace.page.evaluate(() => {
      const screen = window.probe.captured.at(-1);
      screen?.stop();
      screen?.dispatchEvent(new Event('ended'));
    });
    await ada.loses('Grace', 'screen');
    expect(await grace.page.getAttribute('#toggle-screen', 'aria-pressed')).toBe('false');
  });

  it('keeps people of different rooms apart, and people of the same name in one room', async () => {
    const alone = await world.enter('Ada', { room: world.room(2) });
    const ada = await world.enter('Ada');
    const other = await world.enter('Ada');
    await ada.sees('Ada');
    expect(await ada.page.textContent('#meeting-count')).toBe('2 participants');
    expect(await other.page.textContent('#meeting-count')).toBe('2 participants');
    expect(await alone.page.textContent('#meeting-count')).toBe('Only you are here');
  });

  it('copies the link to the room', async () => {
    const [ada] = await world.meetTwo();
    await ada.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await ada.page.click('#copy-link');
    await ada.page.waitForSelector('#copy-link-text:text("Copied")');
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(
      `${world.stack.url}/?room=${world.room().replace(' ', '+')}`,
    );
  });

  it('carries an access token on every call and on the socket, but never in the link', async () => {
    const ada = await Person.open(world.browser, { url: world.stack.url, room: world.room(), name: 'Ada' });
    const calls: (string | undefined)[] = [];
    ada.page.on('request', (request) => {
      if (request.url().includes('/api/media/')) calls.push(request.headers().authorization);
    });
    const socket = ada.page.waitForEvent('websocket');
    await ada.page.goto(`${world.stack.url}/?room=${encodeURIComponent(world.room())}&token=header.payload.signature`);
    await ada.page.fill('#name', 'Ada');
    await ada.pressJoin();
    expect(new URL((await socket).url()).searchParams.get('token')).toBe('header.payload.signature');
    expect(new Set(calls)).toEqual(new Set(['Bearer header.payload.signature']));
    await ada.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await ada.page.click('#copy-link');
    await ada.page.waitForSelector('#copy-link-text:text("Copied")');
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).not.toContain('token');
    await ada.close();
  });
});
