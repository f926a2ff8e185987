/** Layers of simulcast that stop and come back: whoever watches gets the best one that flows. */
import { describe, test } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import { Studio } from './support/studio.ts';
import type { Peer } from './sdp/support/peer.ts';

const CAPTURE_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

const studio = Studio.forThisFile();

/** Publishes two layers, 640 and 320 wide. @param edit what the media node is told instead of the browser's own offer. */
async function publish(edit: (sdp: string) => string = (sdp) => sdp): Promise<{ publisher: Peer; producer: string }> {
  const publisher = await studio.newPeer();
  await publisher.send({ video: 640, rids: ['l', 'h'] });
  const body = { attempt: 1, sdp: edit(await publisher.offer()), plan: [{ use: 'publish' as const }] };
  const { sdp, sections } = await studio.client.call('answerOffer', { path: { ...studio.path, connection: 'publisher' }, body });
  await publisher.take(sdp);
  return { publisher, producer: sections[0]?.producer ?? '' };
}

/** Names capture times in an offer, which the browser does not know of and will not send: what mediasoup-client does. */
function namingCaptureTimes(sdp: string): string {
  return sdp.replace(/(?<=a=mid:0\r\n)/u, `a=extmap:16 ${CAPTURE_TIME_URI}\r\n`);
}

async function isSent(producer: string, rid: string): Promise<boolean> {
  const stats = await studio.client.call('producerStats', { path: { ...studio.path, producer } });
  return stats.some((one) => one.rid === rid && Number(one.packetCount) > 0);
}

/** Viewers with an estimate of their bandwidth have the media node's offer, those without one have made the offer themselves. */
const VIEWS = {
  'the media node offers': async (producer: string): Promise<Peer> => {
    const peer = await studio.newPeer();
    const object = { path: { ...studio.path, connection: 'viewer' } };
    const body = { attempt: 1, feeds: [{ stream: 'S', producers: [producer] }] };
    const { sdp } = await studio.client.call('createOffer', { ...object, body });
    await studio.client.call('completeOffer', { ...object, body: { attempt: 1, sdp: await peer.answer(sdp) } });
    return peer;
  },
  'the client offers': async (producer: string): Promise<Peer> => {
    const peer = await studio.newPeer();
    await peer.receive('video');
    const plan = [{ use: 'view' as const, stream: 'S', producers: [producer] }];
    const body = { attempt: 1, sdp: await peer.offer(), plan };
    await peer.take((await studio.client.call('answerOffer', { path: { ...studio.path, connection: 'viewer' }, body })).sdp);
    return peer;
  },
} as const;

async function shows(viewer: Peer, width: number): Promise<void> {
  await eventually(`${width} is shown`, async () => (await viewer.received('0')).width === width, 20_000);
  await viewer.seesMore('0');
}

describe.each(['the media node offers', 'the client offers'] as const)('to a viewer to whom %s', (offerer) => {
  test.each([
    ['says nothing of capture times', (sdp: string) => sdp],
    ['names capture times and sends none', namingCaptureTimes],
  ])('the next layer is shown when one has stopped, and that one again when it goes on; the client %s', async (_, edit) => {
    const { publisher, producer } = await publish(edit);
    const viewer = await VIEWS[offerer](producer);
    await shows(viewer, 640);
    await publisher.setLayerActive('h', false);
    await shows(viewer, 320);
    await publisher.setLayerActive('h', true);
    await shows(viewer, 640);
  });

  test('the other layer is shown when one has stopped as soon as it began', async () => {
    const { publisher, producer } = await publish();
    await eventually('the layer begins', () => isSent(producer, 'h'));
    const viewer = await VIEWS[offerer](producer);
    await publisher.setLayerActive('h', false);
    await shows(viewer, 320);
  });
});
