import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PDFDocument } from '@napi-rs/canvas';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from './knowledgetalk-client/client.ts';
import { expectConversation, type KnowledgeTalkPage, KnowledgeTalkSite } from './knowledgetalk-client/page.ts';
import type { Kind, StrokeInfo } from './knowledgetalk-client/signaling.ts';
import { basic } from '../services/tenant.ts';
import { useWorld } from './world.ts';

/** The clients themselves wait for seconds before they say what they have to say. */
const LONG = 180_000;

const PATIENCE = { timeout: 40_000, interval: 200 };

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

const QUARTERS = [
  { place: [0.25, 0.25], colour: '#ff0000', pixel: [255, 0, 0, 255] },
  { place: [0.75, 0.25], colour: '#00ff00', pixel: [0, 255, 0, 255] },
  { place: [0.25, 0.75], colour: '#0000ff', pixel: [0, 0, 255, 255] },
  { place: [0.75, 0.75], colour: '#ffff00', pixel: [255, 255, 0, 255] },
] as const;

/** A document with one page of four colours. */
function colourfulPdf(): number[] {
  const pdf = new PDFDocument();
  const context = pdf.beginPage(200, 100);
  for (const { place, colour } of QUARTERS) {
    context.fillStyle = colour;
    context.fillRect(place[0] * 200 - 50, place[1] * 100 - 25, 100, 50);
  }
  pdf.endPage();
  return [...new Uint8Array(pdf.close())];
}

describe('a shared document', () => {
  it(
    'is uploaded from the page, and its first page shown on the other one',
    async () => {
      const [ada, bob] = await room('vendor', 'vendor');
      if (!bob) return;
      const answer = await ada.shareFile({ bytes: colourfulPdf(), name: 'colours.pdf', type: 'application/pdf' });
      expect(answer).toMatchObject({ code: '200', type: 'pdf', pages: [expect.stringMatching(/\/colours\.1\.png$/u)] });
      expect(await bob.sharedPage(QUARTERS.map(({ place }) => place))).toEqual(QUARTERS.map(({ pixel }) => [...pixel]));
    },
    LONG,
  );
});

describe('the whiteboard', () => {
  const pen = (color: string): StrokeInfo => ({ tool: 'pen', color, strokeWidth: 6 });
  const eraser: StrokeInfo = { tool: 'eraser', color: '#ffffff', strokeWidth: 16 };

  it(
    'is on every page pixel for pixel what was drawn, also on that of a member who comes late, erased and cleared where it was',
    async () => {
      const [ada, bob] = await room('vendor', 'sample');
      if (!bob) return;
      await ada.startBoard();
      const blank = await ada.board();
      await ada.draw(pen('#ff0000'), [
        [20, 20],
        [280, 180],
        [20, 180],
      ]);
      await expect.poll(() => bob.board(), PATIENCE).toBe(await ada.board());
      const cleared = await ada.board();
      await ada.clearBoard();
      expect(await ada.board()).toBe(blank);
      await expect.poll(() => bob.board(), PATIENCE).toBe(blank);

      await ada.draw(pen('#0000ff'), [
        [150, 20],
        [280, 100],
        [150, 180],
        [20, 100],
        [150, 20],
      ]);
      const beforeErasing = await ada.board();
      await ada.draw(eraser, [
        [150, 10],
        [150, 190],
      ]);
      const erased = await ada.board();
      await expect.poll(() => bob.board(), PATIENCE).toBe(erased);
      await bob.draw(pen('#00aa00'), [
        [40, 40],
        [260, 160],
      ]);
      const drawn = await bob.board();
      expect(new Set([blank, cleared, beforeErasing, erased, drawn]).size).toBe(5);
      await expect.poll(() => ada.board(), PATIENCE).toBe(drawn);

      const late = await enter(ada.roomId, 'vendor');
      await expect.poll(() => late.board(), PATIENCE).toBe(drawn);
    },
    LONG,
  );
});

interface Listed {
  readonly id: string;
  readonly fileName: string;
  readonly status: string;
  readonly size: number;
}

