/** Real Firefox and real Chromium in one room: other payload types, other rules for unknown ssrcs, another idea of simulcast. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BodyInputOf } from '../../../shared/media-api.ts';
import { eventually } from '../../harness/eventually.ts';
import { freshRoom, randomSecret, startTestNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { PeerBrowser } from './support/peer.ts';
import type { Peer, SentTracks } from './support/peer.ts';

type Plan = BodyInputOf<'answerOffer'>['plan'];

let t: TestNode;
let firefox: PeerBrowser;
let chromium: PeerBrowser;
beforeAll(async () => {
  [t, firefox, chromium] = await Promise.all([startTestNode(reachable()), PeerBrowser.firefox(), PeerBrowser.chromium()]);
});
afterAll(async () => {
  await Promise.all([firefox.close(), chromium.close()]);
  expect(t.edge.faults).toEqual([]);
  await t.close();
});

/** Firefox looks for nobody on the loopback interface, so the media node listens on another address, which only production mode does. */
function reachable(): Record<string, string> {
  const address = process.env.FIREFOX_NETWORK_ADDRESS;
  if (address === undefined)
    throw new Error('Firefox needs a network of its own: run this test by `npm test -- test/media-node/sdp/firefox.test.ts`');
  return { PARLEY_MODE: 'production', RTC_LISTEN_IP: address, METRICS_TOKEN: randomSecret() };
}

let path: { room: string; generation: string };
let peers: Peer[];
beforeEach(async () => {
  path = freshRoom();
  peers = [];
  await t.client.call('openRoom', { path });
});
afterEach(async () => {
  for (const peer of peers) await peer.close();
});

let connections = 0;

async function newPeer(browser: PeerBrowser) {
  const peer = await browser.peer();
  peers.push(peer);
  connections += 1;
  return { peer, connection: `connection-${connections}` };
}

async function negotiate(peer: Peer, connection: string, plan: Plan, attempt = 1) {
  const sdp = await peer.offer();
  const answer = await t.client.call('answerOffer', { path: { ...path, connection }, body: { attempt, sdp, plan } });
  await peer.take(answer.sdp);
  return answer;
}

async function publish(browser: PeerBrowser, tracks: SentTracks): Promise<string[]> {
  const { peer, connection } = await newPeer(browser);
  await peer.send(tracks);
  const { sections } = await negotiate(peer, connection, [{ use: 'publish' }]);
  return sections.flatMap(({ producer }) => producer ?? []);
}

async function view(browser: PeerBrowser, producers: string[], ...kinds: ('audio' | 'video')[]) {
  const { peer, connection } = await newPeer(browser);
  await peer.receive(...kinds);
  const answer = await negotiate(peer, connection, [{ use: 'view', stream: 'S', producers }]);
  return { peer, connection, answer };
}

function attach(connection: string, mid: string, producer: string) {
  return t.client.call('attachProducer', { path: { ...path, connection, mid }, body: { producer } });
}

