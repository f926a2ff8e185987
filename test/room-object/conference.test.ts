/** The conference between a real room and a real media node, with a real Chromium at the other end: connections as protocols use them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Conference, type OfferedPart } from '../../worker/room/conference.ts';
import type { RefusalReason } from '../../worker/room/errors.ts';
import type { Notice } from '../../worker/room/events.ts';
import { Room } from '../../worker/room/room.ts';
import { newRoom } from '../../worker/room/snapshot.ts';
import { MediaClient } from '../../worker/platform/media-client.ts';
import { RoomMedia } from '../../worker/room-object/room-media.ts';
import { eventually } from '../harness/eventually.ts';
import { freshRoom, startTestNode, type TestNode } from '../media-node/support/node.ts';
import { offerOf } from '../media-node/sdp/support/bridge.ts';
import { PeerBrowser, type Peer, type SentTracks } from '../media-node/sdp/support/peer.ts';
import { MemoryStore } from '../room/room-under-test.ts';

const BOTH = ['audio', 'video'] as const;

let t: TestNode;
let chromium: PeerBrowser;
beforeAll(async () => {
  [t, chromium] = await Promise.all([startTestNode(), PeerBrowser.chromium()]);
});
afterAll(async () => {
  await chromium.close();
  await t.close();
});

let room: Room;
let conference: Conference;
let media: RoomMedia;
let notices: Notice[];
let failures: unknown[];
let peers: Peer[];
beforeEach(() => {
  const { room: id } = freshRoom();
  [notices, failures, peers] = [[], [], []];
  const store = new MemoryStore();
  room = new Room(newRoom(id, 0), { capacity: 10 }, store, {
    event: () => undefined,
    notice: (notice) => notices.push(notice),
    gone: () => undefined,
    defer: () => undefined,
    order: (order) => {
      conference.carryOut(order).catch((error: unknown) => failures.push(error));
    },
  });
  media = new RoomMedia(id, new MediaClient(t.node.url, t.secret), store, () => {
    room.mediaLost(0);
  });
  conference = new Conference(room, media);
  for (const name of ['ada', 'bob', 'eve']) {
    room.join(name, 0, 60_000);
    room.openSession(name, `session of ${name}`);
  }
});
afterEach(async () => {
  for (const peer of peers) await peer.close();
  await media.close();
  expect(failures).toEqual([]);
});

async function newPeer(): Promise<Peer> {
  const peer = await chromium.peer();
  peers.push(peer);
  return peer;
}

async function publish(id: string, tracks: SentTracks, purpose = 'publish', video: 'camera' | 'screen' = 'camera'): Promise<Peer> {
  const peer = await newPeer();
  await peer.send(tracks);
  const { sdp } = await conference.publishByOffer(id, { sdp: await peer.offer(), purpose }, { sources: { audio: 'microphone', video } });
  await peer.take(sdp);
  return peer;
}

async function refused(reason: RefusalReason, call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'Refusal', reason });
}

/** What the media node has reported about connections, told to the room as the room object does it. */
async function report(purpose: string, id = 'bob'): Promise<void> {
  const connection = room.connectionFor(id, purpose)?.id ?? '';
  const isConnected = () =>
    t.edge.taken.some(({ events }) =>
      events.some((event) => event.type === 'transport-state' && event.transport === connection && event.state === 'connected'),
    );
  await t.edge.until(isConnected);
  room.connectionChanged(connection, 'connected', 0);
}

