import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeetingMember } from './matrix-clients/mediasoup.ts';
import { type Member, PROTOCOLS, type Told } from './matrix-clients/member.ts';
import { MixedRoom, tableOf, TEN_MEMBERS } from './matrix-clients/mixed-room.ts';

/** Ten pages with ninety pictures need their time on two cores. */
const LONG = 240_000;
const PATIENCE = { timeout: 60_000, interval: 500 };

/** After this time, in milliseconds, whatever is told twice has been told twice. */
const SETTLING = 1_500;

let room: MixedRoom;

beforeAll(async () => {
  room = await MixedRoom.open();
  for (const protocol of TEN_MEMBERS) await room.enter(protocol);
}, LONG);

afterAll(() => room.close());

describe('ten members of five protocols in one room', () => {
  it(
    'see and hear each other, each of the 25 ways',
    async () => {
      await room.watchAll();
      const arrived = await room.flow();
      // eslint-disable-next-line no-console -- the table is what people run this for
      console.log(`decoded frames / audio packets, the least of the pairs of each cell\n${tableOf(arrived)}`);
      expect(arrived.cells.size).toBe(25);
    },
    LONG,
  );

  it.each(PROTOCOLS)(
    'are told once that the member of %s is muted, and once that it is not',
    async (protocol) => {
      const member = room.first(protocol);
      for (const kind of ['audio', 'video'] as const) {
        for (const muted of [true, false]) {
          const viewers = room.othersThan(member);
          const before = await Promise.all(viewers.map((viewer) => viewer.told(member)));
          await member.setMuted(kind, muted);
          const news = async () => {
            const now = await Promise.all(viewers.map((viewer) => viewer.told(member)));
            return Object.fromEntries(viewers.map((viewer, index) => [viewer.id, differenceOf(now[index], before[index])]));
          };
          // The tiles of the meeting page show a state, all others write down what they are told.
          const once = (viewer: Member) => (viewer instanceof MeetingMember && !muted ? -1 : 1);
          const expected = Object.fromEntries(viewers.map((viewer) => [viewer.id, { audio: 0, video: 0, left: 0, [kind]: once(viewer) }]));
          await expect.poll(news, { ...PATIENCE, message: `${kind} ${muted ? 'off' : 'on'}` }).toEqual(expected);
          await sleep(SETTLING);
          expect(await news()).toEqual(expected);
        }
      }
    },
    LONG,
  );

  it.each(['mediasoup-http', 'wcs', 'owt', 'knowledgetalk'] as const)(
    'see the screen that the member of %s shares',
    async (protocol) => {
      const member = room.first(protocol);
      const viewers = room.othersThan(member);
      await member.shareScreen?.();
      const blind = async () => {
        const frames = await Promise.all(viewers.map((viewer) => viewer.screenFrames(member)));
        return viewers.filter((_, index) => (frames[index] ?? 0) < 2).map(({ id }) => id);
      };
      await expect.poll(blind, PATIENCE).toEqual([]);
      await member.stopScreen?.();
      const seeing = async () => {
        const frames = await Promise.all(viewers.map((viewer) => viewer.screenFrames(member)));
        return viewers.filter((_, index) => (frames[index] ?? 0) > 0).map(({ id }) => id);
      };
      // Where nobody wipes what an ended stream has left on the page, there is nothing to wait for.
      const wiping = (ids: string[]) => ids.filter((id) => !id.startsWith('wcs'));
      await expect.poll(async () => wiping(await seeing()), PATIENCE).toEqual([]);
    },
    LONG,
  );

  it.each(['wcs', 'owt', 'knowledgetalk'] as const)(
    'read what the member of %s writes, where their protocols have chat',
    async (protocol) => {
      const member = room.first(protocol);
      const readers = room.othersThan(member).filter(({ heard }) => heard);
      const text = `Hello from ${protocol}`;
      await member.say?.(text, readers);
      const heard = async () => Promise.all(readers.map(async (reader) => reader.heard?.(text)));
      const once = readers.map(() => 1);
      await expect.poll(heard, PATIENCE).toEqual(once);
      await sleep(SETTLING);
      expect(await heard()).toEqual(once);
    },
    LONG,
  );

  it(
    'are told once of each that leaves, and go on seeing each other',
    async () => {
      for (const protocol of PROTOCOLS) {
        const leaver = room.first(protocol);
        const viewers = room.othersThan(leaver);
        await leaver.leave();
        const told = async () => Promise.all(viewers.map(async (viewer) => [viewer.id, (await viewer.told(leaver)).left]));
        const once = viewers.map(({ id }) => [id, 1]);
        await expect.poll(told, { ...PATIENCE, message: `${protocol} leaves` }).toEqual(once);
        await sleep(SETTLING);
        expect(await told()).toEqual(once);
        expect(await leaver.faults()).toEqual([]);
        room.members.splice(room.members.indexOf(leaver), 1);
        await leaver.close();
      }
      await room.flow();
      expect(await Promise.all(room.members.map((member) => member.faults()))).toEqual(room.members.map(() => []));
    },
    LONG,
  );
});

function differenceOf(now: Told | undefined, before: Told | undefined): Told {
  const of = (what: keyof Told) => (now?.[what] ?? 0) - (before?.[what] ?? 0);
  return { audio: of('audio'), video: of('video'), left: of('left') };
}
