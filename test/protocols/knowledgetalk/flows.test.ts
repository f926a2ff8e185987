/** The call flows of the reference's section 6: two libraries, a real media node, and PeerConnections of a real Chromium. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { PeerBrowser, type Peer, type SentTracks } from '../../media-node/sdp/support/peer.ts';
import { Attendee } from '../mediasoup-http/attendee.ts';
import { type KtClient, type Message, nameOf } from './client.ts';
import { World } from './world.ts';

let world: World;
let chromium: PeerBrowser;
let peers: Peer[] = [];
beforeAll(async () => {
  [world, chromium] = await Promise.all([World.start(), PeerBrowser.chromium()]);
});
afterAll(async () => {
  await Promise.all([world.stop(), chromium.close()]);
});
beforeEach(() => {
  peers = [];
});
afterEach(async () => {
  for (const peer of peers) await peer.close();
  world.clear();
});

interface Feed {
  readonly id: string;
  readonly feedId: string;
  readonly display: string;
  readonly displayId: string;
}

const OK = { code: '200', message: expect.any(String) as string };
const isAnswer = (message: Message) => nameOf(message) === 'SDP' && (message.sdp as { type?: unknown } | undefined)?.type === 'answer';
const isOffer = (message: Message) => nameOf(message) === 'SDP' && (message.sdp as { type?: unknown } | undefined)?.type === 'offer';
const isSdpAnswered = (message: Message) => nameOf(message) === 'SDP' && message.code !== undefined;

async function newPeer(): Promise<Peer> {
  const peer = await chromium.peer();
  peers.push(peer);
  return peer;
}

/** Publishes and completes the connection. @returns what the server said until the answer. */
async function publish(member: KtClient, tracks: SentTracks, usage: 'cam' | 'screen' = 'cam'): Promise<Peer> {
  const peer = await newPeer();
  await peer.send({ direction: 'sendrecv', ...tracks });
  const sdp = { type: 'offer', sdp: await peer.offer() };
  member.say({ eventOp: 'SDP', usage, roomId: member.roomId, userId: member.userId, host: false, sdp });
  const answer = await member.pick(isAnswer, 'an answer');
  expect(answer).toEqual({
    eventOp: 'SDP',
    usage,
    userId: member.userId,
    roomId: member.roomId,
    useMediaSvr: 'Y',
    sdp: { type: 'answer', sdp: expect.any(String) as string },
  });
  await peer.take((answer.sdp as { sdp: string }).sdp);
  return peer;
}

async function nextFeeds(member: KtClient): Promise<Feed[]> {
  const { feeds, ...rest } = await member.next('ReceiveFeed');
  expect(rest).toEqual({ eventOp: 'ReceiveFeed', roomId: member.roomId });
  return feeds as Feed[];
}

interface Received {
  readonly peer: Peer;
  readonly offer: Message;
  readonly sdp: string;
}

/** Subscribes to a feed and answers the server's offer. */
async function receive(member: KtClient, feed: Feed, usageInAnswer = 'cam'): Promise<Received> {
  expect(
    await member.ask({ eventOp: 'SendFeed', roomId: member.roomId, feedId: feed.id, display: feed.display, usage: 'cam' }),
  ).toMatchObject(OK);
  const offer = await member.pick(isOffer, 'an offer');
  const peer = await newPeer();
  const { sdp } = offer.sdp as { sdp: string };
  const answer = { type: 'answer', sdp: await peer.answer(sdp) };
  member.say({
    eventOp: 'SDP',
    usage: usageInAnswer,
    host: false,
    isSfu: true,
    roomId: member.roomId,
    pluginId: offer.pluginId,
    sdp: answer,
  });
  expect(await member.pick(isSdpAnswered, 'the answer is confirmed')).toEqual({ eventOp: 'SDP', ...OK, roomId: member.roomId });
  return { peer, offer, sdp };
}

function linesOf(sdp: string, beginning: string): string[] {
  return sdp.split('\r\n').filter((line) => line.startsWith(beginning));
}

