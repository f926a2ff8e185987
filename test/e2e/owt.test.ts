import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KurentoSite } from './kurento-client/page.ts';
import type { ClientKind } from './owt-client/conference.ts';
import type { StreamInfo } from './owt-client/signaling.ts';
import { LIBRARIES, type Library, type OwtPage, OwtSite, type OwtVisit } from './owt-client/page.ts';
import { useWorld } from './world.ts';

const world = useWorld('owt');
const pages: OwtPage[] = [];
let site: OwtSite;

beforeAll(async () => {
  site = await OwtSite.open();
});

afterEach(async () => {
  const faults = await Promise.all(pages.splice(0).map((page) => faultsAtTheEnd(page)));
  expect(faults.flat()).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function faultsAtTheEnd(page: OwtPage): Promise<string[]> {
  if (page.page.isClosed()) return [];
  const faults = await page.faults();
  await page.close();
  return faults;
}

async function join(user: string, options: Partial<OwtVisit> = {}): Promise<OwtPage> {
  const page = await site.join(world.browser, { edge: world.stack.url, room: world.room(), user, ...options });
  pages.push(page);
  return page;
}

/** Ada publishes, and Bob sees and hears it. */
async function watching(): Promise<{ ada: OwtPage; bob: OwtPage; first: string }> {
  const [ada, bob] = [await join('ada'), await join('bob')];
  const [first = ''] = await ada.publish();
  await bob.streamsOf(ada.id);
  await bob.subscribe(first);
  await bob.receives(first);
  return { ada, bob, first };
}

const CLIENTS: readonly (readonly [ClientKind, Library])[] = [
  ...LIBRARIES.map((library) => ['sdk-5', library] as const),
  ['sdk-4.3', '2'],
  ['sdk-4.2', '2'],
  ['document', '4'],
];

describe.each(CLIENTS)('a client like %s with Socket.IO %s.x', (kind, library) => {
  it('publishes, is seen and heard by one that is there and by one that comes later', async () => {
    const [ada, bob] = [await join('ada', { kind, library }), await join('bob', { kind, library })];
    const published = await ada.publish();
    const own = await ada.streamsOf(ada.id, published.length);
    expect(own.map(({ id }) => id).sort()).toEqual([...published].sort());
    const late = await join('late', { kind, library });
    for (const viewer of [bob, late]) {
      await viewer.streamsOf(ada.id, published.length);
      for (const stream of published) await viewer.subscribe(stream, wanted(kind, published.indexOf(stream)));
      if (published.length === 1) await viewer.receives(published[0] ?? '');
      else for (const [index, stream] of published.entries()) await viewer.gets(stream, index === 0 ? 'audioPackets' : 'framesDecoded');
    }
    const added = (await ada.log()).filter((line) => line.startsWith('stream add'));
    expect(added).toHaveLength(published.length);
  });
});

describe.each(['sdk-5', 'sdk-4.3', 'sdk-4.2', 'document'] as const)('a client like %s', (kind) => {
  it('mutes, unsubscribes, unpublishes and leaves, and the others are told', async () => {
    const [ada, bob] = [await join('ada', { kind }), await join('bob', { kind })];
    const published = await ada.publish();
    const picture = published.at(-1) ?? '';
    await bob.streamsOf(ada.id, published.length);
    const subscribe = async (): Promise<string> => {
      const [subscription = ''] = await bob.subscribe(picture, wanted(kind, 1));
      await bob.gets(picture, 'framesDecoded');
      return subscription;
    };
    const subscription = await subscribe();
    await ada.request('stream-control', { id: picture, operation: 'pause', data: 'video' });
    for (const page of [ada, bob]) await page.hears(`stream update ${picture} video.status inactive`);
    await bob.misses(picture, 'framesDecoded');
    await ada.request('stream-control', { id: picture, operation: 'play', data: 'video' });
    await bob.gets(picture, 'framesDecoded');
    await bob.unsubscribe(subscription);
    const again = await subscribe();
    await ada.unpublish(picture);
    for (const page of [ada, bob]) await page.hears(`stream remove ${picture}`);
    await bob.hears(`progress error ${again} ${again}`);
    await bob.unsubscribe(again);
    await ada.leave();
    await bob.hears('participant leave');
    await bob.leave();
  });

  it('publishes, subscribes and ends both ten times as fast as possible, and leaves nothing behind', async () => {
    const [ada, bob] = [await join('ada', { kind }), await join('bob', { kind })];
    const round = async (one: OwtPage, other: OwtPage): Promise<void> => {
      const streams = await one.publish();
      for (const [index, stream] of streams.entries()) {
        await expect.poll(() => other.page.evaluate((id) => window.owt.streams.has(id), stream)).toBe(true);
        const subscriptions = await other.subscribe(stream, wanted(kind, index));
        for (const subscription of subscriptions) await other.unsubscribe(subscription);
      }
      for (const stream of streams) await one.unpublish(stream);
    };
    await Promise.all(
      [[ada, bob] as const, [bob, ada] as const].map(async ([one, other]) => {
        for (let number = 0; number < 10; number += 1) await round(one, other);
      }),
    );
    for (const [one, other] of [[ada, bob] as const, [bob, ada] as const]) {
      await other.streamsOf(one.id, 0);
      const streams = await one.publish();
      await other.streamsOf(one.id, streams.length);
      const picture = streams.at(-1) ?? '';
      await other.subscribe(picture, wanted(kind, 1));
      await other.gets(picture, 'framesDecoded');
    }
  });
});

/** The document's client publishes sound first, and the picture as another stream. */
function wanted(kind: ClientKind, index: number) {
  return kind === 'document' ? { audio: index === 0, video: index === 1 } : {};
}

describe('in a meeting', () => {
  it('muting stops the picture, or the sound, for everybody, and everybody is told', async () => {
    const [ada, bob, old] = [await join('ada'), await join('bob'), await join('old', { kind: 'sdk-4.3', library: '2' })];
    const [stream = ''] = await ada.publish();
    for (const viewer of [bob, old]) {
      await viewer.streamsOf(ada.id);
      await viewer.subscribe(stream);
      await viewer.receives(stream);
    }
    for (const [kind, counter] of [
      ['video', 'framesDecoded'],
      ['audio', 'audioPackets'],
    ] as const) {
      await ada.request('stream-control', { id: stream, operation: 'pause', data: kind });
      for (const page of [ada, bob, old]) await page.hears(`stream update ${stream} ${kind}.status inactive`);
      for (const viewer of [bob, old]) await viewer.misses(stream, counter);
      const late = await join('late');
      const [info] = await late.streamsOf(ada.id);
      expect(info?.media.tracks?.find(({ type }) => type === kind)?.status).toBe('inactive');
      await late.leave();
      await ada.request('stream-control', { id: stream, operation: 'play', data: kind });
      for (const viewer of [bob, old]) {
        await viewer.hears(`stream update ${stream} ${kind}.status active`);
        await viewer.gets(stream, counter);
      }
    }
    await ada.request('stream-control', { id: stream, operation: 'pause', data: 'av' });
    for (const page of [ada, bob, old]) {
      const told = async () => (await page.log()).filter((line) => line.endsWith('.status inactive')).slice(2);
      await expect.poll(told).toEqual(['audio', 'video'].map((kind) => `stream update ${stream} ${kind}.status inactive`));
    }
  });

  it('pausing a subscription is nobody else’s affair', async () => {
    const [ada, bob, eve] = [await join('ada'), await join('bob'), await join('eve')];
    const [stream = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    const [subscription = ''] = await bob.subscribe(stream);
    await eve.subscribe(stream);
    await bob.receives(stream);
    await bob.request('subscription-control', { id: subscription, operation: 'pause', data: 'av' });
    await bob.misses(stream, 'framesDecoded');
    await bob.misses(stream, 'audioPackets');
    await eve.receives(stream);
    await bob.request('subscription-control', { id: subscription, operation: 'play', data: 'video' });
    await bob.gets(stream, 'framesDecoded');
    await bob.misses(stream, 'audioPackets');
    await bob.request('subscription-control', { id: subscription, operation: 'play', data: 'audio' });
    await bob.receives(stream);
    expect((await ada.log()).filter((line) => line.startsWith('stream update'))).toEqual([]);
  });

  it('publishing and subscribing go over one connection in either order, and both see each other', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    const [hers = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    await bob.subscribe(hers);
    await bob.receives(hers);
    const [his = ''] = await bob.publish();
    await ada.streamsOf(bob.id);
    await ada.subscribe(his);
    await Promise.all([ada.receives(his), bob.receives(hers)]);
    for (const page of [ada, bob]) {
      expect(await page.page.evaluate(() => window.owt.connectionStates())).toEqual(['connected']);
      const told = (await page.log()).filter((line) => line.startsWith('progress ready'));
      // The transport once, and each of its sessions once.
      expect(told.filter((line) => line.endsWith(' -'))).toHaveLength(1);
      expect(new Set(told).size).toBe(3);
      expect(told).toHaveLength(3);
    }
  });

  it('a stream without sound is seen by those who ask for both, and other subscriptions go on beside it', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    const [silent = ''] = await ada.publish({ audio: false });
    await bob.streamsOf(ada.id);
    await bob.subscribe(silent);
    await bob.gets(silent, 'framesDecoded');
    expect(await bob.page.evaluate(() => window.owt.directions())).toEqual(['inactive', 'recvonly']);
    const [second = ''] = await ada.publish();
    await bob.streamsOf(ada.id, 2);
    await bob.subscribe(second);
    await bob.receives(second);
    await bob.gets(silent, 'framesDecoded');
  });

  it('a refused subscription leaves its sections behind, and a good one follows', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    await expect(bob.subscribe('nowhere')).rejects.toThrow('Stream does NOT exist');
    const [stream = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    await bob.subscribe(stream);
    await bob.receives(stream);
    await expect(bob.subscribe('nowhere')).rejects.toThrow('Stream does NOT exist');
    await bob.receives(stream);
    const [his = ''] = await bob.publish();
    await ada.streamsOf(bob.id);
    await ada.subscribe(his);
    await ada.receives(his);
  });

  it('unsubscribing and unpublishing end what they are for, and both can be begun again', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    const [first = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    const [subscription = ''] = await bob.subscribe(first);
    await bob.receives(first);
    await bob.unsubscribe(subscription);
    await bob.subscribe(first);
    await bob.receives(first);
    await ada.unpublish(first);
    for (const page of [ada, bob]) await page.hears(`stream remove ${first}`);
    await bob.hears(/^progress error (\w+) \1$/u);
    await bob.streamsOf(ada.id, 0);
    const [second = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    await bob.subscribe(second);
    await bob.receives(second);
    await ada.leave();
    await bob.hears('participant leave');
    const told = (await bob.log()).slice(-3);
    expect(told[0]).toBe(`stream remove ${second}`);
    expect(told[1]).toMatch(/^progress error/u);
    expect(told[2]).toBe('participant leave');
  });

  it('one connection carries what a dozen publish, subscribed to one after the other', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    const streams: string[] = [];
    for (let number = 0; number < 12; number += 1) streams.push(...(await ada.publish()));
    await bob.publish();
    await bob.streamsOf(ada.id, 12);
    for (const stream of streams) await bob.subscribe(stream);
    await Promise.all(streams.map((stream) => bob.receives(stream)));
    expect(await bob.page.evaluate(() => window.owt.connectionStates())).toEqual(['connected']);
  });

  it('a media server that has no time for seconds costs nobody the connection', async () => {
    const { ada, bob, first } = await watching();
    const [second = ''] = await ada.publish();
    await bob.streamsOf(ada.id, 2);
    await Promise.all([world.stack.stallMediaWorker(4_000), bob.subscribe(second)]);
    await Promise.all([first, second].map((stream) => bob.receives(stream)));
  });

  it('a subscriber of a simulcast picture gets the layer that it wants', async () => {
    const [ada, bob, eve, old] = [await join('ada'), await join('bob'), await join('eve'), await join('old', { kind: 'sdk-4.3' })];
    const [stream = ''] = await ada.publish({ audio: false, rids: ['q', 'h', 'f'] });
    const [info] = await bob.streamsOf(ada.id);
    expect(info?.media.tracks?.map(({ rid }) => rid)).toEqual(['q', 'h', 'f']);
    const [older] = await old.streamsOf(ada.id);
    expect(older?.media.video?.original?.map(({ simulcastRid }) => simulcastRid)).toEqual(['q', 'h', 'f']);
    await bob.subscribe(stream, { audio: false, rid: 'q' });
    await eve.subscribe(stream, { audio: false, rid: 'h' });
    await old.subscribe(stream, { audio: false, rid: 'q' });
    for (const [page, width] of [
      [bob, 160],
      [eve, 320],
      [old, 160],
    ] as const) {
      await page.gets(stream, 'framesDecoded');
      await expect.poll(async () => (await page.reception(stream)).videoWidth, { timeout: 15_000 }).toBe(width);
    }
  });
});

describe('a subscriber that says what the picture should be like', () => {
  it('gets the layer that is just good enough, and another one when it changes its mind', async () => {
    const [ada, bob, old] = [await join('ada'), await join('bob'), await join('old', { kind: 'sdk-4.3' })];
    // Of a camera with 640 x 360 Chromium sends two layers at most.
    const [stream = ''] = await ada.publish({ audio: false, rids: ['h', 'f'] });
    await Promise.all([bob.streamsOf(ada.id), old.streamsOf(ada.id)]);
    const [subscription = ''] = await bob.subscribe(stream, { audio: false, parameters: { resolution: { width: 300, height: 150 } } });
    await old.subscribe(stream, { audio: false, parameters: { bitrate: 'x0.2' } });
    const sees = (page: OwtPage, width: number) =>
      expect.poll(async () => (await page.reception(stream)).videoWidth, { timeout: 20_000 }).toBe(width);
    const change = (parameters: object) =>
      bob.request('subscription-control', { id: subscription, operation: 'update', data: { video: { parameters } } });
    await change({ resolution: { width: 640, height: 360 } });
    await sees(bob, 640);
    await change({ resolution: { width: 300, height: 150 } });
    await sees(bob, 320);
    await change({ bitrate: 'x1.0' });
    await sees(bob, 640);
    await sees(old, 320);
  });

  it('gets fewer frames where it wants fewer', async () => {
    const [ada, bob, eve] = [await join('ada'), await join('bob'), await join('eve')];
    const [stream = ''] = await ada.publish({ audio: false, rids: ['q', 'h', 'f'] });
    await Promise.all([bob.streamsOf(ada.id), eve.streamsOf(ada.id)]);
    await bob.subscribe(stream, { audio: false, parameters: { framerate: 7 } });
    await eve.subscribe(stream, { audio: false });
    const viewers = [bob, eve];
    await Promise.all(viewers.map((page) => page.gets(stream, 'framesDecoded')));
    const decoded = () => Promise.all(viewers.map(async (page) => (await page.reception(stream)).framesDecoded));
    await expect
      .poll(
        async () => {
          const before = await decoded();
          await new Promise((resolve) => setTimeout(resolve, 4_000));
          const [few = 0, all = 0] = (await decoded()).map((frames, index) => frames - (before[index] ?? 0));
          return few > 0 && few < 0.6 * all;
        },
        { timeout: 30_000 },
      )
      .toBe(true);
  });

  it('knows how large the picture is that is published, and so does its publisher', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    await ada.publish({ audio: false });
    const late = async () => {
      const page = await join('late');
      const [info] = await page.streamsOf(ada.id);
      await page.leave();
      return info;
    };
    const sizeIn = (info: StreamInfo | undefined) => info?.media.tracks?.[0]?.parameters?.resolution?.width;
    for (const page of [bob, ada]) await expect.poll(async () => sizeIn((await page.streamsOf(ada.id))[0]), { timeout: 15_000 }).toBe(640);
    expect(sizeIn(await late())).toBe(640);
  });
});

describe('an offer that cannot be answered', () => {
  it('ends what it was made for; what was there before goes on, and another one can be made', async () => {
    const { ada, bob, first } = await watching();
    await ada.page.evaluate(() => {
      window.owt.spoil = () => 'v=0';
    });
    await expect(ada.publish()).rejects.toThrow();
    await bob.receives(first);
    await ada.page.evaluate(() => {
      window.owt.spoil = undefined;
    });
    const [third = ''] = await ada.publish();
    await bob.streamsOf(ada.id, 2);
    await bob.subscribe(third);
    await Promise.all([bob.receives(first), bob.receives(third)]);
    expect(await ada.page.evaluate(() => window.owt.connectionStates())).toEqual(['connected']);
  });

  it('because the media server is silent for too long, costs its session and nothing else', async () => {
    const { ada, bob, first } = await watching();
    const [second = ''] = await ada.publish();
    await bob.streamsOf(ada.id, 2);
    const stalled = world.stack.stallMediaWorker(11_000);
    await expect(bob.subscribe(second)).rejects.toThrow('Media is not available, try again');
    await stalled;
    await bob.receives(first);
    await bob.subscribe(second);
    await Promise.all([first, second].map((stream) => bob.receives(stream)));
  });
});

it('a connection that its client closes without a word ends what was on it, and the member stays', async () => {
  const [ada, bob] = [await join('ada'), await join('bob')];
  const [stream = ''] = await ada.publish();
  await bob.streamsOf(ada.id);
  await bob.subscribe(stream);
  await bob.receives(stream);
  await ada.page.evaluate(() => {
    window.owt.closeEverything();
  });
  await bob.hears(`stream remove ${stream}`);
  await ada.hears(`progress error ${stream} -`);
  await ada.request('text', { to: 'all', message: 'still here' });
  await bob.hears('text all still here');
  expect((await bob.log()).filter((line) => line.startsWith('participant'))).toEqual([]);
  // The SDK would end all that was on it.
  expect(await ada.faults()).toEqual(['transport: The media connection was lost']);
  await ada.page.evaluate(() => window.owt.faults.splice(0));
});

describe('a lost connection', () => {
  it.each(LIBRARIES)('to Socket.IO %s.x is taken up again: media flows on, nobody hears of it, and nothing is missed', async (library) => {
    const [ada, bob] = [await join('ada'), await join('bob', { library })];
    const [stream = ''] = await ada.publish();
    await bob.streamsOf(ada.id);
    await bob.subscribe(stream);
    const [his = ''] = await bob.publish();
    await ada.streamsOf(bob.id);
    await ada.subscribe(his);
    await Promise.all([ada.receives(his), bob.receives(stream)]);
    await bob.page.evaluate(() => {
      window.owt.signaling.cut();
    });
    await bob.hears('disconnect');
    for (const message of ['1', '2', '3']) await ada.request('text', { to: 'all', message });
    await ada.request('stream-control', { id: stream, operation: 'pause', data: 'audio' });
    await expect.poll(() => bob.page.evaluate(() => window.owt.signaling.returns), { timeout: 15_000 }).toBe(1);
    await bob.hears(`stream update ${stream} audio.status inactive`);
    const told = (await bob.log()).filter((line) => /^text|update/u.test(line));
    expect(told).toEqual(['text all 1', 'text all 2', 'text all 3', `stream update ${stream} audio.status inactive`]);
    await ada.request('stream-control', { id: stream, operation: 'play', data: 'audio' });
    await Promise.all([ada.receives(his), bob.receives(stream)]);
    expect((await ada.log()).filter((line) => line.startsWith('participant'))).toEqual(['participant join']);
    await bob.request('text', { to: 'all', message: 'still here' });
    await ada.hears('text all still here');
  });

  it('of a page that is gone ends its stay after a minute', { timeout: 120_000 }, async () => {
    const [ada, bob] = [await join('ada'), await join('bob')];
    const [stream = ''] = await bob.publish();
    await ada.streamsOf(bob.id);
    const start = Date.now();
    await bob.close();
    await expect.poll(() => ada.log(), { timeout: 90_000 }).toContain('participant leave');
    expect(Date.now() - start).toBeGreaterThan(50_000);
    expect(await ada.log()).toContain(`stream remove ${stream}`);
  });
});

describe('together with others', () => {
  it('members of the meeting page and members of this protocol see and hear each other', async () => {
    const ada = await join('ada');
    await ada.publish();
    const grace = await world.enter('Grace');
    await Promise.all([grace.sees('ada'), grace.hears('ada')]);
    const isHers = ({ info }: StreamInfo) => info.owner !== ada.id;
    // What she publishes one after the other are two streams: a client of this protocol cannot be offered more than it has asked for.
    await expect.poll(async () => (await ada.streams()).filter(isHers).length).toBe(2);
    const hers = (await ada.streams()).filter(isHers);
    const withKind = (kind: string) => hers.find(({ media }) => media.tracks?.some(({ type }) => type === kind))?.id ?? '';
    const [sound, picture] = [withKind('audio'), withKind('video')];
    for (const stream of [sound, picture]) await ada.subscribe(stream);
    await ada.gets(sound, 'audioPackets');
    await ada.gets(picture, 'framesDecoded');
    await grace.press('toggle-webcam');
    await ada.hears(`stream update ${picture} video.status inactive`);
    await ada.misses(picture, 'framesDecoded');
    await grace.press('toggle-webcam');
    await ada.gets(picture, 'framesDecoded');
    const bob = await join('bob');
    expect((await bob.streams()).map(({ id }) => id)).toEqual((await ada.streams()).map(({ id }) => id));
    await bob.subscribe(picture);
    await bob.gets(picture, 'framesDecoded');
    await grace.press('leave');
    for (const page of [ada, bob]) await page.hears('participant leave');
  });
});

it('a member of the group-call protocol has one stream, and both see and hear each other', async () => {
  const [ada, kurento] = [await join('ada'), await KurentoSite.open()];
  try {
    await ada.publish();
    const place = { edge: world.stack.url, room: world.room(), version: '7.3', line: 'raw' } as const;
    const caller = await kurento.join(world.browser, { ...place, userId: 41 });
    const [his] = await ada.streamsOf('41');
    await ada.subscribe(his?.id ?? '');
    await ada.receives(his?.id ?? '');
    const known = await caller.page.evaluate(() => window.kurentoClient.shown());
    expect(known).toEqual([expect.stringMatching(/^ada#[\da-f]{8} true true$/u)]);
    await caller.receives(String(known[0]).split(' ')[0] ?? '');
    await caller.setState('audio', false);
    await ada.hears(`stream update ${his?.id ?? ''} audio.status inactive`);
    await caller.leave();
    await ada.hears('participant leave');
    await caller.close();
  } finally {
    kurento.close();
  }
});

it('a stream that an administrator ends is over for everybody, its publisher included, and the publisher may begin another', async () => {
  const [ada, bob] = [await join('ada'), await join('bob')];
  const [stream = ''] = await ada.publish();
  await bob.streamsOf(ada.id);
  await bob.subscribe(stream);
  await bob.receives(stream);
  const room = encodeURIComponent(world.room());
  const known: unknown = await (await fetch(`${world.stack.url}/rooms/${room}/streams/${stream}`)).json();
  expect(known).toMatchObject({ id: stream, info: { owner: ada.id, attributes: { page: 'test' } } });
  expect((await fetch(`${world.stack.url}/v1/rooms/${room}/streams/${stream}`, { method: 'DELETE' })).status).toBe(200);
  for (const page of [ada, bob]) await page.hears(`stream remove ${stream}`);
  await ada.hears(`progress error ${stream} ${stream}`);
  await bob.hears(/^progress error (\w+) \1$/u);
  const [second = ''] = await ada.publish();
  await bob.streamsOf(ada.id);
  await bob.subscribe(second);
  await bob.receives(second);
});

it('who is put out by an administrator is told so, and does not come back', async () => {
  const [ada, bob] = [await join('ada'), await join('bob')];
  const url = `${world.stack.url}/v1/rooms/${encodeURIComponent(world.room())}/participants/${bob.id}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(200);
  await ada.hears('participant leave');
  await bob.hears('disconnect');
  expect((await bob.log()).slice(-2)).toEqual(['drop', 'disconnect']);
});
