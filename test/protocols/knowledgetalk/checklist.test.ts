/** What silently breaks real clients: the checklist of the reference, one test for each line. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { PeerBrowser, type Peer } from '../../media-node/sdp/support/peer.ts';
import { FOUR, type KtClient, type Message, nameOf, TWO } from './client.ts';
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

const typeOf = (message: Message) => (message.sdp as { type?: unknown } | undefined)?.type;
const codesOf = (messages: readonly Message[]) => messages.filter(({ code }) => code !== undefined).map(({ code }) => code);

async function publish(member: KtClient): Promise<Message> {
  const peer = await chromium.peer();
  peers.push(peer);
  await peer.send({ audio: true, video: 160, direction: 'sendrecv' });
  member.say({ eventOp: 'SDP', usage: 'cam', roomId: member.roomId, sdp: { type: 'offer', sdp: await peer.offer() } });
  return member.pick((message) => typeOf(message) === 'answer');
}

/** A feed of the first that the second has asked for. */
async function offered(ada: KtClient, bob: KtClient): Promise<{ feed: Record<string, string>; offer: Message }> {
  await publish(bob);
  await publish(ada);
  const { feeds } = await bob.next('ReceiveFeed');
  const [feed = {}] = feeds as Record<string, string>[];
  bob.say({ eventOp: 'SendFeed', roomId: bob.roomId, feedId: feed.id, display: feed.display });
  return { feed, offer: await bob.pick((message) => typeOf(message) === 'offer') };
}

it('1. the client library is there, and polling names the exact origin with credentials', async () => {
  const url = `${world.stack.edge.url}/socket.io`;
  expect(await (await fetch(`${url}/socket.io.js`)).text()).toContain('Socket.IO v');
  const origin = 'https://t1.example.org';
  const { headers } = await fetch(`${url}/?EIO=3&transport=polling&t=1`, { headers: { origin } });
  expect([headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]).toEqual([origin, 'true']);
});

it('2. clients of Engine.IO 3 and 4 connect', async () => {
  for (const kind of [TWO, FOUR, { ...TWO, transports: ['polling' as const, 'websocket' as const] }]) {
    expect(await (await world.client(kind)).ask({ eventOp: 'KeepAlive' })).toMatchObject({ code: '200' });
  }
});

it('3. codes are texts', async () => {
  const [ada] = await world.room(1);
  if (!ada) return;
  const asked = ['CreateRoom', 'CreateRoomWithRoomId', 'SessionReserve', 'KeepAlive', 'RoomJoin', 'NoSuchThing'];
  const answers = [];
  for (const eventOp of asked) answers.push(await ada.ask({ eventOp, roomId: eventOp === 'SessionReserve' ? undefined : '31415926' }));
  expect(codesOf(answers)).toHaveLength(asked.length);
  for (const code of codesOf(answers)) expect(typeof code).toBe('string');
});

it('4. in a call of two, StartSession goes to the one who was there, and not to the joiner', async () => {
  const [ada] = await world.room(1);
  const bob = await world.newcomer(ada?.roomId ?? '');
  expect((await ada?.settled())?.filter((message) => nameOf(message) === 'StartSession')).toHaveLength(1);
  expect(await bob.settled()).toEqual([]);
});

it('5. no code stands in an SDP message that is relayed or that the media node made', async () => {
  const [one, two] = await world.room(2);
  one?.say({ eventOp: 'SDP', usage: 'cam', code: '200', sdp: { type: 'offer', sdp: 'v=0' } });
  expect(await two?.next('SDP')).not.toHaveProperty('code');
  const [ada, bob] = await world.room(3);
  if (!ada || !bob) return;
  expect((await offered(ada, bob)).offer).not.toHaveProperty('code');
  expect(await publish(ada)).not.toHaveProperty('code');
});

it('6. every SDP message says useMediaSvr, and its confirmation does not', async () => {
  const [one, two] = await world.room(2);
  one?.say({ eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } });
  expect(await two?.next('SDP')).toMatchObject({ useMediaSvr: 'N' });
  const confirmation = await one?.next('SDP');
  for (const field of ['useMediaSvr', 'usage', 'sdp']) expect(confirmation).not.toHaveProperty(field);
  const [ada, bob] = await world.room(3);
  if (!ada || !bob) return;
  expect((await offered(ada, bob)).offer).toMatchObject({ useMediaSvr: 'Y' });
  expect(await publish(ada)).toMatchObject({ useMediaSvr: 'Y' });
});

it('7. displayId is a key of members', async () => {
  const [ada, bob, eve] = await world.room(3);
  if (!ada || !bob || !eve) return;
  const { feed, offer } = await offered(ada, bob);
  const { members } = await (await world.client()).join(ada.roomId);
  expect(Object.keys(members as object)).toContain(offer.displayId);
  expect(feed.displayId).toBe(offer.displayId);
});

it('8. sound and picture of a server’s offer are of one stream', async () => {
  const [ada, bob] = await world.room(3);
  if (!ada || !bob) return;
  const { sdp } = (await offered(ada, bob)).offer.sdp as { sdp: string };
  const streams = [...sdp.matchAll(/^a=msid:(\S+)/gmu)].map(([, stream]) => stream);
  expect(streams).toHaveLength(2);
  expect(new Set(streams).size).toBe(1);
});

it('9. one departure is one Presence exit', async () => {
  const [ada, bob] = await world.room(2);
  await bob?.ask({ eventOp: 'ExitRoom' });
  await bob?.ask({ eventOp: 'ExitRoom' });
  bob?.close();
  expect((await ada?.settled())?.filter(({ action }) => action === 'exit')).toHaveLength(1);
});

it('10. the end of a screen share is told as ScreenShareConferenceEndSvr', async () => {
  const [ada, bob] = await world.room(2);
  await ada?.ask({ eventOp: 'SessionReserve' });
  await ada?.ask({ eventOp: 'ScreenShareConferenceEnd' });
  expect(await bob?.settled()).toEqual([{ eventOp: 'ScreenShareConferenceEndSvr', userId: ada?.userId, roomId: ada?.roomId }]);
});

it('11. ExitRoom needs neither userId nor roomId, and acknowledgements need nothing and are not answered', async () => {
  const [ada] = await world.room(1);
  for (const eventOp of ['StartSession', 'SDP', 'ReceiveFeed', 'Presence', 'ScreenShareConferenceEndSvr'])
    ada?.emit({ eventOp, code: '200' });
  expect(await ada?.settled()).toEqual([]);
  expect(await ada?.ask({ eventOp: 'ExitRoom' })).toMatchObject({ code: '200' });
});

it('12. a sender never gets its own notice back', async () => {
  const [ada, bob] = await world.room(2);
  const notices = [
    { signalOp: 'SetVideo', status: true },
    { signalOp: 'SetAudio', status: false },
    { signalOp: 'SetBlur', status: true },
    { signalOp: 'ChangeName', name: 'n' },
    { signalOp: 'Chat', message: 'm' },
    { signalOp: 'Draw', status: 'start' },
  ];
  for (const notice of notices) ada?.say(notice);
  expect(await ada?.settled()).toEqual([]);
  expect((await bob?.settled())?.map(nameOf)).toEqual(notices.map(nameOf));
});

it('13. a late member makes no StartSession for those who are in mode Y already', async () => {
  const members = await world.room(3);
  await world.newcomer(members[0]?.roomId ?? '');
  for (const member of members) expect((await member.settled()).map(nameOf)).toEqual(['Presence']);
});
