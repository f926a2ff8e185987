import type { MediaStreamTrack } from 'werift';
import { expect } from 'vitest';
import type { Stack } from '../harness/stack.ts';
import { Cast, type Driver, type Member, type Place } from './drivers/driver.ts';
import { groupCall, GroupCallMember } from './drivers/group-call.ts';
import { knowledgeTalk } from './drivers/knowledgetalk.ts';
import { mediasoupHttp } from './drivers/mediasoup-http.ts';
import { owt } from './drivers/owt.ts';
import { wcs } from './drivers/wcs.ts';
import type { Protocol } from './protocols.ts';
import { type Happening, type Person, RoomModel } from './room-model.ts';
import { words } from './words.ts';

export const DRIVERS: Readonly<Record<Protocol, Driver>> = {
  'mediasoup-http': mediasoupHttp,
  'group-call': groupCall,
  wcs,
  owt,
  knowledgetalk: knowledgeTalk,
};

/** The name of the one who is in each room from first to last. */
const KEEPER = 'keeper';

const FOUNDER = 'founder';

interface SceneOptions {
  /** One that is there already, for instance. */
  readonly room?: string;
  readonly tracks?: readonly MediaStreamTrack[];
  /** The protocol of somebody who is in the room before everybody else. */
  readonly founder?: Protocol;
}

/** Words, and the number of the happening that they tell of. */
interface Expected {
  readonly text: string;
  readonly happening: number;
}

let rooms = 0;

/** A name for a room of which nobody knows yet. */
export function newRoomName(): string {
  return String(20_000_000 + (rooms += 1));
}

/** Members of all protocols in one real room, beside a model of it. */
export class Scene {
  readonly model: RoomModel;
  readonly members: Member[] = [];
  readonly #place: Place;
  /** What each is to be told by now, and has not been looked at. */
  readonly #expected = new Map<Person, Expected[]>();
  readonly #keeper: Person;
  #herald: GroupCallMember | undefined;
  #isKeeperOn = true;
  #happenings = 0;

