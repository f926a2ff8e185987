/** A room of members that speak different protocols, each with a page in the same Chromium. */
import { BareClientSite } from '../bare-client/page.ts';
import type { Browser } from 'playwright-core';
import { eventually } from '../../harness/eventually.ts';
import { launchFrugalBrowser } from '../browser.ts';
import { KnowledgeTalkSite } from '../knowledgetalk-client/page.ts';
import { KurentoSite } from '../kurento-client/page.ts';
import { OwtSite } from '../owt-client/page.ts';
import { Person } from '../person.ts';
import { Stack } from '../stack.ts';
import { WcsSite } from '../wcs-client/page.ts';
import { GroupCallMember } from './group-call.ts';
import { KnowledgeTalkMember } from './knowledgetalk.ts';
import { BareMember, MeetingMember } from './mediasoup.ts';
import { type Arrivals, type Member, PROTOCOLS, type Protocol } from './member.ts';
import { OwtMember } from './owt.ts';
import { WcsMember } from './wcs.ts';

/** Two of each, in the order of their entry. */
export const TEN_MEMBERS: readonly Protocol[] = [
  ...(['knowledgetalk', 'mediasoup-http', 'group-call', 'wcs', 'owt'] as const),
  ...(['mediasoup-http', 'group-call', 'wcs', 'owt', 'knowledgetalk'] as const),
];

/** In milliseconds. */
const PATIENCE = 60_000;
const INTERVAL = 500;

/** The name of a room that is begun by a member of another protocol than KnowledgeTalk, where the server draws it. */
const NUMBER = '27182818';

/** What has arrived over each of the ways from a protocol to a protocol, and for each pair of members. */
export interface Reading {
  /** By the protocols of publisher and viewer: the least of the pairs. */
  readonly cells: ReadonlyMap<string, Arrivals>;
  /** By publisher and viewer. */
  readonly pairs: ReadonlyMap<string, Arrivals>;
}

interface Sites {
  readonly talk: KnowledgeTalkSite;
  readonly bare: BareClientSite;
  readonly kurento: KurentoSite;
  readonly wcs: WcsSite;
  readonly owt: OwtSite;
}

export class MixedRoom {
  readonly members: Member[] = [];
  readonly stack: Stack;
  readonly #browser: Browser;
  readonly #sites: Sites;
  #name = NUMBER;

  /** Starts Parley, a browser and the sites that serve the clients. Nobody is in the room yet. */
  static async open(): Promise<MixedRoom> {
    const [browser, stack] = await Promise.all([launchFrugalBrowser(), Stack.start()]);
    const [talk, bare, kurento, wcs, owt] = await Promise.all([
      KnowledgeTalkSite.open(stack.url),
      BareClientSite.open(),
      KurentoSite.open(),
      WcsSite.open(),
      OwtSite.open(),
    ]);
    return new MixedRoom(stack, browser, { talk, bare, kurento, wcs, owt });
  }

  private constructor(stack: Stack, browser: Browser, sites: Sites) {
    this.stack = stack;
    this.#browser = browser;
    this.#sites = sites;
  }

  /** Somebody comes in and publishes camera and microphone. The second member of a protocol has another client, or another version of it. */
  async enter(protocol: Protocol): Promise<Member> {
    const isFirst = !this.members.some((member) => member.protocol === protocol);
    const member = await this.#admit(protocol, isFirst);
    this.members.push(member);
    return member;
  }

  first(protocol: Protocol): Member {
    const found = this.members.find((member) => member.protocol === protocol);
    if (!found) throw new Error(`nobody speaks ${protocol}`);
    return found;
  }

  othersThan(member: Member): Member[] {
    return this.members.filter((other) => other !== member);
  }

