import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Edge } from '../../harness/edge.ts';
import { startTestMediaNode } from '../../harness/media-node.ts';
import { Peer } from '../../harness/peer.ts';
import { freePort } from '../../harness/ports.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { offer } from '../group-call/offers.ts';
import { Attendee } from '../mediasoup-http/attendee.ts';
import { Caller, type CallerOptions, requestOf } from './caller.ts';
import { MediaGate } from './media-gate.ts';

let stack: Stack;
let room: string;
let count = 0;
const open: Caller[] = [];

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `w-streams-${++count}`;
});

afterEach(() => {
  for (const caller of open.splice(0)) caller.close();
});

async function connected(connection: CallerOptions['connection'] = {}): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, { path: `/wcs/${room}`, connection });
  open.push(caller);
  await caller.next('getUserData');
  await caller.next('getVersion');
  return caller;
}

/** Every field of a status event; `rest` are those that differ. */
function statusEvent(mediaSessionId: string, rest: object): object {
  return {
    mediaSessionId,
    name: 'cam',
    published: true,
    hasVideo: true,
    hasAudio: true,
    status: 'PUBLISHING',
    audioCodec: 'opus',
    videoCodec: 'VP8',
    record: false,
    width: 0,
    height: 0,
    bitrate: 0,
    minBitrate: 0,
    maxBitrate: 0,
    quality: 0,
    createDate: expect.any(Number) as number,
    streamInfo: {
      nodeId: null,
      appKey: null,
      sessionId: null,
      mediaSessionId,
      name: 'cam',
      samplingTime: null,
      recordTimestamp: null,
      recordStarted: false,
    },
    mediaProvider: 'WebRTC',
    ...rest,
  };
}

const STOPPED = { published: false, status: 'STOPPED', info: 'Stopped by user' };
const UNPUBLISHED = { status: 'UNPUBLISHED', info: 'Stopped by publisher stop' };
const PUBLISHER_STOPPED = { published: false, status: 'FAILED', info: 'Stopped by publisher stop' };
const UNMUTED = { audioState: { muted: false }, videoState: { muted: false } };

