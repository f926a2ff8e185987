import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from './knowledgetalk-client/client.ts';
import { expectConversation, type KnowledgeTalkPage, KnowledgeTalkSite } from './knowledgetalk-client/page.ts';
import type { Kind } from './knowledgetalk-client/signaling.ts';
import { useWorld } from './world.ts';

/** The clients themselves wait for seconds before they say what they have to say. */
const LONG = 180_000;

const world = useWorld('knowledgetalk');
const pages: KnowledgeTalkPage[] = [];
let site: KnowledgeTalkSite;

beforeAll(async () => {
  site = await KnowledgeTalkSite.open(world.stack.url);
});

afterEach(async () => {
  const faults = await Promise.all(pages.map((page) => page.faults()));
  await Promise.all(pages.splice(0).map((page) => page.close()));
  expect(faults.flat()).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function visit(kind: Kind): Promise<KnowledgeTalkPage> {
  const page = await site.visit(world.browser, kind, world.stack.url);
  pages.push(page);
  return page;
}

/** Somebody makes a room, and as many others as given join it. */
async function room(...[first, ...others]: [Kind, ...Kind[]]): Promise<[KnowledgeTalkPage, ...KnowledgeTalkPage[]]> {
  const maker = await visit(first);
  await maker.create();
  const members: [KnowledgeTalkPage, ...KnowledgeTalkPage[]] = [maker];
  for (const kind of others) members.push(await enter(maker.roomId, kind));
  return members;
}

async function enter(roomId: string, kind: Kind, operation?: 'RoomJoinAsObserver'): Promise<KnowledgeTalkPage> {
  const page = await visit(kind);
  await page.join(roomId, operation);
  return page;
}

function inOrder(routes: readonly Route[]): Route[] {
  return routes.toSorted((one, other) => one.from - other.from);
}

describe.each(['vendor', 'sample'] as const)('two clients like the %s’s', (kind) => {
  it(
    'call each other from browser to browser, and through the media node from the third member on',
    async () => {
      const [ada, bob] = await room(kind, kind);
      if (!bob) return;
      await expectConversation([ada, bob]);
      // Each other's ports, and nobody's in between.
      const [ofAda, ofBob] = [await ada.routes(), await bob.routes()];
      expect(ofAda).toHaveLength(kind === 'vendor' ? 1 : 2);
      expect(inOrder(ofAda.map(({ from, to }) => ({ from: to, to: from })))).toEqual(inOrder(ofBob));
      const transports = kind === 'vendor' ? ['websocket', 'websocket'] : ['polling', 'websocket'];
      expect(await ada.transports()).toEqual(transports);

      const eve = await enter(ada.roomId, kind);
      const members = [ada, bob, eve];
      await expectConversation(members);
      const ends = new Set((await ada.routes()).map(({ from }) => from));
      expect((await bob.routes()).filter(({ to }) => ends.has(to))).toEqual([]);
      for (const one of members) {
        expect(await one.mode()).toBe('Y');
        await one.shows(...members.map(({ userId }) => userId));
      }
    },
    LONG,
  );
});

describe('a late joiner', () => {
  it(
    'of either kind sees and hears everybody, and is seen and heard, without a new session for those who were there',
    async () => {
      const [ada, bob, eve] = await room('vendor', 'vendor', 'sample');
      if (!bob || !eve) return;
      await expectConversation([ada, bob, eve]);
      const late = await enter(ada.roomId, 'sample');
      await expectConversation([ada, bob, eve, late]);
      const sessions = (await ada.log()).filter((line) => line.startsWith('StartSession'));
      // One for the call of two, one for the turn.
      expect(sessions).toHaveLength(2);
    },
    LONG,
  );
});

describe('a shared screen', () => {
  it(
    'of two goes from browser to browser beside the cameras, one at a time, and leaves the page with its end',
    async () => {
      const [ada, bob] = await room('vendor', 'vendor');
      if (!bob) return;
      await expectConversation([ada, bob]);
      expect(await ada.shareScreen()).toBe('200');
      await bob.sees('screen');
      expect(await bob.shareScreen()).toBe('440');
      expect((await bob.routes()).length).toBe(2);
      await bob.receives(ada.userId);
      await ada.stopScreen();
      await bob.losesScreen();
      expect(await bob.shareScreen()).toBe('200');
      await ada.sees('screen');

      // A third member turns the call: the share ends, everything else goes on.
      const eve = await enter(ada.roomId, 'vendor');
      await ada.losesScreen();
      await expectConversation([ada, bob, eve]);
    },
    LONG,
  );

  it(
    'of more is seen by all others, also by who comes late, one at a time; a page that is killed frees it, and so does leaving',
    async () => {
      const [ada, bob, eve] = await room('vendor', 'vendor', 'sample');
      if (!bob || !eve) return;
      await expectConversation([ada, bob, eve]);
      expect(await ada.shareScreen()).toBe('200');
      await Promise.all([bob.sees('screen'), eve.sees('screen')]);
      expect(await bob.shareScreen()).toBe('440');
      const late = await enter(ada.roomId, 'vendor');
      await late.sees('screen');
      await ada.stopScreen();
      for (const one of [bob, eve, late]) await one.losesScreen();

      expect(await bob.shareScreen()).toBe('200');
      await Promise.all([ada.sees('screen'), late.sees('screen')]);
      await bob.crash();
      await ada.isTold(`ScreenShareConferenceEndSvr 200 ${bob.userId}`);
      await ada.isTold(`Presence exit ${bob.userId}`);
      for (const one of [ada, eve, late]) {
        await one.losesScreen();
        await one.shows(ada.userId, eve.userId, late.userId);
      }

      expect(await ada.shareScreen()).toBe('200');
      await eve.sees('screen');
      expect(await ada.leave()).toBe('200');
      for (const one of [eve, late]) {
        await one.losesScreen();
        await one.shows(eve.userId, late.userId);
      }
      expect(await late.shareScreen()).toBe('200');
      await eve.sees('screen');
      await expectConversation([eve, late]);
    },
    LONG,
  );
});

describe('an observer', () => {
  it(
    'sees and hears all, also who comes later, and nobody sees or counts it',
    async () => {
      const [ada, bob, eve] = await room('vendor', 'vendor', 'sample');
      if (!bob || !eve) return;
      await expectConversation([ada, bob, eve]);
      const observer = await enter(ada.roomId, 'vendor', 'RoomJoinAsObserver');
      await Promise.all([ada, bob, eve].map(({ userId }) => observer.receives(userId)));
      const members = [ada, bob, eve, await enter(ada.roomId, 'vendor')];
      const [, , , late] = members;
      if (!late) return;
      await expectConversation(members);
      await expect.poll(() => observer.places()).toContain(late.userId);
      await observer.receives(late.userId);
      for (const one of members) {
        await one.shows(...members.map(({ userId }) => userId));
        expect((await one.log()).join()).not.toContain(observer.userId);
      }
    },
    LONG,
  );
});

describe('a member who goes', () => {
  it(
    'and comes back on the same connection, or after a reload, is a new one whom everybody sees and hears',
    async () => {
      const [ada, bob, eve] = await room('vendor', 'vendor', 'sample');
      if (!bob || !eve) return;
      await expectConversation([ada, bob, eve]);
      const before = bob.userId;
      expect(await bob.leave()).toBe('200');
      await ada.shows(ada.userId, eve.userId);
      await bob.join(ada.roomId);
      expect(bob.userId).not.toBe(before);
      await expectConversation([ada, bob, eve]);

      for (const one of [bob, eve]) {
        const former = one.userId;
        await one.reload();
        await ada.isTold(`Presence exit ${former}`);
        await one.join(ada.roomId);
        await ada.shows(ada.userId, bob.userId, eve.userId);
        await expectConversation([ada, bob, eve]);
      }
      // One exit for each departure.
      const exits = (await ada.log()).filter((line) => line.startsWith('Presence exit'));
      expect(exits).toHaveLength(3);
    },
    LONG,
  );
});
