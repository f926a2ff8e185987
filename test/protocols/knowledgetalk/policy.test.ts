/** The document's limits for pictures, as far as the media node sees to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bitrateOf, LAYERED_BITRATE, layoutOf, SCREEN, SMALLEST, spatialLayerOf } from '../../../worker/protocols/knowledgetalk/layouts.ts';
import { eventually } from '../../harness/eventually.ts';
import { PeerBrowser, type Peer, type SentTracks } from '../../media-node/sdp/support/peer.ts';
import type { KtClient, Message } from './client.ts';
import { World } from './world.ts';

let world: World;
let chromium: PeerBrowser;
const peers: Peer[] = [];
beforeAll(async () => {
  [world, chromium] = await Promise.all([World.start(), PeerBrowser.chromium()]);
});
afterAll(async () => {
  await Promise.all([world.stop(), chromium.close()]);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
  world.clear();
});

/** What a browser believes that it may send, in bits per second. */
type Allowance = () => Promise<number>;

async function publish(member: KtClient, usage: 'cam' | 'screen', tracks: SentTracks): Promise<Allowance> {
  const peer = await chromium.peer();
  peers.push(peer);
  const name = await chromium.page.evaluate(() => [...window.peers.keys()].at(-1) ?? '', undefined);
  await peer.send(tracks);
  member.say({ eventOp: 'SDP', usage, roomId: member.roomId, sdp: { type: 'offer', sdp: await peer.offer() } });
  const isAnswer = ({ sdp }: Message) => (sdp as { type?: unknown } | undefined)?.type === 'answer';
  await peer.take(((await member.pick(isAnswer)).sdp as { sdp: string }).sdp);
  return () =>
    chromium.page.evaluate(async (key) => {
      const stats = [...((await window.peers.get(key)?.getStats()) ?? new Map<string, unknown>()).values()] as Record<string, unknown>[];
      return Math.max(0, ...stats.map(({ availableOutgoingBitrate }) => Number(availableOutgoingBitrate ?? 0)));
    }, name);
}

const NOISE: SentTracks = { video: 640, noise: true };

describe('what members send', () => {
  it('follows the number of members and the screen share', { timeout: 120_000 }, async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    const camera = await publish(ada, 'cam', NOISE);
    const cap = bitrateOf(layoutOf(3));
    await eventually(
      'the camera may send as much as three members need',
      async () => {
        const allowed = await camera();
        return allowed > cap * 0.6 && allowed <= cap * 1.1;
      },
      30_000,
    );

    await bob.ask({ eventOp: 'SessionReserve' });
    const screen = await publish(bob, 'screen', NOISE);
    const start = Date.now();
    await eventually('the camera makes room for the screen', async () => (await camera()) <= bitrateOf(SMALLEST) * 1.5, 15_000);
    const delay = Date.now() - start;
    await eventually('the screen may send more', async () => (await screen()) > bitrateOf(SMALLEST) * 3, 30_000);
    expect(await screen()).toBeLessThanOrEqual((bitrateOf(SCREEN) + 128_000) * 1.1);
    expect(delay).toBeLessThan(10_000);

    await bob.ask({ eventOp: 'ScreenShareConferenceEnd' });
    await eventually('the camera gets its share back', async () => (await camera()) > cap * 0.5, 45_000);

    for (let count = 4; count <= 10; count += 1) await world.newcomer(ada.roomId);
    const smaller = bitrateOf(layoutOf(10));
    await eventually('ten members need less of each other', async () => (await camera()) <= smaller * 1.5, 15_000);
  });
});

/** Receives the only feed there is, which is that of a camera. @returns the width of the picture that arrives now. */
async function watch(member: KtClient): Promise<() => Promise<number>> {
  const { feeds } = await member.next('ReceiveFeed');
  const [feed] = feeds as { id: string; display: string }[];
  member.say({ eventOp: 'SendFeed', roomId: member.roomId, feedId: feed?.id, display: feed?.display });
  const offer = await member.pick(({ eventOp, sdp }) => eventOp === 'SDP' && (sdp as { type?: unknown } | undefined)?.type === 'offer');
  const peer = await chromium.peer();
  peers.push(peer);
  const sdp = { type: 'answer', sdp: await peer.answer((offer.sdp as { sdp: string }).sdp) };
  member.say({ eventOp: 'SDP', usage: 'cam', roomId: member.roomId, pluginId: offer.pluginId, sdp });
  return async () => (await peer.received('1')).width;
}

/** What browsers with simulcast send: layers of 320 and 640. */
const LAYERED: SentTracks = { video: 640, rids: ['l', 'h'], noise: true };

describe('what members are sent of a camera with several layers', () => {
  it('follows the number of members and the screen share', { timeout: 120_000 }, async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    const camera = await publish(ada, 'cam', LAYERED);
    await publish(bob, 'cam', { audio: true });
    const width = await watch(bob);
    const shows = (fits: (now: number) => boolean, what: string) => eventually(what, async () => fits(await width()), 10_000);
    await shows((now) => now === 640, 'three members see the highest layer');
    expect(await camera()).toBeLessThanOrEqual((LAYERED_BITRATE + 128_000) * 1.1);

    await bob.ask({ eventOp: 'SessionReserve' });
    await publish(bob, 'screen', { video: 320 });
    await shows((now) => now === 320, 'the lowest layer is enough beside a screen');
    // Otherwise it would take its time to send the higher ones again.
    await sleep(3_000);
    expect(await camera()).toBeGreaterThan(bitrateOf(SMALLEST) * 3);
    expect(await camera()).toBeLessThanOrEqual((LAYERED_BITRATE + 128_000) * 1.1);

    await bob.ask({ eventOp: 'ScreenShareConferenceEnd' });
    await shows((now) => now === 640, 'and more is seen when the screen is gone');

    for (let count = 4; count <= 13; count += 1) await world.newcomer(ada.roomId);
    await shows((now) => now === 320, 'thirteen members see the lowest layer');
  });
});

describe('the table', () => {
  it.each([
    [1, 960, 540, 15],
    [2, 960, 540, 15],
    [3, 640, 360, 12],
    [4, 640, 360, 12],
    [6, 480, 270, 12],
    [9, 320, 180, 12],
    [10, 320, 180, 10],
    [16, 240, 135, 10],
    [17, 160, 120, 10],
    [25, 160, 120, 8],
    [26, 120, 80, 8],
    [36, 120, 80, 8],
  ])('has %i members at %i × %i, %i frames a second', (count, width, height, framerate) => {
    expect(layoutOf(count)).toMatchObject({ width, height, framerate });
  });

  it('needs less on the line, and lower layers, the more there are', () => {
    const rates = Array.from({ length: 36 }, (_, index) => bitrateOf(layoutOf(index + 1)));
    expect(rates).toEqual(rates.toSorted((one, other) => other - one));
    expect([2, 4, 6, 9, 12, 16, 25].map((count) => spatialLayerOf(layoutOf(count)))).toEqual([2, 2, 1, 1, 1, 0, 0]);
  });
});
