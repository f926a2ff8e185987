import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BareClientSite } from './bare-client/page.ts';
import { launchFrugalBrowser } from './browser.ts';
import { KnowledgeTalkSite } from './knowledgetalk-client/page.ts';
import { KurentoSite } from './kurento-client/page.ts';
import { GroupCallMember } from './matrix-clients/group-call.ts';
import { KnowledgeTalkMember } from './matrix-clients/knowledgetalk.ts';
import { BareMember, MeetingMember } from './matrix-clients/mediasoup.ts';
import { type Arrivals, type Member, PROTOCOLS, type Protocol, type Told } from './matrix-clients/member.ts';
import { OwtMember } from './matrix-clients/owt.ts';
import { WcsMember } from './matrix-clients/wcs.ts';
import { OwtSite } from './owt-client/page.ts';
import { Person } from './person.ts';
import { Stack } from './stack.ts';
import { WcsSite } from './wcs-client/page.ts';

/** Ten pages with ninety pictures need their time on two cores. */
const LONG = 240_000;
const PATIENCE = { timeout: 60_000, interval: 500 };

/** After this time, in milliseconds, whatever is told twice has been told twice. */
const SETTLING = 1_500;

interface Closable {
  close(): void | Promise<void>;
}

/** Two members of each protocol, in one room. */
class MixedRoom {
  readonly members: Member[] = [];
  readonly #closables: Closable[];

  static async open(): Promise<MixedRoom> {
    const [browser, stack] = await Promise.all([launchFrugalBrowser(), Stack.start()]);
    const closables: Closable[] = [browser, { close: () => stack.stop() }];
    const room = new MixedRoom(closables);
    const { url } = stack;
    const talk = await KnowledgeTalkSite.open(url);
    const [bare, kurento, wcs, owt] = await Promise.all([BareClientSite.open(), KurentoSite.open(), WcsSite.open(), OwtSite.open()]);
    closables.unshift(talk, bare, kurento, wcs, owt);

    // The numbers of rooms are the server's choice in this protocol; in all others every name will do.
    const maker = await talk.visit(browser, 'vendor', url);
    const name = await maker.create();
    const enter: Record<Protocol, (number: 1 | 2) => Promise<Member>> = {
      knowledgetalk: async (number) => {
        if (number === 1) return new KnowledgeTalkMember(maker);
        const page = await talk.visit(browser, 'vendor', url);
        await page.join(name);
        return new KnowledgeTalkMember(page);
      },
      'mediasoup-http': async (number) => {
        if (number === 1) return new MeetingMember(await Person.join(browser, { url, room: name, name: 'Grace' }));
        const mail = 'bare@example.test';
        return new BareMember(await bare.join(browser, 'newest', { edge: url, room: name, mail }), mail);
      },
      'group-call': async (number) => {
        const place = { edge: url, room: name, version: number === 1 ? '7.3' : '6.16', line: number === 1 ? 'raw' : 'sockjs' } as const;
        return new GroupCallMember(await kurento.join(browser, { ...place, userId: 40 + number }));
      },
      wcs: async (number) => {
        const streamer = await wcs.visit(browser, number === 1 ? '2.0.276' : '2.0.180');
        const login = `wcs-${number}`;
        await streamer.connectToRooms(url.replace('http', 'ws'), login);
        await streamer.join(name);
        await streamer.publishInRoom();
        return new WcsMember(streamer, login);
      },
      owt: async (number) => {
        const user = `owt-${number}`;
        const page = await owt.join(browser, { edge: url, room: name, user, library: number === 1 ? '4' : '2' });
        const [own = ''] = await page.publish();
        return new OwtMember(page, user, own);
      },
    };
    for (const number of [1, 2] as const) for (const protocol of PROTOCOLS) room.members.push(await enter[protocol](number));
    return room;
  }

  private constructor(closables: Closable[]) {
    this.#closables = closables;
  }

  first(protocol: Protocol): Member {
    const found = this.members.find((member) => member.protocol === protocol);
    if (!found) throw new Error(`nobody speaks ${protocol}`);
    return found;
  }

  othersThan(member: Member): Member[] {
    return this.members.filter((other) => other !== member);
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
    for (const one of this.#closables) await one.close();
  }
}

let room: MixedRoom;

beforeAll(async () => {
  room = await MixedRoom.open();
}, LONG);

afterAll(() => room.close());

type Cells = Map<string, Arrivals>;

/** What has arrived over each of the 25 kinds of way: the least of the pairs of members that it has. */
async function readCells(before?: Map<string, Arrivals>): Promise<{ cells: Cells; pairs: Map<string, Arrivals> }> {
  const [cells, pairs] = [new Map<string, Arrivals>(), new Map<string, Arrivals>()];
  await Promise.all(
    room.members.flatMap((viewer) =>
      room.othersThan(viewer).map(async (publisher) => {
        const key = `${publisher.id} ${viewer.id}`;
        const { frames, packets } = await viewer.arrivals(publisher);
        pairs.set(key, { frames, packets });
        const since = before?.get(key) ?? { frames: 0, packets: 0 };
        const cell = `${publisher.protocol} ${viewer.protocol}`;
        const least = cells.get(cell) ?? { frames: Infinity, packets: Infinity };
        cells.set(cell, {
          frames: Math.min(least.frames, frames - since.frames),
          packets: Math.min(least.packets, packets - since.packets),
        });
      }),
    ),
  );
  return { cells, pairs };
}

function tableOf(cells: Cells): string {
  const rows = PROTOCOLS.map((publisher) => [
    publisher,
    ...PROTOCOLS.map((viewer) => {
      const { frames = 0, packets = 0 } = cells.get(`${publisher} ${viewer}`) ?? {};
      return `${frames} / ${packets}`;
    }),
  ]);
  return [['from \\ to', ...PROTOCOLS], ...rows].map((row) => row.map((cell) => cell.padEnd(16)).join('')).join('\n');
}

describe('ten members of five protocols in one room', () => {
  it(
    'see and hear each other, each of the 25 ways',
    async () => {
      await Promise.all(room.members.map((member) => member.watch(room.othersThan(member))));
      const { pairs } = await readCells();
      let last: Cells = new Map();
      const silent = async () => {
        last = (await readCells(pairs)).cells;
        return [...last].filter(([, { frames, packets }]) => frames < 5 || packets < 50).map(([cell]) => cell);
      };
      try {
        await expect.poll(silent, PATIENCE).toEqual([]);
      } finally {
        // eslint-disable-next-line no-console -- the table is what people run this for
        console.log(`decoded frames / audio packets, the least of the pairs of each cell\n${tableOf(last)}`);
      }
      expect(last.size).toBe(25);
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
      const { pairs } = await readCells();
      await expect
        .poll(async () => [...(await readCells(pairs)).cells].filter(([, { frames, packets }]) => frames < 5 || packets < 50), PATIENCE)
        .toEqual([]);
      expect(await Promise.all(room.members.map((member) => member.faults()))).toEqual(room.members.map(() => []));
    },
    LONG,
  );
});

function differenceOf(now: Told | undefined, before: Told | undefined): Told {
  const of = (what: keyof Told) => (now?.[what] ?? 0) - (before?.[what] ?? 0);
  return { audio: of('audio'), video: of('video'), left: of('left') };
}
