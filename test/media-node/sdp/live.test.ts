/** Real Chromium against a real media node: what the bridge negotiates has to end in pictures and sound. */
import { describe, expect, test } from 'vitest';
import type { BodyInputOf } from '../../../shared/media-api.ts';
import type { Description, SectionPlan } from '../../../shared/sdp.ts';
import { eventually } from '../../harness/eventually.ts';
import { Studio } from '../support/studio.ts';
import { expectRefused } from '../support/refusals.ts';
import type { Peer, SentTracks } from './support/peer.ts';

const studio = Studio.forThisFile();

let connections = 0;

async function newPeer(): Promise<{ peer: Peer; connection: string }> {
  const peer = await studio.newPeer();
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
  const answer = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body: { attempt, sdp, plan } });
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

function at(connection: string, mid: string) {
  return { path: { ...studio.path, connection, mid } };
}

function attach(connection: string, mid: string, producer: string) {
  return studio.client.call('attachProducer', { ...at(connection, mid), body: { producer } });
}

describe('the client offers', () => {
  test('what one publishes another sees and hears', async () => {
    const { producers } = await publish({ audio: true, video: 160 });
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

  test('a viewer may come before its publisher, and sees another producer, none, and one again without a new negotiation', async () => {
    const { peer, connection, answer } = await view('S', [], 'audio', 'video');
    expect(answer.sections.map(({ direction, producer }) => [direction, producer])).toEqual([
      ['sendonly', undefined],
      ['sendonly', undefined],
    ]);
    await peer.connected();

    const [audio = '', video = ''] = (await publish({ audio: true, video: 160 })).producers;
    expect(await attach(connection, '0', audio)).toMatchObject({ direction: 'sendonly', producer: audio, codec: 'opus' });
    expect(await attach(connection, '1', video)).toMatchObject({ direction: 'sendonly', producer: video, codec: 'VP8' });
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    expect((await peer.received('1')).width).toBe(160);

    const [screen = ''] = (await publish({ video: 240 })).producers;
    await attach(connection, '1', screen);
    await eventually('the other picture is shown', async () => (await peer.received('1')).width === 240);
    await peer.seesMore('1');
    expect((await studio.client.call('inspectRoom', { path: studio.path })).consumers).toBe(2);

    await studio.client.call('closeProducer', { path: { ...studio.path, producer: screen } });
    expect((await studio.client.call('inspectRoom', { path: studio.path })).consumers).toBe(1);
    await attach(connection, '1', video);
    await eventually('the first picture is shown again', async () => (await peer.received('1')).width === 160);
    await peer.seesMore('1');

    await studio.client.call('detachProducer', at(connection, '1'));
    expect((await studio.client.call('inspectRoom', { path: studio.path })).consumers).toBe(1);
    await attach(connection, '1', video);
    await peer.seesMore('1');
  });

  test('a client that offers to send and to receive publishes only', async () => {
    const { peer, producers } = await publish({ audio: true, video: 160, direction: 'sendrecv' });
    const viewer = await view('S', producers, 'audio', 'video');
    await Promise.all([viewer.peer.seesMore('0'), viewer.peer.seesMore('1')]);
    expect((await peer.received('1')).framesDecoded).toBe(0);
  });

  test('simulcast by rid is published, and a viewer gets one layer of it after another', async () => {
    const { producers } = await publish({ video: 640, rids: ['l', 'h'] });
    const viewer = await view('S', producers, 'video');
    const consumer = viewer.answer.sections[0]?.consumer ?? '';
    const shows = async (spatialLayer: number, width: number) => {
      await studio.client.call('setConsumerLayers', { path: { ...studio.path, consumer }, body: { spatialLayer } });
      await eventually(`layer ${spatialLayer} is shown`, async () => (await viewer.peer.received('0')).width === width, 20_000);
    };
    await shows(0, 320);
    await shows(1, 640);
    await viewer.peer.seesMore('0');
  });

  test('simulcast by ssrc group, as older clients write it into their offer, is published too', async () => {
    const { peer, connection } = await newPeer();
    await peer.send({ video: 640 });
    const sdp = await peer.offer({}, withLayers);
    const answer = await studio.client.call('answerOffer', {
      path: { ...studio.path, connection },
      body: { attempt: 1, sdp, plan: [{ use: 'publish' }] },
    });
    await peer.take(answer.sdp);
    const producer = answer.sections[0]?.producer ?? '';
    await eventually(
      'both layers are sent',
      async () => {
        const stats = await studio.client.call('producerStats', { path: { ...studio.path, producer } });
        return stats.filter(({ type, packetCount }) => type === 'inbound-rtp' && Number(packetCount) > 0).length === 2;
      },
      40_000,
    );
    const viewer = await view('S', [producer], 'video');
    await viewer.peer.seesMore('0');
  });

  test('one connection publishes, watches several others, and stops watching one', async () => {
    const [one, another] = await Promise.all([publish({ audio: true, video: 200 }), publish({ audio: true, video: 240 })]);
    const { peer, connection } = await newPeer();
    const publishing: SectionPlan = { use: 'publish', mids: ['0', '1'] };
    await peer.send({ audio: true, video: 160 });
    await peer.prefer('opus', 'VP8');
    const first = await negotiate(peer, connection, 1, [publishing]);
    const own = first.sections.map(({ producer }) => producer);

    await peer.receive('audio', 'video');
    await peer.prefer('opus', 'VP8');
    const watchFirst: SectionPlan = { use: 'view', mids: ['2', '3'], stream: 'first', producers: one.producers };
    const second = await negotiate(peer, connection, 2, [publishing, watchFirst]);
    expect(second.sections.slice(0, 2).map(({ producer }) => producer)).toEqual(own);
    await Promise.all([peer.seesMore('2'), peer.seesMore('3')]);

    await peer.receive('audio', 'video');
    await peer.prefer('opus', 'VP8');
    const watchSecond: SectionPlan = { use: 'view', mids: ['4', '5'], stream: 'second', producers: another.producers };
    const third = await negotiate(peer, connection, 3, [publishing, watchFirst, watchSecond]);
    expect(third.sections.map(({ direction }) => direction)).toEqual([
      'recvonly',
      'recvonly',
      'sendonly',
      'sendonly',
      'sendonly',
      'sendonly',
    ]);
    expect(third.sections.slice(0, 4).map(({ producer, consumer }) => [producer, consumer])).toEqual(
      second.sections.map(({ producer, consumer }) => [producer, consumer]),
    );
    await Promise.all(['2', '3', '4', '5'].map((mid) => peer.seesMore(mid)));
    expect((await peer.received('3')).width).toBe(200);
    expect((await peer.received('5')).width).toBe(240);
    expect(await peer.streamIds()).toEqual({ 0: [], 1: [], 2: ['first'], 3: ['first'], 4: ['second'], 5: ['second'] });
    await expectRefused(attach(connection, '5', one.producers[1] ?? ''), 'needs-negotiation');

    const fourth = await negotiate(peer, connection, 4, [publishing, watchSecond]);
    expect(fourth.sections.map(({ direction }) => direction)).toEqual([
      'recvonly',
      'recvonly',
      'inactive',
      'inactive',
      'sendonly',
      'sendonly',
    ]);
    await Promise.all([peer.seesMore('4'), peer.seesMore('5')]);
    expect(await studio.client.call('inspectRoom', { path: studio.path })).toEqual({ transports: 3, producers: 6, consumers: 2 });
    const viewer = await view(
      'S',
      own.flatMap((producer) => producer ?? []),
      'audio',
      'video',
    );
    await Promise.all([viewer.peer.seesMore('0'), viewer.peer.seesMore('1')]);
  });

  test('an ICE restart gets new credentials and media goes on', async () => {
    const { producers } = await publish({ audio: true, video: 160 });
    const { peer, connection, answer } = await view('S', producers, 'audio', 'video');
    await peer.seesMore('1');
    const again = await negotiate(peer, connection, 2, [{ use: 'view', stream: 'S', producers }], { iceRestart: true });
    const password = (sdp: string) => /^a=ice-pwd:(.*)$/mu.exec(sdp)?.[1];
    expect(password(again.sdp)).not.toBe(password(answer.sdp));
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    const third = await negotiate(peer, connection, 3, [{ use: 'view', stream: 'S', producers }]);
    expect(password(third.sdp)).toBe(password(again.sdp));
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
  });
});

describe('the media node offers', () => {
  async function newReceiver() {
    const { peer, connection } = await newPeer();
    const object = { path: { ...studio.path, connection } };
    const offer = async (attempt: number, feeds: BodyInputOf<'createOffer'>['feeds']) => {
      const { sdp } = await studio.client.call('createOffer', { ...object, body: { attempt, feeds } });
      const answer = await peer.answer(sdp);
      return (await studio.client.call('completeOffer', { ...object, body: { attempt, sdp: answer } })).sections;
    };
    return { peer, connection, offer };
  }

  test('a second feed is added and removed again', async () => {
    const [camera, screen] = await Promise.all([publish({ audio: true, video: 160 }), publish({ video: 240 })]);
    const { peer, offer } = await newReceiver();
    const first = { stream: 'camera', producers: camera.producers };
    const second = { stream: 'screen', producers: screen.producers };
    expect((await offer(1, [first])).map(({ mid, kind, direction }) => [mid, kind, direction])).toEqual([
      ['0', 'audio', 'sendonly'],
      ['1', 'video', 'sendonly'],
    ]);
    await Promise.all([peer.seesMore('0'), peer.seesMore('1')]);
    expect(await peer.streamIds()).toEqual({ 0: ['camera'], 1: ['camera'] });

    expect(await offer(2, [first, second])).toHaveLength(3);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
    expect((await peer.received('2')).width).toBe(240);
    expect(await peer.streamIds()).toEqual({ 0: ['camera'], 1: ['camera'], 2: ['screen'] });

    expect((await offer(3, [second])).map(({ direction }) => direction)).toEqual(['inactive', 'inactive', 'sendonly']);
    await peer.seesMore('2');
    expect((await studio.client.call('inspectRoom', { path: studio.path })).consumers).toBe(1);

    expect((await offer(4, [second, first])).map(({ mid, direction }) => [mid, direction])).toEqual([
      ['0', 'sendonly'],
      ['1', 'sendonly'],
      ['2', 'sendonly'],
    ]);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
    expect((await peer.received('1')).width).toBe(160);
  });

  test('a feed may be offered before it is published; producers come and go in several feeds without a new offer', async () => {
    const { peer, connection, offer } = await newReceiver();
    await offer(1, [
      { stream: 'one', kinds: ['audio', 'video'] },
      { stream: 'two', kinds: ['video'] },
    ]);
    await peer.connected();
    const [audio = '', small = ''] = (await publish({ audio: true, video: 160 })).producers;
    const [large = ''] = (await publish({ video: 240 })).producers;
    await Promise.all([attach(connection, '0', audio), attach(connection, '1', small), attach(connection, '2', large)]);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
    expect([(await peer.received('1')).width, (await peer.received('2')).width]).toEqual([160, 240]);

    await attach(connection, '1', large);
    await attach(connection, '2', small);
    await eventually('the pictures have changed places', async () => {
      return (await peer.received('1')).width === 240 && (await peer.received('2')).width === 160;
    });
    await studio.client.call('closeProducer', { path: { ...studio.path, producer: large } });
    await attach(connection, '1', small);
    await eventually('the picture is shown twice', async () => (await peer.received('1')).width === 160);
    await Promise.all(['0', '1', '2'].map((mid) => peer.seesMore(mid)));
  });

  test('a section can be paused, and stays so whatever is attached to it', async () => {
    const [first = ''] = (await publish({ video: 160 })).producers;
    const [second = ''] = (await publish({ video: 240 })).producers;
    const { peer, connection, offer } = await newReceiver();
    const other = await view('S', [first], 'video');
    const pause = (paused: boolean, name = connection) => studio.client.call('setSectionPaused', { ...at(name, '0'), body: { paused } });
    await offer(1, [{ stream: 'one', producers: [first] }]);
    await Promise.all([peer.seesMore('0'), other.peer.seesMore('0')]);
    await pause(true);
    await attach(connection, '0', second);
    const { framesDecoded } = await peer.received('0');
    await other.peer.seesMore('0');
    expect((await peer.received('0')).width).toBe(160);
    expect((await peer.received('0')).framesDecoded).toBeLessThan(framesDecoded + 3);
    await pause(false);
    await eventually('the other picture is shown', async () => (await peer.received('0')).width === 240);
    await pause(true, other.connection);
    await pause(false, other.connection);
    await Promise.all([peer.seesMore('0'), other.peer.seesMore('0')]);
  });
});

/** Writes a second layer into an offer of one picture. */
function withLayers(sdp: string): string {
  const [, ssrc = '', rtx = ''] = /^a=ssrc-group:FID (\d+) (\d+)/mu.exec(sdp) ?? [];
  const lines = [...sdp.matchAll(/^a=ssrc:(\d+) (.*)\r\n/gmu)];
  const next = (text: string) => String(Number(text) + 1);
  const more = lines.map(([, id = '', rest = '']) => `a=ssrc:${next(id)} ${rest}\r\n`).join('');
  return `${sdp}${more}a=ssrc-group:FID ${next(ssrc)} ${next(rtx)}\r\na=ssrc-group:SIM ${ssrc} ${next(ssrc)}\r\n`;
}

/** An offer as a browser makes it that numbers codecs like Firefox. */
function likeFirefox(sdp: string): string {
  const numbers = new Map([
    ['111', '109'],
    ['96', '120'],
    ['97', '124'],
    ['109', '111'],
    ['120', '96'],
    ['124', '97'],
  ]);
  return sdp
    .split('\r\n')
    .map((line) => {
      if (line.startsWith('m=')) {
        const [kind = '', port = '', protocol = '', ...formats] = line.split(' ');
        return [kind, port, protocol, ...formats.map((format) => numbers.get(format) ?? format)].join(' ');
      }
      const renumbered = line.replace(
        /^(a=(?:rtpmap|fmtp|rtcp-fb):)(\d+)/u,
        (_, name: string, format: string) => name + (numbers.get(format) ?? format),
      );
      return renumbered.replace(/apt=(\d+)/u, (_, format: string) => `apt=${numbers.get(format) ?? format}`);
    })
    .join('\r\n');
}

describe('payload types of another browser', () => {
  test('pictures and sound arrive with the numbers of the offer, both ways', async () => {
    const { producers } = await publish({ audio: true, video: 200 });
    const { peer, connection } = await newPeer();
    await peer.send({ audio: true, video: 160 });
    await peer.receive('audio', 'video');
    const sdp = await peer.offer({}, likeFirefox);
    const plan: SectionPlan[] = [
      { use: 'publish', mids: ['0', '1'] },
      { use: 'view', stream: 'S', producers },
    ];
    const answer = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body: { attempt: 1, sdp, plan } });
    await peer.take(answer.sdp);
    await Promise.all([peer.seesMore('2'), peer.seesMore('3')]);
    expect(await peer.received('2')).toMatchObject({ payloadType: 109 });
    expect(await peer.received('3')).toMatchObject({ payloadType: 120, width: 200 });
    const own = answer.sections.slice(0, 2).flatMap(({ producer }) => producer ?? []);
    const viewer = await view('S', own, 'audio', 'video');
    await Promise.all([viewer.peer.seesMore('0'), viewer.peer.seesMore('1')]);
    expect(await viewer.peer.received('1')).toMatchObject({ payloadType: 96, width: 160 });
  });
});