describe('6.1 a call of two', () => {
  it('is relayed between the two: the first offers, and nothing but the credentials is taken out', async () => {
    const ada = await world.client();
    const roomId = await ada.create();
    await ada.join(roomId);
    const bob = await world.client();
    const { members } = await bob.join(roomId);
    const start = await ada.next('StartSession');
    expect(start).toEqual({ eventOp: 'StartSession', roomId, members, useMediaSvr: 'N', who: bob.userId, count: 2 });
    expect(await ada.next('Presence')).toMatchObject({ action: 'join', userId: bob.userId, who: bob.userId, members });
    expect(await bob.settled()).toEqual([]);
    ada.emit({ eventOp: 'StartSession', code: '200' });

    const description = { type: 'offer', sdp: 'v=0\r\n…한글' };
    ada.say({ eventOp: 'SDP', usage: 'cam', roomId, userId: ada.userId, sdp: description, reqNo: '1', isSfu: false, code: '200' });
    expect(await ada.take(1)).toEqual([{ eventOp: 'SDP', ...OK, roomId, reqNo: '1' }]);
    const offered = {
      eventOp: 'SDP',
      usage: 'cam',
      roomId,
      userId: ada.userId,
      sdp: description,
      reqNo: '1',
      isSfu: false,
      useMediaSvr: 'N',
    };
    expect(await bob.take(1)).toEqual([offered]);
    bob.emit({ eventOp: 'SDP', code: '200' });
    bob.say({ eventOp: 'SDP', usage: 'cam', roomId, userId: bob.userId, sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await ada.take(1)).toEqual([
      { eventOp: 'SDP', usage: 'cam', roomId, userId: bob.userId, sdp: { type: 'answer', sdp: 'v=0' }, useMediaSvr: 'N' },
    ]);
    bob.say({ eventOp: 'Candidate', candidate: { candidate: 'c' } });
    expect(await ada.take(1)).toEqual([
      { eventOp: 'Candidate', candidate: { candidate: 'c' }, roomId, userId: bob.userId, useMediaSvr: 'N' },
    ]);
    // Two one-way connections: the other side offers, too.
    bob.say({ eventOp: 'SDP', usage: 'cam', roomId, userId: bob.userId, sdp: { type: 'offer', sdp: 'v=0' } });
    ada.say({ eventOp: 'SDP', usage: 'cam', roomId, userId: ada.userId, sdp: { type: 'offer', sdp: 'v=1' } });
    expect((await Promise.all([ada.settled(), bob.settled()])).map((said) => said.filter(isOffer).length)).toEqual([1, 1]);
    expect(await ada.ask({ eventOp: 'ExitRoom' })).toMatchObject(OK);
    expect((await bob.settled()).filter(({ action }) => action === 'exit')).toHaveLength(1);
  });
});

describe('6.2 and 6.3 a call of more', () => {
  it('turns with the third member, and everybody sees and hears everybody', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    const eve = await world.client();
    const { members } = await eve.join(ada.roomId);
    expect(Object.keys(members as object)).toHaveLength(3);
    const turn = { eventOp: 'StartSession', roomId: ada.roomId, members, useMediaSvr: 'Y', who: eve.userId, count: 3, changeView: true };
    expect(await eve.next('StartSession')).toEqual({ ...turn, host: true });
    for (const one of [ada, bob]) {
      expect(await one.next('StartSession')).toEqual({ ...turn, host: false });
      expect(await one.next('Presence')).toMatchObject({ action: 'join', userId: eve.userId });
    }

    await publish(ada, { audio: true, video: 320 });
    expect([await ada.settled(), await bob.settled(), await eve.settled()].map((said) => said.map(nameOf))).toEqual([['SDP'], [], []]);
    await publish(bob, { audio: true, video: 240 });
    const [ofAda] = await nextFeeds(bob);
    const [ofBob] = await nextFeeds(ada);
    expect(ofAda).toMatchObject({
      feedId: ofAda?.id,
      displayId: ada.userId,
      display: (members as Record<string, { sessionId: string }>)[ada.userId]?.sessionId,
    });
    expect(ofBob?.displayId).toBe(bob.userId);
    await publish(eve, { video: 160 });
    expect((await nextFeeds(eve)).map(({ displayId }) => displayId).toSorted()).toEqual([ada.userId, bob.userId].toSorted());
    const [ofEve] = await nextFeeds(ada);
    if (!ofAda || !ofBob || !ofEve) throw new Error('a feed is missing');

    const { peer, offer, sdp } = await receive(bob, ofAda);
    expect(offer).toMatchObject({ usage: 'cam', displayId: ada.userId, userId: ada.userId, roomId: ada.roomId, useMediaSvr: 'Y' });
    expect(offer).not.toHaveProperty('code');
    expect(typeof offer.pluginId).toBe('string');
    expect(linesOf(sdp, 'a=setup:')).toEqual(['a=setup:actpass', 'a=setup:actpass']);
    expect(linesOf(sdp, 'a=sendonly')).toHaveLength(2);
    expect(new Set(linesOf(sdp, 'a=msid:').map((line) => line.split(' ')[0])).size).toBe(1);
    expect(linesOf(sdp, 'a=candidate:').length).toBeGreaterThan(0);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    expect((await peer.received('1')).width).toBe(320);

    // T1 answers with any usage, and the pluginId may come back as it came.
    const another = await receive(ada, ofEve, 'screen');
    await another.peer.seesMore('1');
    expect((await another.peer.received('1')).width).toBe(160);
  });

  it('takes a late member in without another StartSession for the others', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    await publish(ada, { audio: true, video: 160 });
    await ada.settled();
    const dan = await world.client();
    const { members } = await dan.join(ada.roomId);
    const start = await dan.next('StartSession');
    expect(start).toEqual({
      eventOp: 'StartSession',
      roomId: ada.roomId,
      members,
      useMediaSvr: 'Y',
      who: dan.userId,
      count: 4,
      host: false,
    });
    for (const one of [ada, bob, eve]) expect((await one.settled()).map(({ action }) => action)).toEqual(['join']);
    // Nobody gets feeds before it has published.
    expect(await dan.settled()).toEqual([]);
    await publish(dan, { video: 160 });
    const [feed] = await nextFeeds(dan);
    expect(feed?.displayId).toBe(ada.userId);
    if (feed) await (await receive(dan, feed)).peer.seesMore('1');
  });

  it('stays so when two are left', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    eve.close();
    await ada.next('Presence');
    bob.say({ eventOp: 'SDP', usage: 'cam', sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await bob.next('SDP')).toMatchObject(OK);
    expect((await ada.settled()).filter((message) => nameOf(message) === 'SDP')).toEqual([]);
    await publish(ada, { video: 160 });
  });

  it('takes an offer that was meant for the other as a publish, which the next one replaces', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    await publish(bob, { audio: true });
    await publish(ada, { audio: true, video: 160 });
    const [first] = await nextFeeds(bob);
    await publish(ada, { audio: true, video: 240 });
    const [second] = await nextFeeds(bob);
    expect(second?.display).toBe(first?.display);
    if (!first || !second) return;
    expect(await bob.ask({ eventOp: 'SendFeed', feedId: first.id, display: first.display })).toMatchObject({ code: '451' });
    const { peer } = await receive(bob, second);
    await peer.seesMore('1');
    expect((await peer.received('1')).width).toBe(240);
    // An answer of the call of two means nothing any more.
    bob.say({ eventOp: 'SDP', usage: 'cam', sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await bob.next('SDP')).toMatchObject(OK);
  });

  it('takes publishers with a microphone only, or a camera only', async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    await publish(ada, { audio: true });
    await publish(bob, { video: 160 });
    const [ofAda] = await nextFeeds(bob);
    const [ofBob] = await nextFeeds(ada);
    if (!ofAda || !ofBob) return;
    const [ear, eye] = await Promise.all([receive(bob, ofAda), receive(ada, ofBob)]);
    await Promise.all([ear.peer.seesMore('0'), eye.peer.seesMore('1')]);
  });

  it('tells everybody who is talking, the speaker too', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    const peer = await publish(ada, { audio: true, video: 160 });
    const talking = { signalOp: 'Presence', action: 'talking', userId: ada.userId, who: ada.userId, talking: true };
    for (const one of [ada, bob, eve]) expect(await one.pick(({ action }) => action === 'talking')).toEqual(talking);
    await peer.close();
    expect(await eve.pick(({ action }) => action === 'talking')).toEqual({ ...talking, talking: false });
  });

  it('lets a member stop and resume what it receives of another', async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    await publish(ada, { audio: true, video: 160 });
    await publish(bob, { audio: true });
    const [feed] = await nextFeeds(bob);
    if (!feed) return;
    const { peer } = await receive(bob, feed);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    const edit = { eventOp: 'EditFeed', roomId: ada.roomId, userId: ada.userId, type: 'video' };
    await ada.settled();
    expect(await bob.ask({ ...edit, status: 'off' })).toEqual({ eventOp: 'EditFeed', ...OK });
    let before = (await peer.received('1')).framesDecoded;
    await eventually('no new pictures come', async () => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      const now = (await peer.received('1')).framesDecoded;
      const isStill = now === before;
      before = now;
      return isStill;
    });
    await peer.seesMore('0');
    expect(await bob.ask({ ...edit, status: 'on' })).toMatchObject(OK);
    await peer.seesMore('1');
    expect((await ada.settled()).filter(({ action }) => action !== 'talking')).toEqual([]);
  });
});