describe('a recording', () => {
  const AUTHORISED = { headers: basic('default', 'demo') };

  async function find(fileName: string): Promise<Listed | undefined> {
    const response = await fetch(`${world.stack.url}/api/tenant/recordings`, AUTHORISED);
    return ((await response.json()) as { items: Listed[] }).items.find((item) => item.fileName === fileName);
  }

  it(
    'that a page uploads part by part until its tab is closed can be played as far as it came',
    async () => {
      const [ada, bob] = await room('vendor', 'vendor');
      if (!bob) return;
      const fileName = await ada.record();
      await bob.isTold(`Presence Record ${ada.userId}`);
      await expect.poll(async () => (await ada.recorded()).length, PATIENCE).toBeGreaterThanOrEqual(4);
      const acknowledged = (await ada.recorded()).at(-1) ?? 0;
      await ada.close();
      await bob.isTold(`Presence RecordStop ${ada.userId}`);
      await expect.poll(async () => (await find(fileName))?.status, PATIENCE).toBe('stopped');
      const recording = await find(fileName);
      expect(recording?.size).toBeGreaterThanOrEqual(acknowledged);

      const response = await fetch(`${world.stack.url}/api/tenant/recordings/${recording?.id}/file`, AUTHORISED);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.length).toBe(recording?.size);
      const { video, audio } = await decode(bytes);
      expect(video?.codec_name).toBe('vp8');
      expect(video?.width).toBe(320);
      expect(Number(video?.nb_read_frames)).toBeGreaterThan(5);
      expect(audio?.codec_name).toBe('opus');
      expect(Number(audio?.nb_read_frames)).toBeGreaterThan(30);
    },
    LONG,
  );
});

interface DecodedStream {
  readonly codec_type: string;
  readonly codec_name: string;
  readonly width?: number;
  readonly nb_read_frames: string;
}

/** Decodes all of a file, and complains about whatever cannot be decoded. */
async function decode(bytes: Buffer): Promise<{ video?: DecodedStream; audio?: DecodedStream }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-recorded-'));
  try {
    const file = join(folder, 'recorded.webm');
    await writeFile(file, bytes);
    const { stdout, stderr } = await promisify(execFile)('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', file]);
    // The last part ends where the page was cut off, and with it the file.
    expect(stderr.replace(/^.* File ended prematurely at .*\n/mu, '').trim()).toBe('');
    const { streams } = JSON.parse(stdout) as { streams: DecodedStream[] };
    const ofType = (type: string) => streams.find(({ codec_type }) => codec_type === type);
    const [video, audio] = [ofType('video'), ofType('audio')];
    return { ...(video && { video }), ...(audio && { audio }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe.each(['vendor', 'sample'] as const)('a client like the %s’s and the meeting page', (kind) => {
  it(
    'see and hear each other through the media node at once, and see each other’s screens, one at a time',
    async () => {
      const [ada] = await room(kind);
      const grace = await world.enter('Grace', { room: ada.roomId });
      const other = await otherThan(ada, []);
      await Promise.all([ada.receives(other), grace.sees(ada.userId), grace.hears(ada.userId)]);
      expect(await ada.mode()).toBe('Y');

      // Whoever comes when a member of another protocol is there has the same.
      const bob = await enter(ada.roomId, kind);
      await expectConversation([ada, bob]);
      await bob.receives(other);
      await bob.shows(ada.userId, bob.userId, other);

      await grace.press('toggle-screen');
      await Promise.all([ada.sees('screen'), bob.sees('screen')]);
      expect(await bob.shareScreen()).toBe('440');
      await grace.press('toggle-screen');
      await Promise.all([ada.losesScreen(), bob.losesScreen()]);
      expect(await bob.shareScreen()).toBe('200');
      await Promise.all([ada.sees('screen'), grace.sees(bob.userId, 'screen')]);
      // The page is told why it cannot share as well, and can when the other has stopped.
      await grace.press('toggle-screen');
      await grace.page.waitForSelector('.notice-text:has-text("Somebody else is sharing a screen")');
      await bob.stopScreen();
      await grace.loses(bob.userId, 'screen');
      await grace.page.click('.notice-action:has-text("Try again")');
      await Promise.all([ada.sees('screen'), bob.sees('screen')]);
      await grace.press('leave');
      await ada.shows(ada.userId, bob.userId);
      expect(grace.complaints).toEqual([]);
    },
    LONG,
  );
});

describe('a meeting that the page has opened', () => {
  it(
    'is entered by clients of both kinds by its number, and everybody sees and hears everybody',
    async () => {
      const number = String(randomInt(10_000_000, 100_000_000));
      const grace = await world.enter('Grace', { room: number });
      const ada = await enter(number, 'vendor');
      const bob = await enter(number, 'sample');
      const other = await otherThan(ada, [bob.userId]);
      await Promise.all([
        expectConversation([ada, bob]),
        ...[ada, bob].flatMap((one) => [one.receives(other), grace.sees(one.userId), grace.hears(one.userId)]),
      ]);
      for (const one of [ada, bob]) await one.shows(ada.userId, bob.userId, other);
      expect(grace.complaints).toEqual([]);
    },
    LONG,
  );
});

/** Waits for a place for somebody who is not among the given ones. */
async function otherThan(page: KnowledgeTalkPage, known: readonly string[]): Promise<string> {
  const others = async () => (await page.places()).filter((place) => place !== page.userId && !known.includes(place));
  await expect.poll(async () => (await others()).length, PATIENCE).toBe(1);
  return (await others())[0] ?? '';
}