  /** Everybody asks for what the others publish. */
  async watchAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.watch(this.othersThan(member))));
  }

  /** Reads what has arrived since an earlier reading, or since the beginning. */
  async read(since?: Reading): Promise<Reading> {
    const [cells, pairs] = [new Map<string, Arrivals>(), new Map<string, Arrivals>()];
    const ways = this.members.flatMap((viewer) => this.othersThan(viewer).map((publisher) => [publisher, viewer] as const));
    await Promise.all(
      ways.map(async ([publisher, viewer]) => {
        const key = `${publisher.id} ${viewer.id}`;
        const { frames, packets } = await viewer.arrivals(publisher);
        pairs.set(key, { frames, packets });
        const before = since?.pairs.get(key) ?? { frames: 0, packets: 0 };
        const cell = `${publisher.protocol} ${viewer.protocol}`;
        const least = cells.get(cell) ?? { frames: Infinity, packets: Infinity };
        cells.set(cell, {
          frames: Math.min(least.frames, frames - before.frames),
          packets: Math.min(least.packets, packets - before.packets),
        });
      }),
    );
    return { cells, pairs };
  }

  /**
   * Waits until picture and sound have come over every way since now.
   *
   * @returns what has come.
   * @throws Error with the table of what has.
   */
  async flow(): Promise<Reading> {
    const start = await this.read();
    let last = start;
    const isFlowing = async () => silentIn((last = await this.read(start))).length === 0;
    await eventually('every way flows', isFlowing, PATIENCE, INTERVAL).catch((error: unknown) => {
      throw new Error(`not every way flows:\n${tableOf(last)}`, { cause: error });
    });
    return last;
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
    for (const site of Object.values(this.#sites) as { close(): void }[]) site.close();
    await this.#browser.close();
    await this.stack.stop();
  }

  async #admit(protocol: Protocol, isFirst: boolean): Promise<Member> {
    const { talk, bare, kurento, wcs, owt } = this.#sites;
    const [browser, { url }, number] = [this.#browser, this.stack, isFirst ? 1 : 2];
    switch (protocol) {
      case 'knowledgetalk': {
        const page = await talk.visit(browser, 'vendor', url);
        if (this.members.length === 0) this.#name = await page.create();
        else await page.join(this.#name);
        return new KnowledgeTalkMember(page);
      }
      case 'mediasoup-http': {
        if (isFirst) return new MeetingMember(await Person.join(browser, { url, room: this.#name, name: 'Grace' }));
        const mail = 'bare@example.test';
        return new BareMember(await bare.join(browser, 'newest', { edge: url, room: this.#name, mail }), mail);
      }
      case 'group-call': {
        const client = isFirst ? ({ version: '7.3', line: 'raw' } as const) : ({ version: '6.16', line: 'sockjs' } as const);
        return new GroupCallMember(await kurento.join(browser, { ...client, edge: url, room: this.#name, userId: 40 + number }));
      }
      case 'wcs': {
        const streamer = await wcs.visit(browser, isFirst ? '2.0.276' : '2.0.180');
        const login = `wcs-${number}`;
        await streamer.connectToRooms(url.replace('http', 'ws'), login);
        await streamer.join(this.#name);
        await streamer.publishInRoom();
        return new WcsMember(streamer, login);
      }
      case 'owt': {
        const user = `owt-${number}`;
        const page = await owt.join(browser, { edge: url, room: this.#name, user, library: isFirst ? '4' : '2' });
        const [own = ''] = await page.publish();
        return new OwtMember(page, user, own);
      }
    }
  }
}

/** A table of the ways, with decoded frames and packets of sound. */
export function tableOf({ cells }: Reading): string {
  const rows = PROTOCOLS.map((publisher) => [
    publisher,
    ...PROTOCOLS.map((viewer) => {
      const { frames = 0, packets = 0 } = cells.get(`${publisher} ${viewer}`) ?? {};
      return `${frames} / ${packets}`;
    }),
  ]);
  return [['from \\ to', ...PROTOCOLS], ...rows].map((row) => row.map((cell) => cell.padEnd(16)).join('')).join('\n');
}

/** The ways over which too little has arrived for a picture that moves and for sound. */
function silentIn({ cells }: Reading): string[] {
  return [...cells].filter(([, { frames, packets }]) => frames < 5 || packets < 50).map(([cell]) => cell);
}