describe('6.5 and 6.6 a shared screen', () => {
  it('of two is relayed like a camera', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    ada.say({ eventOp: 'SDP', usage: 'screen', sdp: { type: 'offer', sdp: 'v=0' } });
    expect(await bob.next('SDP')).toMatchObject({ usage: 'screen', useMediaSvr: 'N', userId: ada.userId });
    bob.say({ eventOp: 'SDP', usage: 'screen', sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await ada.pick(isAnswer)).toMatchObject({ usage: 'screen', useMediaSvr: 'N', userId: bob.userId });
    expect(await ada.ask({ eventOp: 'SessionReserveEnd' })).toMatchObject(OK);
    expect(await ada.ask({ eventOp: 'ScreenShareConferenceEnd', useMediaSvr: 'N' })).toMatchObject({ ...OK, roomId: ada.roomId });
    expect((await bob.settled()).filter(({ eventOp }) => eventOp === 'ScreenShareConferenceEndSvr')).toHaveLength(1);
  });

  it('of more is a feed of its own, and ends as one', async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    await publish(bob, { audio: true });
    await publish(ada, { audio: true, video: 160 });
    await nextFeeds(bob);
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    await publish(ada, { video: 640 }, 'screen');
    const [screen] = await nextFeeds(bob);
    expect(screen?.display).toMatch(/_screen$/u);
    expect(screen?.displayId).toBe(ada.userId);
    if (!screen) return;
    const { peer, offer, sdp } = await receive(bob, screen);
    expect(offer).toMatchObject({ usage: 'screen', displayId: screen.display, userId: ada.userId });
    await peer.seesMore(linesOf(sdp, 'a=mid:')[0]?.slice('a=mid:'.length) ?? '');
    expect(await ada.ask({ eventOp: 'SessionReserveEnd' })).toMatchObject(OK);
    expect(await ada.ask({ eventOp: 'ScreenShareConferenceEnd', useMediaSvr: 'Y' })).toMatchObject(OK);
    expect((await bob.settled()).filter(({ eventOp }) => eventOp === 'ScreenShareConferenceEndSvr')).toEqual([
      { eventOp: 'ScreenShareConferenceEndSvr', userId: ada.userId, roomId: ada.roomId },
    ]);
    expect(await bob.ask({ eventOp: 'SendFeed', feedId: screen.id, display: screen.display })).toMatchObject({ code: '451' });
  });

  it.each([false, true])('whose owner vanishes is ended for the others, once (through the media node: %s)', async (isRouted) => {
    const [ada, bob] = await world.room(isRouted ? 3 : 2);
    if (!ada || !bob) return;
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    if (isRouted) await publish(ada, { video: 160 }, 'screen');
    await bob.settled();
    ada.cut();
    await bob.next('Presence');
    expect(await bob.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    ada.close();
    const said = await bob.settled();
    expect(said).toEqual([{ eventOp: 'ScreenShareConferenceEndSvr', userId: ada.userId, roomId: ada.roomId, code: '200' }]);
  });
});

