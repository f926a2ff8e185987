/** Real Chromium against a real media node: what the bridge negotiates has to end in pictures and sound. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Description, SectionPlan } from '../../../shared/sdp.ts';
import { freshRoom, startTestNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { Chromium } from './support/peer.ts';
import type { Peer, SentTracks } from './support/peer.ts';

let t: TestNode;
let chromium: Chromium;
beforeAll(async () => {
  [t, chromium] = await Promise.all([startTestNode(), Chromium.start()]);
});
afterAll(async () => {
  await chromium.close();
  expect(t.edge.faults).toEqual([]);
  await t.close();
});

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

async function newPeer(): Promise<{ peer: Peer; connection: string }> {
  const peer = await chromium.peer();
  peers.push(peer);
  connections += 1;
  return { peer, connection: `connection-${connections}` };
}

async function negotiate(
  peer: Peer,
  connection: string,
  attempt: number,
  plan: SectionPlan[],
  options: RTCOfferOptions = {},
): Promise<Description> {
  const sdp = await peer.offer(options);
  const answer = await t.client.call('answerOffer', { path: { ...path, connection }, body: { attempt, sdp, plan } });
  await peer.take(answer.sdp);
  return answer;
}

async function publish(tracks: SentTracks): Promise<{ peer: Peer; connection: string; producers: string[] }> {
  const { peer, connection } = await newPeer();
  await peer.send(tracks);
  const { sections } = await negotiate(peer, connection, 1, [{ use: 'publish' }]);
  return { peer, connection, producers: sections.flatMap(({ producer }) => producer ?? []) };
}

async function view(stream: string, producers: string[], ...kinds: ('audio' | 'video')[]) {
  const { peer, connection } = await newPeer();
  await peer.receive(...kinds);
  const answer = await negotiate(peer, connection, 1, [{ use: 'view', stream, producers }]);
  return { peer, connection, answer };
}

describe('the client offers', () => {
  test('what one publishes another sees and hears', async () => {
    const { producers } = await publish({ audio: true, video: 'green' });
    expect(producers).toHaveLength(2);
    const { peer, answer } = await view('S', producers, 'audio', 'video');
    expect(answer.sections).toEqual([
      { mid: '0', kind: 'audio', direction: 'sendonly', producer: producers[0], consumer: expect.any(String) as string, codec: 'opus' },
      { mid: '1', kind: 'video', direction: 'sendonly', producer: producers[1], consumer: expect.any(String) as string, codec: 'VP8' },
    ]);
    await peer.seesMore('0');
    await peer.seesMore('1');
    expect(await peer.streamIds()).toEqual({ 0: ['S'], 1: ['S'] });
  });
});