describe('a stream', () => {
  it('has every field in every status event, and the same date in all of them', async () => {
    const [ada, bob] = [await connected(), await connected()];
    const before = Date.now();
    const published = await ada.stream('publish', 'cam');
    const publishing = await ada.status(published);
    expect(publishing).toEqual(statusEvent(published, {}));
    const created = Number(publishing.createDate);
    expect(created).toBeGreaterThanOrEqual(before);
    expect(created).toBeLessThanOrEqual(Date.now());

    const played = await bob.stream('play', 'cam', { width: '640', height: '480', quality: 50 });
    expect(await bob.next('notifyAudioCodec')).toEqual([played, { name: 'opus' }]);
    const playing = await bob.status(played);
    expect(playing).toEqual(statusEvent(played, { published: false, status: 'PLAYING', quality: 50, ...UNMUTED }));
    bob.say('stopStream', { mediaSessionId: played, name: 'cam', published: false, status: 'PLAYING', record: false });
    expect(await bob.status(played)).toEqual(statusEvent(played, { ...STOPPED, quality: 50, createDate: playing.createDate }));

    ada.say('unPublishStream', { mediaSessionId: published, name: 'cam', published: true, status: 'PUBLISHING', record: false });
    expect(await ada.status(published)).toEqual(statusEvent(published, { ...UNPUBLISHED, createDate: created }));
    // Clients close their PeerConnections at once: nothing more is said about the stream.
    await ada.hangUp(published);
    expect(await ada.settled()).toEqual([]);
    expect(await bob.settled()).toEqual([]);
  });

  it('of one kind has that kind only', async () => {
    const ada = await connected();
    const id = crypto.randomUUID();
    const [audio = ''] = offer('sendonly').split('m=video');
    ada.say('publishStream', { ...requestOf('publish', 'voice', id, audio.replace('BUNDLE 0 1', 'BUNDLE 0')), hasVideo: false });
    await ada.next('setRemoteSDP');
    ada.say('unPublishStream', { mediaSessionId: id });
    expect(await ada.status(id)).toMatchObject({ hasAudio: true, hasVideo: false, audioCodec: 'opus' });
  });

  it('that ends tells each of its players, each by its own id, and one session may have several', async () => {
    const [ada, bob, eve] = [await connected(), await connected(), await connected()];
    const published = await ada.publish('cam');
    const players = [await bob.play('cam'), await bob.play('cam')];
    const [other, own] = [await eve.play('cam'), await ada.play('cam')];
    ada.say('unPublishStream', { mediaSessionId: published });
    for (const id of players) expect(await bob.status(id)).toEqual(statusEvent(id, PUBLISHER_STOPPED));
    expect(await eve.status(other)).toMatchObject(PUBLISHER_STOPPED);
    expect(await ada.status(own)).toMatchObject(PUBLISHER_STOPPED);
  });

  it('ends with the socket of its client, however that ends', async () => {
    const bob = await connected();
    for (const way of ['close', 'cut'] as const) {
      const ada = await connected();
      await ada.publish('cam');
      const played = await bob.play('cam');
      ada[way]();
      expect(await bob.status(played)).toMatchObject(PUBLISHER_STOPPED);
    }
    expect(bob.closed).toBeUndefined();
  });

  it('whose media is lost has failed, and its client may publish it again', { timeout: 60_000 }, async () => {
    const [ada, bob] = [await connected(), await connected()];
    const published = await ada.publish('cam');
    const played = await bob.play('cam');
    // This library closes without a word.
    await ada.hangUp(published);
    expect(await ada.status(published)).toMatchObject({ status: 'FAILED', info: 'Failed by ICE keep alive' });
    expect(await bob.status(played)).toMatchObject(PUBLISHER_STOPPED);
    await ada.publish('cam');
    // Whoever has lost a connection and given it up is not taken for vanished.
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    expect(ada.closed).toBeUndefined();
    expect(await bob.play('cam')).toBeTruthy();
  });

  it('whose media does not come up in 15 s has failed, and its name is free', { timeout: 40_000 }, async () => {
    const [ada, bob] = [await connected(), await connected()];
    const [published, played] = [crypto.randomUUID(), crypto.randomUUID()];
    ada.say('publishStream', requestOf('publish', 'cam', published, offer('sendonly')));
    await ada.next('setRemoteSDP');
    bob.say('playStream', requestOf('play', 'cam', played, offer('recvonly')));
    expect(await bob.status(played)).toMatchObject({ status: 'FAILED', info: 'Publish stream is not ready' });
    bob.say('availableStream', { mediaSessionId: played, name: 'cam' });
    expect(await bob.next('availableStream')).toEqual([{ status: 'false', id: played, info: 'Publish stream is not ready' }]);
    const since = Date.now();
    expect(await ada.status(published)).toMatchObject({ status: 'FAILED', info: 'Failed by ICE timeout' });
    expect(Date.now() - since).toBeGreaterThan(13_000);
    await bob.publish('cam');
  });

  it.each(['publish', 'play'] as const)('of a client that is not who it said has failed (%s), and its name is free', async (kind) => {
    const [ada, bob] = [await connected(), await connected()];
    if (kind === 'play') await bob.publish('cam');
    const [peer, id] = [new Peer(), crypto.randomUUID()];
    const sdp = await peer.offer(kind === 'publish' ? 'sendonly' : 'recvonly', ['audio', 'video']);
    const forged = sdp.replaceAll(/^(a=fingerprint:sha-256 )..:../gmu, '$100:00');
    ada.say(`${kind}Stream`, requestOf(kind, 'cam', id, forged));
    const [, answer] = await ada.next('setRemoteSDP');
    await peer.take(String(answer));
    expect(await ada.status(id)).toMatchObject({ published: kind === 'publish', status: 'FAILED', info: 'Failed by DTLS error' });
    await peer.close();
    await (kind === 'publish' ? ada.publish('cam') : ada.play('cam'));
  });

  it('is reserved from the first word on', async () => {
    const [ada, bob] = [await connected(), await connected()];
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
    ada.say('publishStream', requestOf('publish', 'cam', first, offer('sendonly')));
    await ada.next('setRemoteSDP');
    bob.say('publishStream', requestOf('publish', 'cam', second, offer('sendonly')));
    expect(await bob.status(second)).toMatchObject({ published: true, status: 'FAILED', info: 'Stream name is already in use' });
    ada.say('unPublishStream', { mediaSessionId: first });
    expect(await ada.status(first)).toMatchObject(UNPUBLISHED);
    await bob.publish('cam');
  });

  it('keeps a publisher’s H264, and a player without it is told so', async () => {
    const [ada, bob] = [await connected(), await connected()];
    const h264 = (direction: 'sendonly' | 'recvonly') =>
      offer(direction).replace(
        'a=rtpmap:96 VP8/90000',
        'a=rtpmap:96 H264/90000\r\na=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
      );
    const id = crypto.randomUUID();
    ada.say('publishStream', requestOf('publish', 'cam', id, h264('sendonly')));
    const [, answer] = await ada.next('setRemoteSDP');
    expect(String(answer)).toContain('H264/90000');
    ada.say('unPublishStream', { mediaSessionId: id });
    expect(await ada.status(id)).toMatchObject({ ...UNPUBLISHED, videoCodec: 'H264' });
    const published = await bob.publish('vp8');
    const played = crypto.randomUUID();
    ada.say('playStream', requestOf('play', 'vp8', played, h264('recvonly')));
    expect(await ada.status(played)).toMatchObject({ status: 'FAILED', info: 'No common codecs' });
    bob.say('unPublishStream', { mediaSessionId: published });
    expect(await bob.status(published)).toMatchObject(UNPUBLISHED);
  });
});