describe('6.7 an observer', () => {
  it('gets all feeds, and those that come', async () => {
    const [ada, bob] = await world.room(3);
    if (!ada || !bob) return;
    await publish(ada, { audio: true, video: 160 });
    const observer = await world.newcomer(ada.roomId, 'RoomJoinAsObserver');
    const [feed] = await nextFeeds(observer);
    if (!feed) return;
    const { peer } = await receive(observer, feed);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    await publish(bob, { video: 160 });
    expect((await nextFeeds(observer)).map(({ displayId }) => displayId)).toEqual([bob.userId]);
  });
});

describe('6.8 and 6.9 an end without a word', () => {
  it('is like leaving: feeds close, the admin’s place is taken, and whoever comes back is new', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    await publish(bob, { audio: true });
    await publish(ada, { audio: true, video: 160 });
    const [feed] = await nextFeeds(bob);
    ada.cut();
    expect(await bob.pick(({ action }) => action === 'exit')).toMatchObject({ userId: ada.userId });
    expect(await bob.ask({ eventOp: 'SendFeed', feedId: feed?.id, display: feed?.display })).toMatchObject({ code: '451' });
    const again = await world.newcomer(ada.roomId);
    expect(again.userId).not.toBe(ada.userId);
    expect(await bob.ask({ eventOp: 'KickOut', userId: eve.userId })).toMatchObject(OK);
    expect((await bob.settled()).filter(({ action, userId }) => action === 'exit' && userId === ada.userId)).toEqual([]);
  });

  it('by leaving the namespace is the same', async () => {
    const [ada, bob] = await world.room(2);
    ada?.socket.disconnect();
    expect(await bob?.next('Presence')).toMatchObject({ action: 'exit', userId: ada?.userId });
  });
});