  /** A room with a keeper, by whose words is known what everybody has been told. It is of a protocol whose members are never connected directly. */
  static async open(stack: Stack, { room = newRoomName(), tracks, founder }: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(stack.edge.url, room, tracks);
    const founded = founder && (await scene.enter(founder, FOUNDER));
    scene.#herald = await GroupCallMember.enter(scene.#place, scene.#keeper);
    scene.model.join(scene.#keeper);
    await founded?.flush();
    // It was told how its call turned into one by the media node, which others never see.
    founded?.heard();
    return scene;
  }

  private constructor(edgeUrl: string, room: string, tracks: readonly MediaStreamTrack[] | undefined) {
    this.model = new RoomModel((happening) => {
      this.#happened(happening);
    });
    this.#place = { edgeUrl, room, model: this.model, cast: new Cast(), ...(tracks && { tracks }) };
    this.#keeper = personOf(KEEPER, 'group-call');
  }

  /** Lets somebody in, who must see what there is. @throws Refused */
  async enter(protocol: Protocol, name: string): Promise<Member> {
    const driver = DRIVERS[protocol];
    const person = personOf(name, protocol);
    const member = await driver.enter(this.#place, person);
    this.model.join(person);
    this.members.push(member);
    // What is there has no order, other than what happens.
    expect(member.seen.toSorted(), `what ${name} sees`).toEqual(driver.sees(person, this.model).toSorted());
    return member;
  }

  /** Lets somebody of each protocol in. */
  async enterAll(protocols: readonly Protocol[], role: string): Promise<Member[]> {
    const entered: Member[] = [];
    for (const protocol of protocols) entered.push(await this.enter(protocol, `${protocol}-${role}`));
    return entered;
  }

  /** Everybody must have been told what the model says, exactly once and in its order. @returns what each was told. */
  async check(): Promise<Map<Member, string[]>> {
    const [told, expected] = await this.#toldAndExpected();
    for (const [{ person }, heard] of told) expect(heard, `what ${person.name} is told`).toEqual(textsOf(expected.get(person) ?? []));
    return told;
  }

  /**
   * Like {@link check} after what several members did at the same time: nobody knows in which order the room has taken it, but everybody must have been told
   * in the same one.
   */
  async checkTogether(): Promise<void> {
    const [told, expected] = await this.#toldAndExpected();
    const orders = [...told].map(([{ person }, heard]) => {
      const subjects = groupBySubject(expected.get(person) ?? []);
      expect(heard.toSorted(), `what ${person.name} is told`).toEqual(textsOf(expected.get(person) ?? []).toSorted());
      return heard.map((text) => {
        const next = subjects.get(subjectOf(text))?.shift();
        expect(text, `what ${person.name} is told of ${subjectOf(text)}`).toBe(next?.text);
        return next?.happening ?? 0;
      });
    });
    expect(isOneOrder(orders), 'whether everybody is told in the same order').toBe(true);
  }

  /** Waits until everybody has been told everything. @returns what those who are in the room were told. */
  async listen(): Promise<Map<Member, string[]>> {
    await this.flush();
    this.#isKeeperOn = !this.#isKeeperOn;
    this.model.declare(this.#keeper, 'audio', this.#isKeeperOn);
    await this.#herald?.announce(this.#isKeeperOn);
    const last = words.shows(KEEPER, 'audio', this.#isKeeperOn);
    const waiting = this.#present.filter((member) => member instanceof GroupCallMember);
    await Promise.all(waiting.map((member) => member.hears(last)));
    await this.flush();
    return new Map(this.#present.map((member) => [member, member.heard().filter((one) => !one.startsWith(`${KEEPER} `))]));
  }

  /** By the room's id for somebody. */
  nameOf(id: string): string {
    return this.#place.cast.nameOf(id);
  }

  /** Waits until the room has dealt with everything that was said. */
  async flush(): Promise<void> {
    await Promise.all(this.#present.map((member) => member.flush()));
  }

  /** Waits until the room has noticed that somebody is gone, while everybody else shows that it is there. @param limit in milliseconds */
  async noticesTheEndOf({ person }: Member, limit: number): Promise<void> {
    const alive = setInterval(() => void this.#flushOthersThan(person), 5_000);
    try {
      await this.#herald?.hears(words.leaves(person.name), limit);
    } finally {
      clearInterval(alive);
    }
    this.model.leave(person);
  }

  close(): void {
    for (const member of this.members) member.close();
    this.#herald?.close();
  }

  async #toldAndExpected(): Promise<[Map<Member, string[]>, Map<Person, Expected[]>]> {
    const told = await this.listen();
    const expected = new Map(this.#expected);
    this.#expected.clear();
    return [told, expected];
  }

  get #present(): Member[] {
    return this.members.filter(({ person }) => this.model.people.includes(person));
  }

  async #flushOthersThan(person: Person): Promise<void> {
    await Promise.all(this.#present.filter((member) => member.person !== person).map((member) => member.flush()));
  }

  #happened(happening: Happening): void {
    if (happening.who === this.#keeper) return;
    const number = (this.#happenings += 1);
    for (const person of this.model.people) {
      const told = DRIVERS[person.protocol].tells(happening, person, this.model).map((text) => ({ text, happening: number }));
      this.#expected.set(person, [...(this.#expected.get(person) ?? []), ...told]);
    }
  }
}

function personOf(name: string, protocol: Protocol): Person {
  const { declared } = DRIVERS[protocol];
  return { name, protocol, streams: new Map(), watches: new Set(), declared: declared && { ...declared } };
}

function textsOf(expected: readonly Expected[]): string[] {
  return expected.map(({ text }) => text);
}

/** Whom words are about. */
function subjectOf(text: string): string {
  return text.slice(0, text.indexOf(' '));
}

function groupBySubject(expected: readonly Expected[]): Map<string, Expected[]> {
  const groups = new Map<string, Expected[]>();
  for (const one of expected) groups.set(subjectOf(one.text), [...(groups.get(subjectOf(one.text)) ?? []), one]);
  return groups;
}

/** Whether there is an order in which all of these are. */
export function isOneOrder(orders: readonly (readonly number[])[]): boolean {
  let left = orders.map((order) => order.filter((one, index) => one !== order[index - 1])).filter((order) => order.length > 0);
  while (left.length > 0) {
    const later = new Set(left.flatMap((order) => order.slice(1)));
    const first = left.map(([one]) => one).find((one) => one !== undefined && !later.has(one));
    if (first === undefined) return false;
    left = left.map((order) => order.filter((one) => one !== first)).filter((order) => order.length > 0);
  }
  return true;
}
