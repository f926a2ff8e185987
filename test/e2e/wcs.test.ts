import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { udpPortIn } from '../harness/by-way-of.ts';
import { lookAt } from '../harness/recorded.ts';
import { ThinLine } from '../harness/thin-line.ts';
import { type SdkVersion, type Streamer, VERSIONS, WcsSite } from './wcs-client/page.ts';
import { useWorld } from './world.ts';

const world = useWorld('wcs');
const open: Streamer[] = [];
let site: WcsSite;

beforeAll(async () => {
  site = await WcsSite.open();
});

afterEach(async () => {
  const complaints = open.flatMap((streamer) => streamer.complaints);
  await Promise.all(open.splice(0).map((streamer) => streamer.close()));
  expect(complaints).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function visit(version: SdkVersion): Promise<Streamer> {
  const streamer = await site.visit(world.browser, version);
  open.push(streamer);
  return streamer;
}

/** The address of the socket, with the room of this test. */
function socketUrl(): string {
  return `${world.stack.url.replace('http', 'ws')}/wcs/${encodeURIComponent(world.room())}`;
}

async function connected(version: SdkVersion = '2.0.276', url = socketUrl()): Promise<Streamer> {
  const streamer = await visit(version);
  await streamer.connect(url);
  expect(await streamer.sessionLog()).toEqual(['ESTABLISHED']);
  return streamer;
}

const MUTES = [
  ['muteAudio', 'audioMuted'],
  ['unmuteAudio', 'audioUnmuted'],
  ['muteVideo', 'videoMuted'],
  ['unmuteVideo', 'videoUnmuted'],
] as const;

describe.each(VERSIONS)('with the WebSDK %s', (version) => {
  it('a stream is published, played, muted, stopped and unpublished', async () => {
    const [ada, bob] = [await connected(version), await connected(version)];
    expect(await bob.available('cam')).toBe('Stream not found');
    await ada.publish('cam');
    await ada.logs('publish cam', 'PUBLISHING');
    expect(await bob.available('cam')).toBe('available');

    await bob.play('cam');
    await bob.logs('play cam', 'PLAYING');
    await bob.receives('play cam');

    for (const [method, event] of MUTES) {
      await ada.mute('publish cam', method);
      await bob.logs('play cam', event);
    }
    await ada.mute('publish cam', 'muteVideo');
    await bob.logs('play cam', 'videoMuted');
    await bob.play('cam', 'late');
    await bob.logs('late', 'RESIZE');
    expect(await bob.state('late')).toMatchObject({ audioMuted: false, videoMuted: true });
    await bob.stop('late');
    await bob.logs('late', 'STOPPED Stopped by user');
    await ada.mute('publish cam', 'unmuteVideo');
    await ada.sendData('publish cam', { slide: 7 });
    await bob.logs('play cam', 'data {"slide":7}');
    expect((await ada.log('publish cam')).filter((line) => !line.startsWith('P'))).toEqual([]);

    await bob.stop('play cam');
    await bob.logs('play cam', 'STOPPED Stopped by user');
    await bob.play('cam', 'again');
    await bob.receives('again');

    await ada.stop('publish cam');
    await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
    await bob.logs('again', 'FAILED Stopped by publisher stop');
    expect(await bob.available('cam')).toBe('Stream not found');
  });
});

it.each(VERSIONS)('sizes, rates and stills are real (WebSDK %s)', async (version) => {
  const [ada, bob] = [await connected(version), await connected(version)];
  await ada.publish('cam');
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.play('cam');
  await bob.receives('play cam');
  await bob.logs('play cam', 'RESIZE');
  await bob.logs('play cam', 'resize {"streamerVideoWidth":320,"streamerVideoHeight":240}');
  expect(await bob.state('play cam')).toMatchObject({ width: 320, height: 240 });

  for (const [one, message] of [
    [ada, 'inboundVideoRate'],
    [bob, 'outboundVideoRate'],
  ] as const) {
    await expect.poll(async () => (await one.received(message)).length, { timeout: 15_000 }).toBeGreaterThan(4);
    const rates = await one.received(message);
    expect(rates.at(-1)?.data).toMatchObject({ width: 320, height: 240, lostPackets: expect.any(Number) as number });
    for (const counter of ['videoRate', 'fps']) expect(Number(rates.at(-1)?.data[counter])).toBeGreaterThan(0);
    const seconds = ((rates.at(-1)?.at ?? 0) - (rates[0]?.at ?? 0)) / 1000 / (rates.length - 1);
    expect(seconds).toBeGreaterThan(0.8);
    expect(seconds).toBeLessThan(1.3);
  }
  expect((await bob.received('inboundVideoRate')).length + (await ada.received('outboundVideoRate')).length).toBe(0);
  expect(await bob.snapshot('cam')).toBe('320x240');
  expect(await bob.snapshot('nothing')).toBe('failed Stream not found');

  await bob.stop('play cam');
  await bob.logs('play cam', 'STOPPED Stopped by user');
  await ada.stop('publish cam');
  await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
  for (const one of [ada, bob]) {
    const final = (await one.received('notifyStreamStatusEvent')).at(-1);
    expect(final?.data).toMatchObject({ width: 320, height: 240 });
  }
});

it.each(VERSIONS)('another size of the picture is told while it is played, and shown (WebSDK %s)', async (version) => {
  const [ada, bob] = [await connected(version), await connected(version)];
  await ada.publish('cam', { noise: true, constraints: { audio: false, video: true } });
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.play('cam', 'first');
  await bob.logs('first', 'resize {"streamerVideoWidth":300,"streamerVideoHeight":150}');
  for (const [width, height] of [
    [480, 270],
    [160, 120],
  ] as const) {
    await ada.resizeNoise(width, height);
    await bob.logs('first', `resize {"streamerVideoWidth":${width},"streamerVideoHeight":${height}}`);
    expect(await bob.state('first')).toMatchObject({ status: 'PLAYING', width, height });
    await expect.poll(async () => (await bob.reception('first')).videoWidth, { timeout: 10_000 }).toBe(width);
    const told = (await bob.received('notifyVideoFormat')).at(-1)?.data;
    expect(told).toMatchObject({ streamerVideoWidth: width, streamerVideoHeight: height, status: 'RESIZE' });
  }
  expect((await bob.log('first')).filter((line) => line === 'RESIZE')).toHaveLength(3);
  // Whoever comes later knows no other size.
  await bob.play('cam', 'late');
  await bob.logs('late', 'RESIZE');
  expect(await bob.state('late')).toMatchObject({ width: 160, height: 120 });
  await ada.stop('publish cam');
  await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
  expect((await ada.received('notifyStreamStatusEvent')).at(-1)?.data).toMatchObject({ width: 160, height: 120 });
});

describe.each([
  ['webm', 'vp8', 'H264,VP9,AV1'],
  ['mp4', 'h264', 'VP8,VP9,AV1'],
])('a recorded stream (%s)', (extension, codec, stripCodecs) => {
  it.each(VERSIONS)('is named by the SDK when it is over, and its file is whole (WebSDK %s)', async (version) => {
    const ada = await connected(version);
    await ada.publish('cam', { record: true, stripCodecs });
    await ada.logs('publish cam', 'PUBLISHING');
    await sleep(4_000);
    await ada.stop('publish cam');
    await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
    const recordName = await ada.recordName('publish cam');
    expect(recordName).toMatch(new RegExp(String.raw`^stream-[\da-f-]{36}-.+\.${extension}$`, 'u'));
    const response = await fetch(`${world.stack.url}/client/records/${recordName}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, `video/${extension}`]);
    const { tracks, duration, frames } = await lookAt(Buffer.from(await response.arrayBuffer()));
    expect(tracks.map((track) => track.codec)).toEqual(['opus', codec]);
    expect(Math.abs((tracks[0]?.start ?? 0) - (tracks[1]?.start ?? 9))).toBeLessThan(0.1);
    expect(duration).toBeGreaterThan(3);
    expect(duration).toBeLessThan(8);
    // The browser's fake camera makes five pictures a second.
    expect(frames).toBeGreaterThan(12);
  });
});

it('a recorded stream whose PeerConnection is closed without a word has its file, too', async () => {
  const ada = await connected();
  await ada.publish('cam', { record: true });
  await ada.logs('publish cam', 'PUBLISHING');
  await sleep(2_000);
  await ada.page.evaluate(() => {
    for (const connection of window.probe.connections) connection.close();
  });
  await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
  const recordName = await ada.recordName('publish cam');
  const response = await fetch(`${world.stack.url}/client/records/${recordName}`);
  expect((await lookAt(Buffer.from(await response.arrayBuffer()))).frames).toBeGreaterThan(5);
});

it('a limit for the video is kept by the server', async () => {
  const rateWith = async (video: object): Promise<number> => {
    const ada = await connected();
    await ada.publish('cam', { noise: true, constraints: { audio: false, video } });
    await ada.logs('publish cam', 'PUBLISHING');
    await expect.poll(async () => (await ada.received('inboundVideoRate')).length, { timeout: 30_000 }).toBeGreaterThan(11);
    const rates = (await ada.received('inboundVideoRate')).slice(6).map(({ data }) => Number(data.videoRate));
    await ada.stop('publish cam');
    await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
    return Math.max(...rates);
  };
  // This one is left to the server; `maxBitrate` is what the SDK writes into the answer by itself, too.
  const [limited, free] = [await rateWith({ bitrate: 60 }), await rateWith({ width: 300 })];
  expect(limited).toBeLessThan(90_000);
  expect(free).toBeGreaterThan(1.5 * limited);
});

it.each(VERSIONS)('a player whose line is too thin is told so, and one whose line is wide enough is not (WebSDK %s)', async (version) => {
  const [ada, bob] = [await connected(version), await connected(version)];
  await ada.publish('cam', { noise: true, constraints: { audio: false, video: true } });
  await ada.logs('publish cam', 'PUBLISHING');
  const line = await ThinLine.open(udpPortIn(await ada.page.evaluate(() => window.probe.connections[0]?.remoteDescription?.sdp ?? '')));
  try {
    await bob.play('cam', 'thin', { line: line.port });
    await bob.play('cam', 'wide');
    for (const key of ['thin', 'wide']) {
      await expect.poll(async () => (await bob.reception(key)).framesDecoded, { timeout: 20_000 }).toBeGreaterThan(5);
    }
    expect((await bob.state('thin')).bandwidth).toEqual({ needed: -1, available: -1 });
    line.narrow(6_000);
    await bob.logs('thin', /^NOT_ENOUGH_BANDWIDTH \d+\/\d+$/u);
    if (version !== '2.0.180') await bob.logs('thin', /^notEnoughBandwidth \{"info":"\d+\/\d+"\}$/u);
    const { status, bandwidth } = await bob.state('thin');
    expect(status).toBe('PLAYING');
    expect(bandwidth.needed).toBeGreaterThan(40_000);
    expect(bandwidth.available).toBeLessThan(0.9 * bandwidth.needed);
    const rates = (await bob.received('outboundVideoRate')).map(({ data }) => data);
    for (const counter of ['nack', 'lostPackets']) expect(Math.max(...rates.map((rate) => Number(rate[counter])))).toBeGreaterThan(0);
    expect((await bob.log('wide')).filter((one) => /bandwidth/iu.test(one))).toEqual([]);
  } finally {
    line.close();
  }
});

it.each(VERSIONS)('of a stream of one kind, or of the one kind that a player wants, nothing else is told (WebSDK %s)', async (version) => {
  const [ada, bob] = [await connected(version), await connected(version)];
  await ada.publish('voice', { constraints: { audio: true, video: false } });
  await ada.publish('picture', { constraints: { audio: false, video: true } });
  await ada.publish('both');
  for (const name of ['voice', 'picture', 'both']) await ada.logs(`publish ${name}`, 'PUBLISHING');
  await bob.play('voice');
  await bob.play('picture');
  await bob.play('both', 'sound only', { constraints: { audio: true, video: false } });
  for (const key of ['play voice', 'play picture', 'sound only']) await bob.logs(key, 'PLAYING');
  const hears = (key: string) => expect.poll(async () => (await bob.reception(key)).audioPackets, { timeout: 10_000 }).toBeGreaterThan(50);
  await Promise.all([hears('play voice'), hears('sound only')]);
  await expect.poll(async () => (await bob.reception('play picture')).framesDecoded, { timeout: 10_000 }).toBeGreaterThan(5);
  for (const key of ['play voice', 'sound only']) {
    expect(await bob.reception(key)).toMatchObject({ framesDecoded: 0 });
    expect((await bob.log(key)).filter((line) => /resize/iu.test(line))).toEqual([]);
  }
  await bob.logs('play picture', 'RESIZE');
  const playing = (await bob.received('notifyStreamStatusEvent')).map(({ data: { name, hasAudio, hasVideo } }) => [
    name,
    hasAudio,
    hasVideo,
  ]);
  expect(playing).toEqual([
    ['voice', true, false],
    ['picture', false, true],
    ['both', true, false],
  ]);
});

it('members of one session play several streams, also their own, and one of them several times', async () => {
  const [ada, bob] = [await connected('2.0.276'), await connected('2.0.180')];
  await ada.publish('one');
  await bob.publish('two');
  await Promise.all([ada.logs('publish one', 'PUBLISHING'), bob.logs('publish two', 'PUBLISHING')]);
  await ada.play('one', 'own');
  await ada.play('two', 'first');
  await ada.play('two', 'second');
  await Promise.all([ada.receives('own'), ada.receives('first'), ada.receives('second')]);
  await ada.stop('first');
  await ada.logs('first', 'STOPPED Stopped by user');
  await ada.receives('second');
});

it('a name is used once, what is not there cannot be played, and the names are free again afterwards', async () => {
  const [ada, bob] = [await connected(), await connected()];
  await bob.play('cam');
  await bob.logs('play cam', 'FAILED Stream not found');
  await ada.publish('cam');
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.publish('cam');
  await bob.logs('publish cam', 'FAILED Stream name is already in use');
  await ada.stop('publish cam');
  await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
  await bob.publish('cam');
  await bob.logs('publish cam', 'PUBLISHING');
});

it('players of a publisher whose page is closed or killed are told, and play it again when it is back', async () => {
  const [ada, bob] = [await connected(), await connected()];
  await ada.publish('cam');
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.play('cam', 'first');
  await bob.receives('first');
  await ada.close();
  await bob.logs('first', 'FAILED Stopped by publisher stop');
  expect(await bob.sessionLog()).toEqual(['ESTABLISHED']);
  const again = await connected('2.0.180');
  await again.publish('cam');
  await again.logs('publish cam', 'PUBLISHING');
  await bob.play('cam', 'second');
  await bob.receives('second');
  const devtools = await again.page.context().newCDPSession(again.page);
  // The command is never answered: the page that should answer is gone.
  void devtools.send('Page.crash').catch(() => undefined);
  await bob.logs('second', 'FAILED Stopped by publisher stop');
});

it('a PeerConnection that is closed without a word ends its stream', async () => {
  const [ada, bob] = [await connected(), await connected()];
  await ada.publish('cam');
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.play('cam', 'first');
  await bob.play('cam', 'second');
  await Promise.all([bob.receives('first'), bob.receives('second')]);
  await bob.page.evaluate(() => {
    window.probe.connections[0]?.close();
  });
  await bob.logs('first', 'STOPPED Stopped by user');
  await ada.page.evaluate(() => {
    for (const connection of window.probe.connections) connection.close();
  });
  await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
  await bob.logs('second', 'FAILED Stopped by publisher stop');
});

it('addresses that name a stream and no room meet in the default room', async () => {
  const edge = world.stack.url.replace('http', 'ws');
  const [ada, bob] = [await connected('2.0.276', `${edge}/camera-1`), await connected('2.0.180', edge)];
  const named = await connected('2.0.276', `${edge}/?room=${encodeURIComponent(world.room())}`);
  await ada.publish('camera-1');
  await ada.logs('publish camera-1', 'PUBLISHING');
  await bob.play('camera-1');
  await bob.receives('play camera-1');
  expect(await named.available('camera-1')).toBe('Stream not found');
});

it('clients that no UDP reaches publish and play by TCP', async () => {
  const [ada, bob] = [await connected('2.0.180'), await connected('2.0.276')];
  await ada.publish('cam', { onlyTcp: true });
  await ada.logs('publish cam', 'PUBLISHING');
  await bob.play('cam', 'by TCP', { onlyTcp: true });
  await bob.receives('by TCP');
});

it.each(VERSIONS)('a session that is kept alive has its token again (WebSDK %s)', async (version) => {
  const ada = await visit(version);
  const token = async () => (await ada.received('getUserData')).at(-1)?.data.authToken;
  await ada.connect(socketUrl(), { keepAlive: true });
  const first = String(await token());
  await ada.disconnect();
  await ada.connect(socketUrl(), { keepAlive: true, authToken: first });
  expect(await token()).toBe(first);
  await ada.publish('cam');
  await ada.logs('publish cam', 'PUBLISHING');
});

it('data of the application itself is accepted', async () => {
  const ada = await connected();
  await ada.sendSessionData({ hello: 'server' });
});

it('a player that cannot decode what is published is told so', async () => {
  const [ada, bob] = [await connected(), await connected()];
  await ada.publish('h264', { stripCodecs: 'VP8,VP9,AV1' });
  await ada.logs('publish h264', 'PUBLISHING');
  await bob.play('h264', 'both');
  await bob.receives('both');
  await bob.play('h264', 'vp8 only', { stripCodecs: 'H264' });
  await bob.logs('vp8 only', 'FAILED No common codecs');
});

describe.each(VERSIONS)('the Room API of the WebSDK %s', (version) => {
  it('three members join, publish, play, write to each other and leave', async () => {
    const [ada, bob, eve] = [await visit(version), await visit(version), await visit('2.0.276')];
    const url = world.stack.url.replace('http', 'ws');
    const room = world.room();
    await ada.connectToRooms(url, 'ada');
    await ada.join(room);
    await ada.hears('STATE ');
    await bob.connectToRooms(url, 'bob');
    await bob.join(room);
    await bob.hears('STATE ada:0');
    await ada.hears('JOINED bob');

    await ada.publishInRoom();
    await ada.logs('own', 'PUBLISHING');
    await bob.hears('PUBLISHED ada');
    await eve.connectToRooms(url, 'eve');
    await eve.join(room);
    await eve.hears('STATE ada:1, bob:0');
    await bob.playFromRoom('ada', 'ada');
    await eve.playFromRoom('ada', 'ada');
    await Promise.all([bob.receives('ada'), eve.receives('ada')]);

    await bob.sendMessage('ada', 'for you only');
    await ada.hears('MESSAGE bob for you only');
    await eve.sendMessage('bob', 'hello');
    await bob.hears('MESSAGE eve hello');
    expect((await eve.roomLog()).filter((line) => line.startsWith('MESSAGE'))).toEqual([]);

    await ada.leave();
    await ada.logs('own', 'UNPUBLISHED Stopped by publisher stop');
    await Promise.all([bob.hears('LEFT ada'), eve.hears('LEFT ada')]);
    await Promise.all([bob.logs('ada', 'FAILED Stopped by publisher stop'), eve.logs('ada', 'FAILED Stopped by publisher stop')]);
    await bob.close();
    await eve.hears('LEFT bob');
    await ada.join(room);
    await ada.hears('STATE eve:0');
  });
});

it('a member that joins with `record` has recorded what others publish', async () => {
  const [ada, bob] = [await visit('2.0.276'), await visit('2.0.180')];
  for (const [one, login, record] of [
    [ada, 'ada', true],
    [bob, 'bob', undefined],
  ] as const) {
    await one.connectToRooms(world.stack.url.replace('http', 'ws'), login);
    await one.join(world.room(), record);
    await one.hears(login === 'ada' ? 'STATE ' : 'STATE ada:0');
  }
  await bob.publishInRoom();
  await bob.logs('own', 'PUBLISHING');
  await sleep(2_000);
  await bob.stop('own');
  await bob.logs('own', 'UNPUBLISHED Stopped by publisher stop');
  const { record, recordName } = (await bob.received('notifyStreamStatusEvent')).at(-1)?.data ?? {};
  expect([record, recordName]).toEqual([true, expect.stringMatching(/^stream-.*-bob\.webm$/u)]);
  const response = await fetch(`${world.stack.url}/client/records/${String(recordName)}`);
  expect((await lookAt(Buffer.from(await response.arrayBuffer()))).frames).toBeGreaterThan(5);
});

it('a login is in a room once', async () => {
  const [ada, other] = [await visit('2.0.276'), await visit('2.0.180')];
  const url = world.stack.url.replace('http', 'ws');
  for (const one of [ada, other]) await one.connectToRooms(url, 'ada');
  await ada.join(world.room());
  await ada.hears('STATE ');
  await other.join(world.room());
  await other.hears('FAILED This login is already in the room');
});

describe('with somebody at the meeting page', () => {
  it('a member of the Room API and the page see and hear each other', async () => {
    const grace = await world.enter('Grace');
    const ada = await visit('2.0.276');
    await ada.connectToRooms(world.stack.url.replace('http', 'ws'), 'ada');
    await ada.join(world.room());
    await expect.poll(() => ada.participants()).toEqual([expect.stringMatching(/^Grace.*:1$/u)]);
    const [graceId = ''] = (await ada.participants()).map((one) => one.replace(/:1$/u, ''));
    await ada.playFromRoom('grace', graceId);
    await ada.receives('grace');

    await ada.publishInRoom();
    await Promise.all([grace.sees('ada'), grace.hears('ada')]);
    await ada.mute('own', 'muteAudio');
    await grace.notices('ada', 'mic', 'off');
    await grace.press('toggle-mic');
    await ada.logs('grace', 'audioMuted');
    await grace.press('leave');
    await ada.hears(`LEFT ${graceId}`);
    await ada.logs('grace', 'FAILED Stopped by publisher stop');
  });

  it('a stream without the Room API is seen on the page; its players are nobody there', async () => {
    const grace = await world.enter('Grace');
    const [ada, bob] = [await connected(), await connected('2.0.180')];
    await ada.publish('cam');
    await grace.sees('stream-');
    await bob.play('cam');
    await bob.receives('play cam');
    expect(await grace.page.locator('.tile[data-self="false"]').count()).toBe(1);
    await ada.disconnect();
    await grace.loses('stream-');
  });
});