describe('stream events', () => {
  it('reach every player by its own id, not the publisher, and later players learn what is muted', async () => {
    const [ada, bob] = [await connected(), await connected()];
    const published = await ada.publish('cam');
    const [one, two] = [await bob.play('cam'), await bob.play('cam')];
    for (const type of ['audioMuted', 'videoMuted', 'audioUnmuted']) {
      ada.say('sendStreamEvent', { mediaSessionId: published, type });
      for (const mediaSessionId of [one, two]) {
        expect(await bob.next('notifyStreamEvent')).toEqual([{ mediaSessionId, type }]);
      }
    }
    ada.say('sendStreamEvent', { mediaSessionId: published, type: 'data', payload: { any: ['thing', 1] } });
    for (const mediaSessionId of [one, two]) {
      expect(await bob.next('notifyStreamEvent')).toEqual([{ mediaSessionId, type: 'data', payload: { any: ['thing', 1] } }]);
    }
    const late = await bob.stream('play', 'cam');
    expect(await bob.status(late)).toMatchObject({ status: 'PLAYING', audioState: { muted: false }, videoState: { muted: true } });
    expect(await ada.settled()).toEqual([]);
  });

  it('of others, of players and about nothing are passed over', async () => {
    const [ada, bob] = [await connected(), await connected()];
    const published = await ada.publish('cam');
    const played = await bob.play('cam');
    await bob.settled();
    bob.say('sendStreamEvent', { mediaSessionId: published, type: 'audioMuted' });
    bob.say('sendStreamEvent', { mediaSessionId: played, type: 'audioMuted' });
    bob.say('unPublishStream', { mediaSessionId: published });
    bob.say('stopStream', { mediaSessionId: 'nothing' });
    ada.say('sendStreamEvent', { mediaSessionId: published, type: 'somersault' });
    expect(await bob.settled()).toEqual([]);
    expect(await ada.settled()).toEqual([]);
    bob.say('availableStream', { mediaSessionId: 'any', name: 'cam' });
    expect(await bob.next('availableStream')).toEqual([{ status: 'true', id: 'any' }]);
  });
});

describe('members of other protocols', () => {
  it('see what is published and muted; what they publish has a name that contains the room’s', async () => {
    const eve = new Attendee(stack.edge.url, room, 'eve@example.test');
    await eve.join();
    const ada = await connected({ custom: { login: 'ada' } });
    await ada.settled();
    expect(eve.notifications).toEqual([]);
    const id = await ada.publish('cam');
    const joined = (await eve.next('userJoined')) as { user: string };
    expect(joined).toEqual({ user: expect.stringMatching(/^ada-[\da-f]{8}$/u) as string, producers: [] });
    ada.say('sendStreamEvent', { mediaSessionId: id, type: 'videoMuted' });
    expect(await eve.next('producerPaused')).toEqual({ user: joined.user, type: 'webcam' });
    ada.close();
    expect(await eve.next('userLeft')).toEqual({ user: joined.user });
    eve.leave();
  });
});

it('when the media node has lost everything, clients are closed with a code to come back with', async () => {
  const [ada, bob] = [await connected(), await connected()];
  await ada.publish('cam');
  await bob.play('cam');
  const [pid] = stack.mediaNode.workerPids();
  if (pid === undefined) throw new Error('the media node has no SFU process');
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => ada.closed?.code, { timeout: 10_000 }).toBe(1012);
  await expect.poll(() => stack.mediaNode.workerPids().filter((one) => one !== pid).length, { timeout: 10_000 }).toBe(1);
  const again = await connected();
  await again.publish('cam');
});

it('a report that comes late is no reason to give a stream up that is connected', { timeout: 60_000 }, async () => {
  // Events of the media node go through a gate.
  const gate = await MediaGate.open();
  const mediaNode = await startTestMediaNode(gate.url);
  const edge = await Edge.start({ port: await freePort(), mediaNodeUrl: mediaNode.url });
  gate.target = edge.url;
  try {
    const ada = await Caller.open(edge.url);
    open.push(ada);
    await ada.next('getVersion');
    let letThrough = (): void => undefined;
    gate.opened = new Promise((resolve) => {
      letThrough = resolve;
    });
    const id = await ada.stream('publish', 'cam');
    await new Promise((resolve) => setTimeout(resolve, 17_000));
    expect(ada.messages.filter(({ message }) => message === 'notifyStreamStatusEvent')).toEqual([]);
    letThrough();
    expect(await ada.status(id)).toMatchObject({ status: 'PUBLISHING' });
    ada.say('unPublishStream', { mediaSessionId: id });
    expect(await ada.status(id)).toMatchObject(UNPUBLISHED);
  } finally {
    gate.close();
    await Promise.all([edge.stop(), mediaNode.close()]);
  }
});
