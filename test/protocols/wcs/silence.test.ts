import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Caller } from './caller.ts';
import { Sender } from './sender.ts';

/** Seconds without RTP. */
const TIMEOUT = 4;

let stack: Stack;
let sender: Sender;
let room: string;
let rooms = 0;
const open: Caller[] = [];

beforeAll(async () => {
  [stack, sender] = await Promise.all([startStack({ WCS_RTP_TIMEOUT: String(TIMEOUT) }), Sender.start()]);
});

afterAll(async () => {
  sender.stop();
  await stack.stop();
});

beforeEach(() => {
  room = `w-silence-${++rooms}`;
});

afterEach(() => {
  for (const caller of open.splice(0)) caller.close();
});

async function connected(): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, { path: `/wcs/${room}` });
  open.push(caller);
  await caller.next('getVersion');
  return caller;
}

const SILENT = { status: 'FAILED', info: 'Failed by RTP activity' };

it('a publisher of which nothing ever comes has failed, and its name is free', async () => {
  const ada = await connected();
  const id = await ada.publish('cam');
  const since = Date.now();
  expect(await ada.status(id)).toMatchObject({ ...SILENT, published: true, name: 'cam', record: false });
  expect(Date.now() - since).toBeGreaterThan((TIMEOUT - 1) * 1000);
  await ada.publish('cam');
});

it('a publisher that stops sending while it stays connected has failed, its players are told, and its file is there', async () => {
  const [ada, bob] = [await connected(), await connected()];
  const ownSender = await Sender.start();
  ada.tracks = ownSender.tracks;
  bob.tracks = sender.tracks;
  const published = await ada.publish('cam', { record: true });
  const other = await bob.publish('other');
  const played = await bob.play('cam');
  await sleep(TIMEOUT * 2_000);
  ownSender.stop();
  const since = Date.now();
  expect(await ada.status(published)).toMatchObject({
    ...SILENT,
    width: 160,
    height: 120,
    record: true,
    recordName: expect.stringMatching(/^stream-/u) as string,
  });
  expect(Date.now() - since).toBeGreaterThan((TIMEOUT - 1) * 1000);
  expect(await bob.status(played)).toMatchObject({ published: false, status: 'FAILED', info: 'Stopped by publisher stop' });
  // Whoever sends, and whoever only plays, is left alone.
  await sleep(TIMEOUT * 2_000);
  expect((await bob.settled()).filter(({ message }) => message === 'notifyStreamStatusEvent')).toEqual([]);
  bob.say('unPublishStream', { mediaSessionId: other });
  expect(await bob.status(other)).toMatchObject({ status: 'UNPUBLISHED' });
  expect(ada.closed).toBeUndefined();
});
