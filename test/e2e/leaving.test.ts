import { describe, expect, it } from 'vitest';
import { FragileLine } from './fragile-line.ts';
import { expectConversation, type Person } from './person.ts';
import { useWorld } from './world.ts';

/** "At once" for somebody who watches, in milliseconds; far below the ten seconds of the reconnect grace. */
const AT_ONCE = 3_000;
/** The reconnect grace, and some time to notice. */
const GRACE = 20_000;

const world = useWorld('leaving');

/** Ada and Grace meet in a new room and see each other; Grace may come by another line. */
async function converse(graceUrl?: string): Promise<[Person, Person]> {
  const two = await world.meetTwo(graceUrl);
  await expectConversation(two);
  return two;
}

/** Counts from now on how often tiles are taken away. */
async function countRemovals(person: Person): Promise<() => Promise<number>> {
  await person.page.evaluate(() => {
    const people = document.querySelector<HTMLElement>('#people');
    if (!people) return;
    people.dataset.removals = '0';
    new MutationObserver((mutations) => {
      const removed = mutations.reduce((sum, mutation) => sum + mutation.removedNodes.length, 0);
      people.dataset.removals = String(Number(people.dataset.removals) + removed);
    }).observe(people, { childList: true });
  });
  return async () => Number(await person.page.getAttribute('#people', 'data-removals'));
}

describe('leaving', () => {
  it('by the button is seen at once, and the page is ready for the next meeting', async () => {
    const [ada, grace] = await converse();
    await grace.press('leave');
    await ada.loses('Grace', 'person', AT_ONCE);
    await grace.page.waitForSelector('#lobby:not([hidden])');
    expect(await grace.page.evaluate(() => window.probe.connections.every((each) => each.connectionState === 'closed'))).toBe(true);
    // The camera's light is off after a meeting, and stays off until somebody wants it on.
    expect(await grace.page.evaluate(() => window.probe.captured.every((track) => track.readyState === 'ended'))).toBe(true);
    await grace.page.click('#preview-mic');
    await grace.page.click('#preview-webcam');
    await grace.pressJoin();
    await expectConversation([ada, grace]);
  });

  it('because the server says so is told, and one can join again', async () => {
    const [ada, grace] = await converse();
    const userMail = await ada.tile('Grace').getAttribute('data-participant');
    const response = await fetch(`${world.stack.url}/api/media/rooms/leaveRoom`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ roomName: world.room(), userMail }),
    });
    expect(await response.json()).toEqual({ status: 'success', result: null });
    await ada.loses('Grace', 'person', AT_ONCE);
    await grace.page.waitForSelector('.notice:has-text("You have left the room.")');
    await grace.page.click('.notice-action');
    await expectConversation([ada, grace]);
  });

  it('by closing the tab is seen at once', async () => {
    const [ada, grace] = await converse();
    await grace.page.close({ runBeforeUnload: false });
    await ada.loses('Grace', 'person', AT_ONCE);
  });

  it('by going to another page is seen at once', async () => {
    const [ada, grace] = await converse();
    await grace.page.goto('about:blank');
    await ada.loses('Grace', 'person', AT_ONCE);
  });

  it('by a crash of the tab is seen after the grace at the latest', async () => {
    const [ada, grace] = await converse();
    const devtools = await grace.page.context().newCDPSession(grace.page);
    // The command is never answered: the page that should answer is gone.
    void devtools.send('Page.crash').catch(() => undefined);
    await ada.loses('Grace', 'person', GRACE);
  });
});

describe('coming back', () => {
  it('after a reload is the same attendee, with what was on and off before', async () => {
    const [ada, grace] = await converse();
    await grace.press('toggle-mic');
    await ada.notices('Grace', 'mic', 'off');
    const before = await ada.tile('Grace').getAttribute('data-participant');
    await grace.page.reload();
    await grace.isInMeeting();
    await ada.sees('Grace');
    expect(await ada.tile('Grace').count()).toBe(1);
    expect(await ada.tile('Grace').getAttribute('data-participant')).toBe(before);
    expect(await grace.page.getAttribute('#toggle-mic', 'aria-pressed')).toBe('false');
    await grace.press('toggle-mic');
    await expectConversation([ada, grace]);
  });

  it('in a duplicated tab is another attendee', async () => {
    const [ada, grace] = await converse();
    const tab = await grace.page.evaluate(() => sessionStorage.getItem('parley.tab'));
    const twin = await grace.page.context().newPage();
    await twin.addInitScript((stolen) => {
      if (stolen !== null) sessionStorage.setItem('parley.tab', stolen);
    }, tab);
    await twin.goto(grace.page.url());
    await twin.fill('#name', 'Grace');
    await twin.click('#join');
    await expect.poll(() => ada.tile('Grace').count(), { timeout: 10_000 }).toBe(2);
    await grace.sees('Ada');
  });

  it('after the line was cut goes unnoticed, and catches up with what happened meanwhile', async () => {
    const line = await FragileLine.open(world.stack.url);
    try {
      const [ada, grace] = await converse(line.url);
      const removals = await countRemovals(ada);
      line.cut();
      await grace.page.waitForSelector('#banner:has-text("interrupted")');
      await ada.press('toggle-mic');
      await grace.press('toggle-webcam');
      await world.enter('Linus');
      line.mend();
      await grace.page.waitForSelector('#banner', { state: 'hidden' });
      await grace.notices('Ada', 'mic', 'off');
      await ada.notices('Grace', 'camera', 'off');
      await grace.sees('Linus');
      await ada.hears('Grace');
      expect(await removals()).toBe(0);
    } finally {
      line.close();
    }
  });

  it('after an absence longer than the grace happens by itself', async () => {
    const line = await FragileLine.open(world.stack.url);
    try {
      const [ada, grace] = await converse(line.url);
      line.cut();
      await ada.loses('Grace', 'person', GRACE);
      line.mend();
      await expectConversation([ada, grace]);
      await grace.isInMeeting();
    } finally {
      line.close();
    }
  });

  it('after a crash of the media worker happens by itself', async () => {
    const [ada, grace] = await converse();
    await world.stack.killMediaWorker();
    await ada.page.waitForSelector('#banner:has-text("Joining again")');
    await ada.isInMeeting();
    await grace.isInMeeting();
    await expectConversation([ada, grace]);
  });
});
