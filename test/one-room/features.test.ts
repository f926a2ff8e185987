/** What members of each protocol do, and what members of all five are told of it: one suite for all, in rooms of all. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_TENANT } from '../../worker/tenants/tenant.ts';
import { eventually } from '../harness/eventually.ts';
import { lookAt } from '../harness/recorded.ts';
import { startStack, type Stack } from '../harness/stack.ts';
import { Sender } from '../protocols/wcs/sender.ts';
import { basic, makeTenant } from '../services/tenant.ts';
import { type Deeds, type Feature, type Member, Refused } from './drivers/driver.ts';
import { FEATURES, FeatureTable } from './feature-table.ts';
import { PROTOCOLS, type Protocol } from './protocols.ts';
import { DRIVERS, newRoomName, Scene } from './scene.ts';
import { words } from './words.ts';

/** A member that is cut off keeps its place for so long in some protocols, in milliseconds. */
const LONGEST_ABSENCE = 75_000;

/** How long a recording is at least, in milliseconds. */
const RECORDED = 2_000;

const PAGE = resolve(import.meta.dirname, '../../docs/features.md');

const KEY = 'key of the tenant that records';

let stack: Stack;
let vanishing: Promise<unknown>;
const table = new FeatureTable(DRIVERS);

beforeAll(async () => {
  stack = await startStack();
  // The longest absence takes a minute, for which the others need not wait.
  const { noticed } = await vanish();
  vanishing = noticed.catch((error: unknown) => error);
});
afterAll(() => stack.stop());

/** What an actor does, of which everybody else is told. */
type Script = (actor: Required<Member>, others: readonly Member[]) => Promise<void>;

const SCRIPTS: Readonly<Partial<Record<Feature, Script>>> = {
  publish: (actor) => actor.publish(),
  watch: async (actor, others) => {
    for (const { person } of others) {
      expect((await actor.watch(person)).toSorted(), `what is seen of ${person.name}`).toEqual(['audio', 'video']);
    }
  },
  mute: async (actor, others) => {
    // Some are told of mutes only while they play.
    for (const other of others) {
      expect((await other.watch?.(actor.person))?.toSorted(), `what ${other.person.name} sees`).toEqual(['audio', 'video']);
      other.person.watches.add(actor.person);
    }
    await actor.mute('audio');
    await actor.mute('video');
  },
  unmute: async (actor) => {
    await actor.unmute('video');
    await actor.unmute('audio');
  },
  replace: (actor) => actor.replace(),
  'share a screen': async (actor) => {
    await actor.share();
    await actor.unshare();
  },
  unpublish: (actor) => actor.unpublish(),
  'chat with all': (actor) => actor.say('hello'),
  'chat with one': async (actor, others) => {
    for (const { person } of others) await actor.whisper(`psst ${person.name}`, person);
  },
  'change the name': (actor) => actor.rename('somebody else'),
  'take a floor': async (actor) => {
    for (const floor of ['whiteboard', 'files'] as const) {
      await actor.takeFloor(floor);
      await actor.giveFloor(floor);
    }
  },
  record: async (actor) => {
    await actor.record();
    await actor.stopRecording();
  },
  reconnect: (actor) => actor.reconnect(),
};

describe.each(PROTOCOLS)('a member of %s among members of all protocols', (protocol) => {
  let scene: Scene;
  let witnesses: Member[];
  let actor: Member;

  beforeAll(async () => {
    scene = await Scene.open(stack);
    witnesses = await scene.enterAll(PROTOCOLS, 'witness');
    for (const witness of witnesses) await witness.publish?.();
    await scene.check();
  });
  afterAll(() => {
    scene.close();
  });

  /** Everybody must be told exactly what there is to be told. */
  async function expectTold(feature: Feature): Promise<void> {
    table.does(feature, protocol);
    for (const [{ person }, told] of await scene.check()) if (told.length > 0) table.isTold(feature, person.protocol);
  }

  it('joins, and sees everybody', async () => {
    actor = await scene.enter(protocol, 'ada');
    await expectTold('join');
  });

  for (const [feature, perform] of Object.entries(SCRIPTS) as [Feature, Script][]) {
    const { needs } = FEATURES[feature];
    const missing = needs.filter((deed) => DRIVERS[protocol].cannot[deed] !== undefined);
    it(missing.length > 0 ? `has no way to ${feature}` : `can ${feature}`, async () => {
      expect(needs.filter((deed) => !(deed in actor))).toEqual(missing);
      if (missing.length > 0) return;
      await perform(actor as Required<Member>, witnesses);
      await expectTold(feature);
    });
  }

  it('is refused what makes no sense, in the words of its protocol, and nobody else notices', async () => {
    const refusals = await actor.misbehave();
    expect(refusals).not.toContain('');
    await expectTold('say nonsense');
  });

  it('leaves, and may return', async () => {
    await actor.leave();
    await expectTold('leave');
    actor.close();
    actor = await scene.enter(protocol, 'ada');
    await expectTold('return');
  });
});