describe('the floor for screens', () => {
  const share = (id: string) => publish(id, { video: 160 }, 'screen', 'screen');
  const producers = () => media.call('inspectRoom', {}, {}).then((counts) => counts.producers);

  /** Ada has the floor when the media node has answered the next offer. */
  function takeFloorDuringAnswer(): void {
    const call = media.call.bind(media);
    media.call = async (operation, object, body) => {
      const result = await call(operation, object, body);
      if (operation === 'answerOffer') room.takeFloor('screen', 'ada');
      return result;
    };
  }

  it('keeps the screens of others out while somebody has it, and cameras not', async () => {
    room.takeFloor('screen', 'ada');
    await publish('bob', { video: 160 });
    await refused('floor-taken', share('bob'));
    await share('ada');
    expect(room.publicationsOf('bob').map(({ source }) => source)).toEqual(['camera']);
    expect(await producers()).toBe(2);
    room.releaseFloor('screen', 'ada');
    await share('bob');
    expect(await producers()).toBe(3);
  });

  it('ends what was begun before it was taken and is not there yet', async () => {
    await conference.prepare();
    const sharing = refused('floor-taken', share('bob'));
    takeFloorDuringAnswer();
    await sharing;
    expect(room.publicationsOf('bob')).toEqual([]);
    await eventually('its producer is closed', async () => (await producers()) === 0);
  });

  it('ends such a screen, and nothing else, of a connection that carries more', async () => {
    const bob = await newPeer();
    await bob.send({ video: 160 });
    room.openStream('bob', 'own');
    const own: OfferedPart = { use: 'publish', mids: ['0'], sources: { video: 'camera' }, stream: 'own' };
    const { sdp, connection } = await conference.negotiate('bob', { sdp: await bob.offer(), purpose: 't1' }, [own]);
    await bob.take(sdp);
    await bob.send({ video: 320 });
    room.openStream('bob', 'shared');
    const shared: OfferedPart = { use: 'publish', mids: ['1'], sources: { video: 'screen' }, stream: 'shared' };
    takeFloorDuringAnswer();
    await conference.negotiateAgain('bob', connection.id, await bob.offer(), [own, shared]);
    expect(room.publicationsOf('bob').map(({ source }) => source)).toEqual(['camera']);
    expect(room.isOpenStream('shared')).toBe(false);
    await eventually('its producer is closed', async () => (await producers()) === 1);
  });
});

describe('a view that the media node offers', () => {
  async function offer(peer: Peer, watched = 'ada', sources?: readonly ('microphone' | 'camera' | 'screen')[]) {
    const wanted = { watched: { participant: watched, ...(sources && { sources }) }, kinds: BOTH, purpose: `view ${watched}` };
    const { sdp, connection } = await conference.offerView('bob', wanted);
    return { answer: await peer.answer(sdp), connection };
  }

  it('shows what is published before and after it was answered, and what takes its place, without another offer', async () => {
    await publish('ada', { audio: true, video: 160 });
    const bob = await newPeer();
    const { answer, connection } = await offer(bob);
    expect(room.viewsBy('bob')).toEqual([]);
    await publish('ada', { audio: true, video: 240 });
    const established = await conference.completeView('bob', connection.id, answer);
    expect(established).toMatchObject({ id: connection.id, isEstablished: true, direction: 'receive' });
    await Promise.all([bob.seesMore('0'), bob.seesMore('1')]);
    expect((await bob.received('1')).width).toBe(240);
    await publish('ada', { video: 200 });
    await eventually('the new picture is shown', async () => (await bob.received('1')).width === 200);
    expect(notices).toContainEqual(expect.objectContaining({ type: 'view-changed', participantId: 'bob' }));
  });

  it('ends with whoever is watched, of which its participant is told', async () => {
    const bob = await newPeer();
    const { answer, connection } = await offer(bob);
    await conference.completeView('bob', connection.id, answer);
    await report('view ada');
    expect(notices).toMatchObject([{ type: 'connection-changed', connection: { id: connection.id, state: 'connected' } }]);
    room.leave('ada', 'left');
    expect(notices.slice(1)).toMatchObject([
      { type: 'connection-closed', participantId: 'bob', connection: { id: connection.id, purpose: 'view ada' } },
    ]);
    expect(room.connectionsOf('bob')).toEqual([]);
  });

  it('is of a screen only, where that is wanted', async () => {
    await publish('ada', { audio: true, video: 160 });
    const bob = await newPeer();
    const { answer, connection } = await offer(bob, 'ada', ['screen']);
    await conference.completeView('bob', connection.id, answer);
    expect(room.viewsBy('bob')[0]?.sections.map(({ publicationId }) => publicationId)).toEqual([null, null]);
    await publish('ada', { video: 240 }, 'screen', 'screen');
    await bob.seesMore('1');
    expect((await bob.received('1')).width).toBe(240);
    expect((await bob.received('0')).audioPackets).toBe(0);
  });

  it('takes one answer, from the participant to whom it was offered, and a bad one spoils nothing', async () => {
    const { answer, connection } = await offer(await newPeer());
    await refused('superseded', conference.completeView('eve', connection.id, answer));
    await refused('superseded', conference.completeView('bob', 'nothing', answer));
    await refused('invalid-media-parameters', conference.completeView('bob', connection.id, 'nonsense'));
    await conference.completeView('bob', connection.id, answer);
    await refused('superseded', conference.completeView('bob', connection.id, answer));
  });

  it('is worth nothing when the watched has left meanwhile, a newer one was offered, or there is nobody', async () => {
    const first = await offer(await newPeer());
    const second = await offer(await newPeer());
    await refused('superseded', conference.completeView('bob', first.connection.id, first.answer));
    room.leave('ada', 'left');
    await refused('superseded', conference.completeView('bob', second.connection.id, second.answer));
    await refused('participant-not-found', conference.offerView('bob', { watched: { participant: 'ada' }, kinds: BOTH, purpose: 'view' }));
    await eventually('nothing is left on the media node', async () => (await media.call('inspectRoom', {}, {})).transports === 0);
  });
});

