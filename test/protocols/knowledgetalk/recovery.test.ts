/** What members find when the media node was gone in between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { startTestMediaNode } from '../../harness/media-node.ts';
import { type Peer, PeerBrowser } from '../../media-node/sdp/support/peer.ts';
import { type KtClient, type Message, nameOf } from './client.ts';
import { World } from './world.ts';

let world: World;
let chromium: PeerBrowser;
beforeEach(async () => {
  [world, chromium] = await Promise.all([World.start(), PeerBrowser.chromium()]);
});
afterEach(async () => {
  await Promise.all([world.stop(), chromium.close()]);
});

const isDescription =
  (type: 'offer' | 'answer') =>
  (message: Message): boolean =>
    nameOf(message) === 'SDP' && (message.sdp as { type?: unknown } | undefined)?.type === type;

const sdpOf = ({ sdp }: Message): string => (sdp as { sdp: string }).sdp;

async function publish(member: KtClient): Promise<void> {
  const peer = await chromium.peer();
  await peer.send({ audio: true, video: 160 });
  member.say({ eventOp: 'SDP', usage: 'cam', roomId: member.roomId, sdp: { type: 'offer', sdp: await peer.offer() } });
  await peer.take(sdpOf(await member.pick(isDescription('answer'))));
}

/** Receives the only feed there is. */
async function receive(member: KtClient): Promise<Peer> {
  const { feeds } = await member.next('ReceiveFeed');
  const [feed] = feeds as { id: string; display: string }[];
  member.say({ eventOp: 'SendFeed', roomId: member.roomId, feedId: feed?.id, display: feed?.display });
  const offer = await member.pick(isDescription('offer'));
  const peer = await chromium.peer();
  const sdp = { type: 'answer', sdp: await peer.answer(sdpOf(offer)) };
  member.say({ eventOp: 'SDP', usage: 'cam', roomId: member.roomId, pluginId: offer.pluginId, sdp });
  return peer;
}

/** Both publish, and see and hear each other. */
async function converse(ada: KtClient, bob: KtClient): Promise<void> {
  await publish(ada);
  await publish(bob);
  for (const peer of await Promise.all([receive(ada), receive(bob)])) await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
}

const OUTAGES: Readonly<Record<string, () => Promise<void>>> = {
  'the media node was restarted': async () => {
    const { port } = world.stack.mediaNode;
    await world.stack.mediaNode.close();
    world.stack.mediaNode = await startTestMediaNode(world.stack.edge.url, { MEDIA_NODE_PORT: String(port) });
  },
  'an SFU process died': () => {
    for (const pid of world.stack.mediaNode.workerPids()) process.kill(pid, 'SIGKILL');
    return Promise.resolve();
  },
};

describe.each(Object.keys(OUTAGES))('when %s', (outage) => {
  it('members are cut off, and find the same room with working media when they join it again', { timeout: 90_000 }, async () => {
    const members = await world.room(3);
    const [ada, bob] = members;
    if (!ada || !bob) return;
    const { roomId } = ada;
    await converse(ada, bob);
    await OUTAGES[outage]?.();
    await eventually('all are cut off', () => members.every(({ socket }) => !socket.connected), 20_000);

    const eve = await world.client();
    let answer: Message = {};
    const isAnswered = async () => (answer = await eve.ask({ eventOp: 'RoomJoin', roomId })).code !== '570';
    await eventually('the media node is back', isAnswered, 20_000);
    expect(answer).toMatchObject({ code: '200' });
    Object.assign(eve, { roomId, userId: answer.userId });
    const dan = await world.newcomer(roomId);
    expect(await eve.next('StartSession')).toMatchObject({ useMediaSvr: 'Y' });
    expect(await dan.next('StartSession')).toMatchObject({ useMediaSvr: 'Y' });
    await converse(eve, dan);
  });
});