describe('putting out', () => {
  it.each(able('putOut'))('a member of %s puts out members of all protocols', async (protocol) => {
    const scene = await Scene.open(stack, { founder: protocol, room: await makeRoom(20) });
    try {
      const [founder] = scene.members;
      await scene.enterAll(PROTOCOLS, 'witness');
      const targets = await scene.enterAll(PROTOCOLS, 'target');
      for (const target of targets) await target.publish?.();
      await scene.check();
      for (const target of targets) {
        await founder?.putOut?.(target.person);
        await target.isPutOut();
        for (const [{ person }, told] of await scene.check()) {
          expect(told.length, `what a member of ${person.protocol} is told`).not.toBe(0);
          table.isTold('put out', person.protocol);
        }
      }
      table.does('put out', protocol);
    } finally {
      scene.close();
    }
  });
});

describe('a full room', () => {
  it('refuses members of all protocols in their own words, and lets them in when there is a place again', async () => {
    const scene = await Scene.open(stack, { room: await makeRoom(3) });
    try {
      const [ada, bob] = [await scene.enter('wcs', 'ada'), await scene.enter('owt', 'bob')];
      for (const protocol of PROTOCOLS) {
        await expect(scene.enter(protocol, 'eve')).rejects.toBeInstanceOf(Refused);
        table.isTold('limit the room', protocol);
      }
      await scene.check();
      await ada.leave();
      for (const protocol of PROTOCOLS) {
        const eve = await scene.enter(protocol, 'eve');
        await scene.check();
        await eve.leave();
      }
      expect((await scene.check()).has(bob)).toBe(true);
    } finally {
      scene.close();
    }
  });
});