describe('a connection that is negotiated again and again', () => {
  const own: OfferedPart = { use: 'publish', mids: ['0', '1'], sources: { audio: 'microphone', video: 'camera' } };
  const camera: OfferedPart = { use: 'view', mids: ['2', '3'], watched: { participant: 'ada', sources: ['microphone', 'camera'] } };
  const screen: OfferedPart = { use: 'view', mids: ['4'], watched: { participant: 'ada', sources: ['screen'] } };

  async function first(peer: Peer, parts: OfferedPart[] = [own]) {
    await peer.send({ audio: true, video: 160 });
    await peer.prefer('opus', 'VP8');
    const answered = await conference.negotiate('bob', { sdp: await peer.offer(), purpose: 't1' }, parts);
    await peer.take(answered.sdp);
    return answered;
  }

  async function again(peer: Peer, id: string, parts: OfferedPart[]) {
    await peer.prefer('opus', 'VP8');
    const answered = await conference.negotiateAgain('bob', id, await peer.offer(), parts);
    await peer.take(answered.sdp);
    return answered;
  }

  const directions = ({ sections }: { sections: readonly { direction: string }[] }) => sections.map(({ direction }) => direction);

  it('publishes, views a camera and a screen of the same participant, and ends each by itself', async () => {
    await publish('ada', { audio: true, video: 200 });
    await publish('ada', { video: 240 }, 'screen', 'screen');
    const bob = await newPeer();
    const { connection } = await first(bob);
    const published = room.publicationsOf('bob');
    expect(published.map(({ source }) => source)).toEqual(['microphone', 'camera']);

    await bob.receive('audio', 'video');
    await again(bob, connection.id, [own, camera]);
    await bob.receive('video');
    expect(directions(await again(bob, connection.id, [own, camera, screen]))).toEqual([
      'recvonly',
      'recvonly',
      'sendonly',
      'sendonly',
      'sendonly',
    ]);
    expect(room.publicationsOf('bob')).toEqual(published);
    await Promise.all(['2', '3', '4'].map((mid) => bob.seesMore(mid)));
    expect([(await bob.received('3')).width, (await bob.received('4')).width]).toEqual([200, 240]);
    expect(new Set(Object.values(await bob.streamIds()).flat()).size).toBe(2);

    room.endViews(connection.id, ['2', '3']);
    await eventually('only the screen is sent', async () => (await media.call('inspectRoom', {}, {})).consumers === 1);
    room.unpublish('bob', 'camera');
    expect(directions(await again(bob, connection.id, [{ ...own, mids: ['0'] }, screen]))).toEqual([
      'recvonly',
      'inactive',
      'inactive',
      'inactive',
      'sendonly',
    ]);
    expect(room.publicationsOf('bob')).toEqual(published.slice(0, 1));
    await bob.seesMore('4');
    const eve = await newPeer();
    await eve.receive('audio');
    const viewed = await conference.viewByOffer('eve', { participant: 'bob' }, { sdp: await eve.offer(), purpose: 'view' });
    await eve.take(viewed.sdp);
    await eve.seesMore('0');

    await bob.receive('audio');
    const once: OfferedPart = { use: 'view', mids: ['5'], watched: { participant: 'ada', sources: ['microphone'] } };
    await again(bob, connection.id, [{ ...own, mids: ['0'] }, screen, once]);
    await bob.seesMore('5');
    const last = await again(bob, connection.id, [own, camera, screen]);
    expect(directions(last)[3]).toBe('sendonly');
    // What was inactive for a while has not lost its estimate of the bandwidth.
    expect(last.sdp.match(/^a=extmap:\d+ .*transport-wide-cc/gmu)).toHaveLength(2);
    await Promise.all(['2', '3', '4'].map((mid) => bob.seesMore(mid)));
  });

  it('stays when somebody who was viewed leaves, and what was viewed becomes inactive', async () => {
    await publish('ada', { audio: true, video: 200 });
    const bob = await newPeer();
    await bob.send({ audio: true, video: 160 });
    await bob.receive('audio', 'video');
    const { sdp, connection } = await conference.negotiate('bob', { sdp: await bob.offer(), purpose: 't1' }, [own, camera]);
    await bob.take(sdp);
    await bob.seesMore('3');
    room.leave('ada', 'left');
    expect(room.connection(connection.id)?.isEstablished).toBe(true);
    expect(notices.filter(({ type }) => type === 'connection-closed')).toEqual([]);
    await refused('participant-not-found', conference.negotiateAgain('bob', connection.id, await bob.offer(), [own, camera]));
    expect(directions(await again(bob, connection.id, [own]))).toEqual(['recvonly', 'recvonly', 'inactive', 'inactive']);
    expect(room.publicationsOf('bob')).toHaveLength(2);
  });

  it('answers a part inactive whose participant leaves while the media node works', async () => {
    await publish('ada', { audio: true, video: 200 });
    const bob = await newPeer();
    await bob.send({ audio: true, video: 160 });
    await bob.receive('audio', 'video');
    const working = conference.negotiate('bob', { sdp: await bob.offer(), purpose: 't1' }, [own, camera]);
    room.leave('ada', 'left');
    expect(directions(await working).slice(0, 2)).toEqual(['recvonly', 'recvonly']);
    expect(room.viewsBy('bob')).toEqual([]);
  });

  it('stays as it was when an offer cannot be answered, and answers only the newest of several', async () => {
    const bob = await newPeer();
    const { connection } = await first(bob);
    const published = room.publicationsOf('bob');
    await refused('invalid-media-parameters', conference.negotiateAgain('bob', connection.id, 'nonsense', [own]));
    await refused('superseded', conference.negotiateAgain('eve', connection.id, offerOf('chromium-156-sendonly'), [own]));
    expect(room.publicationsOf('bob')).toEqual(published);
    const sdp = await bob.offer({ iceRestart: true });
    const [older, newer] = await Promise.allSettled([
      conference.negotiateAgain('bob', connection.id, sdp, [own]),
      conference.negotiateAgain('bob', connection.id, sdp, [own]),
    ]);
    expect(older).toMatchObject({ status: 'rejected', reason: { reason: 'superseded' } });
    if (newer.status === 'rejected') throw newer.reason as Error;
    await bob.take(newer.value.sdp);
    await bob.connected();
    expect(room.publicationsOf('bob')).toEqual(published);
    room.closeConnection(connection.id);
    await refused('superseded', conference.negotiateAgain('bob', connection.id, sdp, [own]));
    expect(room.publicationsOf('bob')).toEqual([]);
  });

  it('pauses one section for its participant only, through new negotiations and replaced pictures', async () => {
    await publish('ada', { audio: true, video: 200 });
    const [bob, eve] = [await newPeer(), await newPeer()];
    const views: OfferedPart = { use: 'view', watched: { participant: 'ada' } };
    const negotiated: string[] = [];
    for (const [id, peer] of [
      ['bob', bob],
      ['eve', eve],
    ] as const) {
      await peer.receive('audio', 'video');
      const { sdp, connection } = await conference.negotiate(id, { sdp: await peer.offer(), purpose: 't1' }, [views]);
      await peer.take(sdp);
      negotiated.push(connection.id);
    }
    const [connection = ''] = negotiated;
    await Promise.all([bob.seesMore('1'), eve.seesMore('1')]);
    expect(room.setSectionPaused(connection, '9', true)).toBe(false);
    expect(room.setSectionPaused(connection, '1', true)).toBe(true);
    await publish('ada', { audio: true, video: 240 });
    await again(bob, connection, [views]);
    await Promise.all([bob.seesMore('0'), eve.seesMore('1')]);
    expect((await eve.received('1')).width).toBe(240);
    expect((await bob.received('1')).width).not.toBe(240);
    room.setSectionPaused(connection, '1', false);
    await eventually('it goes on', async () => (await bob.received('1')).width === 240);
  });
});
