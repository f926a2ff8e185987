/** What members of each protocol do, and what members of all five are told of it: one suite for all, in rooms of all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../harness/stack.ts';
import { type Deeds, type Feature, type Member, Refused } from './drivers/driver.ts';
import { FeatureTable } from './feature-table.ts';
import { PROTOCOLS, type Protocol } from './protocols.ts';
import { DRIVERS, newRoomName, Scene } from './scene.ts';

/** A member that is cut off keeps its place for so long in some protocols, in milliseconds. */
const LONGEST_ABSENCE = 75_000;

let stack: Stack;
let vanishing: Promise<unknown>;
const table = new FeatureTable(DRIVERS);

beforeAll(async () => {
  stack = await startStack();
  // It takes a minute, which the others need not wait for.
  vanishing = vanish().catch((error: unknown) => error);
});
afterAll(() => stack.stop());

/** One feature: what an actor does, of which everybody else is told. */
interface Script {
  readonly needs: readonly (keyof Deeds)[];
  perform(actor: Required<Member>, others: readonly Member[]): Promise<void>;
}

const SCRIPTS: Partial<Record<Feature, Script>> = {
  publish: { needs: ['publish'], perform: (actor) => actor.publish() },
  watch: {
    needs: ['watch'],
    perform: async (actor, others) => {
      for (const { person } of others) {
        expect((await actor.watch(person)).toSorted(), `what is seen of ${person.name}`).toEqual(['audio', 'video']);
      }
    },
  },
  mute: {
    needs: ['mute'],
    perform: async (actor) => {
      await actor.mute('audio');
      await actor.mute('video');
    },
  },
  unmute: {
    needs: ['unmute'],
    perform: async (actor) => {
      await actor.unmute('video');
      await actor.unmute('audio');
    },
  },
  replace: { needs: ['replace'], perform: (actor) => actor.replace() },
  'share a screen': {
    needs: ['share', 'unshare'],
    perform: async (actor) => {
      await actor.share();
      await actor.unshare();
    },
  },
  unpublish: { needs: ['unpublish'], perform: (actor) => actor.unpublish() },
  'chat with all': { needs: ['say'], perform: (actor) => actor.say('hello') },
  'chat with one': {
    needs: ['whisper'],
    perform: async (actor, others) => {
      for (const { person } of others) await actor.whisper(`psst ${person.name}`, person);
    },
  },
  'change the name': { needs: ['rename'], perform: (actor) => actor.rename('somebody else') },
  'take a floor': {
    needs: ['takeFloor', 'giveFloor'],
    perform: async (actor) => {
      for (const floor of ['whiteboard', 'files'] as const) {
        await actor.takeFloor(floor);
        await actor.giveFloor(floor);
      }
    },
  },
  record: {
    needs: ['record', 'stopRecording'],
    perform: async (actor) => {
      await actor.record();
      await actor.stopRecording();
    },
  },
  reconnect: { needs: ['reconnect'], perform: (actor) => actor.reconnect() },
};

/** What happens without a word to the others. */
const UNSEEN: ReadonlySet<Feature> = new Set<Feature>(['watch', 'reconnect']);

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

  for (const [name, { needs, perform }] of Object.entries(SCRIPTS) as [Feature, Script][]) {
    const missing = needs.filter((deed) => DRIVERS[protocol].cannot[deed] !== undefined);
    it(missing.length > 0 ? `has no way to ${name}` : `can ${name}`, async () => {
      expect(needs.filter((deed) => !(deed in actor))).toEqual(missing);
      if (missing.length > 0) return;
      if (name === 'mute') for (const witness of witnesses) await playBy(witness);
      await perform(actor as Required<Member>, witnesses);
      await expectTold(name);
    });
  }

  /** Some are told of mutes only while they play. */
  async function playBy(witness: Member): Promise<void> {
    expect(((await witness.watch?.(actor.person)) ?? []).toSorted()).toEqual(['audio', 'video']);
    witness.person.watches.add(actor.person);
  }

  it('is refused what makes no sense, in the words of its protocol, and nobody else notices', async () => {
    const refusals = await actor.misbehave();
    expect(refusals).not.toContain('');
    for (const [{ person }, told] of await scene.check()) expect(told, person.name).toEqual([]);
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

/** All are cut off without a word; sooner or later everybody else is told. */
async function vanish(): Promise<void> {
  const scene = await Scene.open(stack);
  try {
    await scene.enterAll(PROTOCOLS, 'witness');
    const victims = await scene.enterAll(PROTOCOLS, 'victim');
    for (const victim of victims) await victim.publish?.();
    await scene.check();
    for (const victim of victims.toSorted((one, other) => graceOf(one) - graceOf(other))) {
      victim.cut();
      await scene.noticesTheEndOf(victim, LONGEST_ABSENCE);
      for (const [{ person }, told] of await scene.check()) {
        expect(told.length, `whether a member of ${person.protocol} is told`).not.toBe(0);
        table.isTold('vanish', person.protocol);
      }
      table.does('vanish', victim.person.protocol);
    }
  } finally {
    scene.close();
  }
}

/** Those who may come back are taken for gone later. */
function graceOf({ person: { protocol } }: Member): number {
  return DRIVERS[protocol].cannot.reconnect === undefined ? 1 : 0;
}

it('whoever vanishes is missed by everybody', { timeout: 2 * LONGEST_ABSENCE }, async () => {
  expect(await vanishing).toBeUndefined();
});