describe('Firefox offers', () => {
  test('what it publishes Chromium and Firefox see and hear', async () => {
    const producers = await publish(firefox, { audio: true, video: 320 });
    expect(producers).toHaveLength(2);
    const viewers = await Promise.all([view(chromium, producers, 'audio', 'video'), view(firefox, producers, 'audio', 'video')]);
    await Promise.all(viewers.flatMap(({ peer }) => [peer.seesMore('0'), peer.seesMore('1')]));
    expect(await Promise.all(viewers.map(async ({ peer }) => (await peer.received('1')).width))).toEqual([320, 320]);
    expect(await viewers[0].peer.received('1')).toMatchObject({ payloadType: 96 });
    expect(await viewers[1].peer.received('1')).toMatchObject({ payloadType: 120 });
  });

  test('it may come before its publisher, and sees another producer, none, and one again without a new negotiation', async () => {
    const { peer, connection } = await view(firefox, [], 'audio', 'video');
    await peer.connected();
    const [audio = '', video = ''] = await publish(chromium, { audio: true, video: 320 });
    await Promise.all([attach(connection, '0', audio), attach(connection, '1', video)]);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    const [other = ''] = await publish(firefox, { video: 240 });
    await attach(connection, '1', other);
    await eventually('the other picture is shown', async () => (await peer.received('1')).width === 240, 15_000);
    await t.client.call('closeProducer', { path: { ...path, producer: other } });
    await attach(connection, '1', video);
    await eventually('the first picture is shown again', async () => (await peer.received('1')).width === 320, 15_000);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
  });

  test('simulcast by rid is published, and a viewer gets one layer of it after another', async () => {
    const producers = await publish(firefox, { video: 640, rids: ['l', 'h'] });
    const viewer = await view(chromium, producers, 'video');
    const consumer = viewer.answer.sections[0]?.consumer ?? '';
    for (const [spatialLayer, width] of [
      [0, 320],
      [1, 640],
    ] as const) {
      await t.client.call('setConsumerLayers', { path: { ...path, consumer }, body: { spatialLayer } });
      await eventually(`layer ${spatialLayer} is shown`, async () => (await viewer.peer.received('0')).width === width, 20_000);
    }
  });

  test('one connection publishes and watches two others, and is negotiated again', async () => {
    const [one, another] = [await publish(chromium, { audio: true, video: 320 }), await publish(firefox, { audio: true, video: 240 })];
    const { peer, connection } = await newPeer(firefox);
    const own: Plan[number] = { use: 'publish', mids: ['0', '1'] };
    await peer.send({ audio: true, video: 160 });
    const first = await negotiate(peer, connection, [own]);
    await peer.receive('audio', 'video', 'audio', 'video');
    const plan: Plan = [
      own,
      { use: 'view', mids: ['2', '3'], stream: 'one', producers: one },
      { use: 'view', mids: ['4', '5'], stream: 'another', producers: another },
    ];
    const second = await negotiate(peer, connection, plan, 2);
    expect(second.sections.slice(0, 2)).toEqual(first.sections);
    await Promise.all(['2', '3', '4', '5'].map((mid) => peer.seesMore(mid)));
    expect([(await peer.received('3')).width, (await peer.received('5')).width]).toEqual([320, 240]);
    const viewer = await view(
      chromium,
      first.sections.flatMap(({ producer }) => producer ?? []),
      'audio',
      'video',
    );
    await Promise.all([viewer.peer.seesMore('0'), viewer.peer.seesMore('1')]);
    const third = await negotiate(peer, connection, plan.slice(0, 2), 3);
    expect(third.sections.map(({ direction }) => direction).slice(2)).toEqual(['sendonly', 'sendonly', 'inactive', 'inactive']);
    await Promise.all([peer.seesMore('2'), peer.seesMore('3'), viewer.peer.seesMore('1')]);
  });
});

describe('the media node offers to Firefox', () => {
  test('producers come and go in several feeds without a new offer', async () => {
    const { peer, connection } = await newPeer(firefox);
    const object = { path: { ...path, connection } };
    const feeds = [
      { stream: 'one', kinds: ['audio' as const, 'video' as const] },
      { stream: 'two', kinds: ['video' as const] },
    ];
    const { sdp } = await t.client.call('createOffer', { ...object, body: { attempt: 1, feeds } });
    await t.client.call('completeOffer', { ...object, body: { attempt: 1, sdp: await peer.answer(sdp) } });
    await peer.connected();
    const [audio = '', small = ''] = await publish(chromium, { audio: true, video: 240 });
    const [large = ''] = await publish(firefox, { video: 320 });
    await Promise.all([attach(connection, '0', audio), attach(connection, '1', small), attach(connection, '2', large)]);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
    expect([(await peer.received('1')).width, (await peer.received('2')).width]).toEqual([240, 320]);
    await attach(connection, '1', large);
    await eventually('the other picture is shown', async () => (await peer.received('1')).width === 320, 15_000);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
  });
});
