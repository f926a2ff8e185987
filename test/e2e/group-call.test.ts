import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, KurentoSite, type KurentoVersion, type Line, VERSIONS } from './kurento-client/page.ts';
import { useWorld } from './world.ts';

const world = useWorld('group call');
const callers: Caller[] = [];
let site: KurentoSite;

beforeAll(async () => {
  site = await KurentoSite.open();
});

afterEach(async () => {
  const faults = await Promise.all(callers.splice(0).map((caller) => faultsAtTheEnd(caller)));
  expect(faults.flat()).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function faultsAtTheEnd(caller: Caller): Promise<string[]> {
  if (caller.page.isClosed()) return [];
  const faults = await caller.faults();
  await caller.close();
  return faults;
}

interface CallerOptions {
  readonly version?: KurentoVersion;
  readonly line?: Line;
  readonly publishes?: boolean;
}

async function call(userId: number, { version = '7.3', line = 'sockjs', publishes = true }: CallerOptions = {}): Promise<Caller> {
  const { url: edge } = world.stack;
  const caller = await site.join(world.browser, { edge, room: world.room(), version, line, userId, publishes });
  callers.push(caller);
  return caller;
}

/** Everybody sees and hears everybody else. */
async function expectCall(...members: Caller[]): Promise<void> {
  await Promise.all(members.flatMap((one) => members.filter((other) => other !== one).map((other) => one.receives(other.userId))));
}

const ways = VERSIONS.flatMap((version) => (['sockjs', 'raw'] as const).map((line) => ({ version, line })));

describe.each(ways)('members with kurento-utils $version over $line', (way) => {
  it('see and hear each other, tell their states, leave and vanish', async () => {
    const [ada, bob, eve] = [await call(40, way), await call(41, way), await call(42, way)];
    await expectCall(ada, bob, eve);

    await bob.setState('video', false);
    await bob.setState('audio', false);
    for (const other of [ada, eve])
      await other.shows(...(other === ada ? ['41 false false', '42 true true'] : ['40 true true', '41 false false']));
    // A state is an indication: whoever is said to be off is still forwarded.
    await ada.receives('41');

    await bob.leave();
    await ada.shows('42 true true');
    await eve.close();
    await ada.shows();
    expect((await ada.log()).filter((line) => line.startsWith('participantLeft'))).toEqual(['participantLeft 41', 'participantLeft 42']);
  });
});

it('a viewer that asked before the publisher published sees it when it does, and again when it publishes anew', async () => {
  const ada = await call(40, { publishes: false });
  const bob = await call(41);
  await ada.receives('41');
  expect(await bob.reception('40')).toMatchObject({ framesDecoded: 0, videoWidth: 0 });
  await ada.publish();
  await bob.receives('40');
  await ada.publish();
  await bob.receives('40');
  await ada.publish();
  await bob.receives('40');
});

it('a member that left and returned is seen again', async () => {
  const [ada, bob] = [await call(40, { line: 'raw' }), await call(41, { line: 'raw' })];
  await expectCall(ada, bob);
  await bob.leave();
  await ada.shows();
  const again = await call(41, { version: '6.16' });
  await expectCall(ada, again);
});

it('a member that joins from elsewhere takes its own place over, and is seen there', async () => {
  const ada = await call(40);
  await call(41);
  await ada.receives('41');
  const elsewhere = await call(41, { line: 'raw' });
  await expectCall(ada, elsewhere);
  await ada.shows('41 true true');
});

describe('with somebody at the meeting page', () => {
  it('they see and hear each other, and their states', async () => {
    const ada = await call(40);
    const grace = await world.enter('Grace');
    await Promise.all([grace.sees('40'), grace.hears('40')]);
    const [shown = ''] = await others(ada);
    const [graceId = ''] = shown.split(' ');
    await ada.receives(graceId);

    await ada.setState('audio', false);
    await grace.notices('40', 'mic', 'off');
    await grace.hears('40');
    await grace.press('toggle-mic');
    await ada.shows(`${graceId} true false`);
    await grace.press('toggle-mic');
    await ada.shows(`${graceId} true true`);

    // The screen takes the camera's place without a new offer, and gives it back.
    const { videoWidth } = await ada.reception(graceId);
    await grace.press('toggle-screen');
    await expect.poll(async () => (await ada.reception(graceId)).videoWidth, { timeout: 15_000 }).not.toBe(videoWidth);
    await ada.receives(graceId);
    await grace.press('toggle-screen');
    await expect.poll(async () => (await ada.reception(graceId)).videoWidth, { timeout: 15_000 }).toBe(videoWidth);

    await grace.press('leave');
    await ada.shows();
  });
});

function others(caller: Caller): Promise<string[]> {
  return caller.page.evaluate(() => window.kurentoClient.shown());
}