describe('members of other protocols', () => {
  it('make a room of two one of mode Y, with a userId of the document’s form, and their cameras are feeds', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    const bob = new Attendee(world.stack.edge.url, ada.roomId, 'bob@example.org');
    await bob.create();
    await bob.open();
    const start = await ada.next('StartSession');
    expect(start).toMatchObject({ useMediaSvr: 'Y', count: 2, host: false });
    const who = String(start.who);
    expect(who).toMatch(/^u\d{7}$/u);
    expect(Object.keys(start.members as object)).toEqual([ada.userId, who]);
    expect(await ada.next('Presence')).toMatchObject({ action: 'join', userId: who });
    await bob.produce('webcam');
    expect(await ada.next('SetVideo')).toEqual({ signalOp: 'SetVideo', userId: who, roomId: ada.roomId, status: false });
    await publish(ada, { audio: true, video: 160 });
    const [feed] = await nextFeeds(ada);
    expect(feed?.displayId).toBe(who);
    expect(feed?.display).not.toContain('_screen');
    await bob.produce('screen');
    const [screen] = await nextFeeds(ada);
    expect(screen?.display).toMatch(/_screen$/u);
    if (feed) await receive(ada, feed);
    await bob.api.succeed(bob.api.post('leaveRoom', { roomName: ada.roomId, userMail: bob.mail })).catch(() => bob.peer?.close());
    expect(await ada.pick(({ action }) => action === 'exit')).toMatchObject({ userId: who });
    expect((await ada.settled()).filter(({ eventOp }) => eventOp === 'ScreenShareConferenceEndSvr')).toHaveLength(1);
  });
});

describe('a file share that goes on', () => {
  const told = (member: KtClient) => member.messages.filter((message) => String(nameOf(message)).startsWith('FileShare'));

  it('is told to newcomers and observers as it was told to the others, with the page that is shown', async () => {
    const [ada] = await world.room(3);
    if (!ada) return;
    const ids = { userId: ada.userId, roomId: ada.roomId };
    const start = { eventOp: 'FileShareStartSvr', ...ids };
    await ada.ask({ eventOp: 'FileShareStart' });
    const early = await world.newcomer(ada.roomId);
    expect(await early.settled()).toContainEqual(start);
    for (const page of [1, 2]) await ada.ask({ eventOp: 'FileShare', url: `https://example.org/${page}.png` });
    const url = 'https://example.org/2.png';
    for (const operation of ['RoomJoin', 'RoomJoinAsObserver']) {
      const late = await world.newcomer(ada.roomId, operation);
      expect(await late.next('FileShareStartSvr')).toEqual(start);
      expect(await late.next('FileShareSvr')).toEqual({ eventOp: 'FileShareSvr', ...ids, url, fileUrl: url });
      expect(told(late)).toEqual([]);
    }
    await ada.ask({ eventOp: 'FileShareStop' });
    await ada.ask({ eventOp: 'FileShareStart' });
    const last = await world.newcomer(ada.roomId);
    await last.next('StartSession');
    await eventually('the share is told', () => told(last).length > 0);
    expect(told(last)).toEqual([start]);
  });
});

describe('a screen of another protocol', () => {
  it('is refused while a member has the reservation, as the reservation is while there is such a screen', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    const bob = new Attendee(world.stack.edge.url, ada.roomId, 'bob@example.org');
    await bob.create();
    await bob.open();
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    await expect(bob.produce('screen')).rejects.toThrow('Somebody else is sharing');
    await bob.produce('webcam');
    expect(await ada.ask({ eventOp: 'SessionReserveEnd' })).toMatchObject(OK);
    await bob.produce('screen');
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject({ code: '440' });
    bob.leave();
    await ada.pick(({ action }) => action === 'exit');
    expect(await ada.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
  });
});

describe('without a media node', () => {
  it('the third member is refused with 570, and the call of two goes on', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await world.stack.mediaNode.close();
    const eve = await world.client();
    expect(await eve.ask({ eventOp: 'RoomJoin', roomId: ada.roomId })).toMatchObject({ code: '570', useMediaSvr: 'N' });
    expect(await ada.settled()).toEqual([]);
    ada.say({ signalOp: 'Chat', message: 'still here' });
    expect(await bob.next('Chat')).toMatchObject({ message: 'still here' });
  });
});