describe('members who really send', () => {
  let sender: Sender;
  /** Its tenant wants recordings by the media node. */
  let studio: Stack;
  beforeAll(async () => {
    [studio, sender] = await Promise.all([startStack(), Sender.start()]);
    await makeTenant(studio.edge, DEMO_TENANT.code, KEY, { recording: 'server', credentials: 'code' });
  });
  afterAll(async () => {
    sender.stop();
    await studio.stop();
  });

  it('are heard to talk', async () => {
    const scene = await Scene.open(studio, { tracks: sender.tracks });
    try {
      await scene.enterAll(PROTOCOLS, 'witness');
      for (const protocol of PROTOCOLS) {
        const speaker = await scene.enter(protocol, `${protocol}-speaker`);
        await speaker.publish?.();
        await expectHeard(speaker, scene);
      }
    } finally {
      scene.close();
    }
  });

  it.each(able('record'))('are recorded as a member of %s wants it', { timeout: 120_000 }, async (recording) => {
    const room = newRoomName();
    const scene = await Scene.open(studio, { room, tracks: sender.tracks });
    try {
      // It sees their streams as they are published, one after the other.
      await scene.enter('owt', 'scribe');
      const recorder = await scene.enter(recording, 'recorder');
      await recorder.record?.();
      for (const protocol of PROTOCOLS) await (await scene.enter(protocol, `${protocol}-speaker`)).publish?.();
      await sleep(RECORDED);
      await recorder.stopRecording?.();
      for (const protocol of PROTOCOLS) {
        const name = `${protocol}-speaker`;
        await eventually(`a film of ${name} is stored`, () => hasFilmOf(name, room, scene), 40_000);
      }
    } finally {
      scene.close();
    }
  });

  /** Whoever has a word for talking is told; nobody else notices. */
  async function expectHeard(speaker: Member, scene: Scene): Promise<void> {
    const isTalk = (told: string) => told.endsWith(' talks');
    const told = new Map<Member, string[]>();
    await eventually(`${speaker.person.name} is heard`, async () => {
      for (const [member, heard] of await scene.listen()) told.set(member, [...(told.get(member) ?? []), ...heard.filter(isTalk)]);
      return [...told.values()].flat().includes(words.talks(speaker.person.name, true));
    });
    table.does('talk', speaker.person.protocol);
    for (const [{ person }, heard] of told) {
      const hasWord = DRIVERS[person.protocol].isNotTold.talk === undefined;
      expect(heard.includes(words.talks(speaker.person.name, true)), `whether ${person.name} is told`).toBe(hasWord);
      if (hasWord) table.isTold('talk', person.protocol);
    }
  }

  /** Whoever publishes in several steps is recorded in several files: one of them has both sound and pictures. */
  async function hasFilmOf(name: string, room: string, scene: Scene): Promise<boolean> {
    const headers = basic(DEMO_TENANT.code, KEY);
    const response = await fetch(`${studio.edge.url}/api/tenant/recordings?limit=500`, { headers });
    const { items } = (await response.json()) as { items: Recording[] };
    const ofSpeaker = items.filter((item) => item.room === room && item.maker === 'media-node' && scene.nameOf(item.participant) === name);
    for (const { id } of ofSpeaker.filter(({ status, codecs }) => status === 'stopped' && codecs.length === 2)) {
      const file = await fetch(`${studio.edge.url}/api/tenant/recordings/${id}/file`, { headers });
      const { tracks, frames } = await lookAt(new Uint8Array(await file.arrayBuffer()));
      if (tracks.length === 2 && frames > 8) return true;
    }
    return false;
  }
});

interface Recording {
  readonly id: string;
  readonly room: string;
  readonly participant: string;
  readonly maker: string;
  readonly status: string;
  readonly codecs: readonly string[];
}

/** The protocols whose members can do something. */
function able(deed: keyof Deeds): Protocol[] {
  return PROTOCOLS.filter((protocol) => DRIVERS[protocol].cannot[deed] === undefined);
}

/** A member of a protocol that has a word for it makes a room with room for so many. */
async function makeRoom(capacity: number): Promise<string> {
  const room = newRoomName();
  const scene = await Scene.open(stack);
  for (const protocol of able('limit')) {
    const member = await scene.enter(protocol, 'maker');
    await member.limit?.(room, capacity);
    table.does('limit the room', protocol);
  }
  scene.close();
  return room;
}

/**
 * All are cut off without a word; sooner or later everybody else is told.
 *
 * @returns when all are in the room.
 */
async function vanish(): Promise<{ noticed: Promise<void> }> {
  const scene = await Scene.open(stack);
  await scene.enterAll(PROTOCOLS, 'witness');
  const victims = await scene.enterAll(PROTOCOLS, 'victim');
  for (const victim of victims) await victim.publish?.();
  await scene.check();
  const noticed = expectMissed(victims, scene).finally(() => {
    scene.close();
  });
  return { noticed };
}

async function expectMissed(victims: readonly Member[], scene: Scene): Promise<void> {
  for (const victim of victims.toSorted((one, other) => graceOf(one) - graceOf(other))) {
    victim.cut();
    await scene.noticesTheEndOf(victim, LONGEST_ABSENCE);
    table.does('vanish', victim.person.protocol);
    for (const [{ person }, told] of await scene.check()) {
      expect(told.length, `whether a member of ${person.protocol} is told`).not.toBe(0);
      table.isTold('vanish', person.protocol);
    }
  }
}

/** Those who may come back are taken for gone later. */
function graceOf({ person: { protocol } }: Member): number {
  return DRIVERS[protocol].cannot.reconnect === undefined ? 1 : 0;
}

it('whoever vanishes is missed by everybody', { timeout: 2 * LONGEST_ABSENCE }, async () => {
  expect(await vanishing).toBeUndefined();
});

it('the documentation says what was found', async () => {
  expect(table.contradictions()).toEqual([]);
  await expect(await table.page(PAGE)).toMatchFileSnapshot(PAGE);
});
