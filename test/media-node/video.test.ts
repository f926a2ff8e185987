/** What the media node knows of pictures: their size, their flow, and how they look. A real Chromium sends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { describe, expect, test } from 'vitest';
import type { MediaEvent } from '../../shared/media-api.ts';
import { byWayOf, udpPortIn } from '../harness/by-way-of.ts';
import { eventually } from '../harness/eventually.ts';
import { ThinLine } from '../harness/thin-line.ts';
import { freshRoom, startTestNode } from './support/node.ts';
import { Studio } from './support/studio.ts';
import { opus } from './support/parameters.ts';
import { expectRefused } from './support/refusals.ts';
import type { SentTracks } from './sdp/support/peer.ts';

const studio = Studio.forThisFile();

async function publish(connection: string, tracks: SentTracks, codec?: string) {
  const peer = await studio.newPeer();
  await peer.send(tracks);
  if (codec !== undefined) await peer.prefer(codec, 'opus');
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'publish' as const }] };
  const { sdp, sections } = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body });
  await peer.take(sdp);
  const producers = sections.flatMap(({ producer }) => producer ?? []);
  return { peer, producers, producer: producers.at(-1) ?? '', codec: sections.at(-1)?.codec };
}

async function view(connection: string, producers: string[], edit = (sdp: string) => Promise.resolve(sdp)) {
  const peer = await studio.newPeer();
  await peer.receive('video');
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'view' as const, stream: 'S', producers }] };
  const { sdp, sections } = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body });
  await peer.take(await edit(sdp));
  return { peer, consumer: sections[0]?.consumer ?? '' };
}

function eventsOf<Type extends MediaEvent['type']>(type: Type): Extract<MediaEvent, { type: Type }>[] {
  return studio.edge.eventsOf(studio.path.room).filter((event): event is Extract<MediaEvent, { type: Type }> => event.type === type);
}

function sizesOf(producer: string): string[] {
  return eventsOf('video-format').flatMap((event) => (event.producer === producer ? [`${event.width}x${event.height}`] : []));
}

describe('picture sizes', () => {
  test.each(['VP8', 'VP9', 'H264', 'AV1'])('of %s: told when known and when it changes, once each', async (name) => {
    const { peer, producer, codec } = await publish('sender', { video: 320 }, name);
    expect(codec).toBe(name);
    await eventually('the size is known', () => Promise.resolve(sizesOf(producer).length > 0), 10_000);
    expect(sizesOf(producer)).toEqual(['320x180']);
    await peer.resize(480);
    await eventually('the new size is known', () => Promise.resolve(sizesOf(producer).length > 1), 15_000);
    await sleep(1_000);
    expect(sizesOf(producer)).toEqual(['320x180', '480x270']);
  });

  test('of simulcast: the highest layer', async () => {
    const { producer } = await publish('sender', { video: 640, rids: ['l', 'h'] });
    await eventually('the size is known', () => Promise.resolve(sizesOf(producer).includes('640x360')), 20_000);
    await sleep(4_000);
    expect(eventsOf('video-format').at(-1)).toMatchObject({ producer, width: 640, height: 360, layer: 1 });
  });

  test('looking does not make the client send key frame after key frame', async () => {
    const { producer } = await publish('sender', { video: 640, rids: ['l', 'h'] });
    await eventually('the size is known', () => Promise.resolve(sizesOf(producer).length > 0), 10_000);
    await sleep(6_000);
    const requests = async () => {
      const stats = await studio.client.call('producerStats', { path: { ...studio.path, producer } });
      return stats.reduce((sum, { pliCount, firCount }) => sum + Number(pliCount) + Number(firCount), 0);
    };
    const before = await requests();
    await sleep(8_000);
    expect((await requests()) - before).toBe(0);
  });
});

describe('statistics', () => {
  test('of a producer, a consumer and a section: once a second, with real numbers, until nobody wants them', async () => {
    const { producer } = await publish('sender', { audio: true, video: 320, noise: true });
    const { peer, consumer } = await view('viewer', [producer]);
    await peer.seesMore('0');
    const section = { ...studio.path, connection: 'viewer', mid: '0' };
    await studio.client.call('watchProducer', { path: { ...studio.path, producer } });
    await studio.client.call('watchConsumer', { path: { ...studio.path, consumer } });
    await studio.client.call('watchSection', { path: section });
    await studio.client.call('watchSection', { path: section });
    await eventually('there are some', () => Promise.resolve(eventsOf('statistics').length >= 4), 10_000);
    const last = eventsOf('statistics').at(-1);
    expect(last?.producers).toEqual([expect.objectContaining({ producer, kind: 'video', width: 320, height: 180 })]);
    expect(last?.consumers).toEqual([
      expect.objectContaining({ consumer, producer, width: 320, height: 180 }),
      expect.objectContaining({ consumer, producer, connection: 'viewer', mid: '0' }),
    ]);
    for (const one of [...(last?.producers ?? []), ...(last?.consumers ?? [])]) {
      expect(one.bitrate).toBeGreaterThan(20_000);
      expect(one.frameRate).toBeGreaterThan(3);
      expect(one.frameRate).toBeLessThan(20);
      expect(one.pliCount).toBeGreaterThanOrEqual(0);
    }
    await studio.client.call('unwatchProducer', { path: { ...studio.path, producer } });
    await studio.client.call('unwatchConsumer', { path: { ...studio.path, consumer } });
    await studio.client.call('unwatchSection', { path: section });
    const count = eventsOf('statistics').length;
    await sleep(2_500);
    expect(eventsOf('statistics').length).toBeLessThanOrEqual(count + 1);
  });

  test('a section tells about what is in it, and about nothing while it is empty', async () => {
    const first = await publish('first', { video: 320 });
    const second = await publish('second', { video: 480 });
    const { peer } = await view('viewer', [first.producer]);
    await peer.seesMore('0');
    const section = { ...studio.path, connection: 'viewer', mid: '0' };
    await studio.client.call('watchSection', { path: section });
    const producersTold = () => new Set(eventsOf('statistics').flatMap(({ consumers }) => consumers.map(({ producer }) => producer)));
    await eventually('the first is told', () => Promise.resolve(producersTold().has(first.producer)));
    await studio.client.call('attachProducer', { path: section, body: { producer: second.producer } });
    await eventually('the second is told', () => Promise.resolve(producersTold().has(second.producer)));
    await studio.client.call('closeProducer', { path: { ...studio.path, producer: second.producer } });
    await sleep(1_200);
    const count = eventsOf('statistics').length;
    await sleep(2_000);
    expect(eventsOf('statistics').length).toBe(count);
    await studio.client.call('closeConnection', { path: { ...studio.path, connection: 'viewer' } });
    await expectRefused(studio.client.call('watchSection', { path: section }), 'connection-not-found');
  });

  test('of a line that is too thin: how much of what is sent gets through', async () => {
    const { producer } = await publish('sender', { video: 640, noise: true });
    let line: ThinLine | undefined;
    const { peer, consumer } = await view('viewer', [producer], async (sdp) => {
      line = await ThinLine.open(udpPortIn(sdp));
      return byWayOf(line.port, sdp);
    });
    await peer.seesMore('0');
    await studio.client.call('watchConsumer', { path: { ...studio.path, consumer } });
    const told = () => eventsOf('statistics').at(-1)?.consumers[0];
    await eventually('much is sent', () => Promise.resolve((told()?.sourceBitrate ?? 0) > 400_000), 30_000);
    const before = { sent: told()?.packetsSent ?? 0, lost: told()?.packetsLost ?? 0 };
    expect(before.sent).toBeGreaterThan(100);
    expect(before.lost).toBe(0);
    line?.narrow(25_000);
    await sleep(8_000);
    const { packetsSent = 0, packetsLost = 0 } = told() ?? {};
    // At least a half is too much for it.
    expect((packetsLost - before.lost) / (packetsSent - before.sent)).toBeGreaterThan(0.2);
    line?.close();
  });

  test('a lower layer of simulcast has its own size', async () => {
    const { producer } = await publish('sender', { video: 640, rids: ['l', 'h'] });
    const { peer, consumer } = await view('viewer', [producer]);
    await studio.client.call('setConsumerLayers', { path: { ...studio.path, consumer }, body: { spatialLayer: 0 } });
    await eventually('the lower layer is shown', async () => (await peer.received('0')).width === 320, 15_000);
    // Ten pictures a second are sent; those of the lowest temporal layer alone are two and a half.
    const { framesDecoded } = await peer.received('0');
    await sleep(3_000);
    expect((await peer.received('0')).framesDecoded - framesDecoded).toBeGreaterThan(12);
    await studio.client.call('watchConsumer', { path: { ...studio.path, consumer } });
    const told = () => eventsOf('statistics').at(-1)?.consumers[0];
    await eventually('its size is told', () => Promise.resolve(told()?.width === 320), 15_000);
    expect(told()?.height).toBe(180);
  });

  test('many that close while they are measured are no errors', async () => {
    const { producer } = await publish('sender', { video: 320 });
    const { rtpCapabilities } = await studio.client.call('openRoom', { path: studio.path });
    for (let round = 0; round < 20; round += 1) {
      const { id: transport } = await studio.client.call('createTransport', { path: studio.path });
      const made = await Promise.all(
        Array.from({ length: 5 }, () =>
          studio.client.call('createConsumer', { path: studio.path, body: { transport, producer, rtpCapabilities } }),
        ),
      );
      await Promise.all(made.map(({ id }) => studio.client.call('watchConsumer', { path: { ...studio.path, consumer: id } })));
      await sleep(120);
      await studio.client.call('closeTransport', { path: { ...studio.path, transport } });
    }
    expect((await studio.client.call('inspectRoom', { path: studio.path })).consumers).toBe(0);
    await sleep(500);
    const count = eventsOf('statistics').length;
    await sleep(1_500);
    expect(eventsOf('statistics').length).toBe(count);
  });

  test('what is not there, and too much', async () => {
    await expectRefused(studio.client.call('watchProducer', { path: { ...studio.path, producer: 'none' } }), 'producer-not-found');
    await expectRefused(studio.client.call('watchConsumer', { path: { ...studio.path, consumer: 'none' } }), 'consumer-not-found');
    await expectRefused(
      studio.client.call('watchSection', { path: { ...studio.path, connection: 'none', mid: '0' } }),
      'connection-not-found',
    );
    expect(await studio.client.call('unwatchProducer', { path: { ...studio.path, producer: 'none' } })).toEqual({});
    const { id: transport } = await studio.client.call('createTransport', { path: studio.path });
    const watch = async () => {
      const { id } = await studio.client.call('createProducer', {
        path: studio.path,
        body: { transport, kind: 'audio', rtpParameters: opus() },
      });
      await studio.client.call('watchProducer', { path: { ...studio.path, producer: id } });
    };
    for (let i = 0; i < 200; i += 1) await watch();
    await expectRefused(watch(), 'overloaded');
    await eventually('all of them are told', () => Promise.resolve(eventsOf('statistics').at(-1)?.producers.length === 200));
  });
});

describe('snapshots', () => {
  async function pictureOf(producer: string) {
    const image = await loadImage(Buffer.from(await studio.client.call('snapshot', { path: { ...studio.path, producer } })));
    const context = createCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const at = (x: number, y: number) => [...context.getImageData(x, y, 1, 1).data];
    return { width: image.width, height: image.height, at };
  }

  test.each(['VP8', 'VP9', 'H264', 'AV1'])('of %s', async (name) => {
    const { producer } = await publish('sender', { video: 320 }, name);
    await eventually('something is sent', () => Promise.resolve(sizesOf(producer).length > 0), 10_000);
    const { width, height, at } = await pictureOf(producer);
    expect([width, height]).toEqual([320, 180]);
    const [red = 0, green = 0, blue = 0] = at(160, 150);
    // The picture is CSS green, 0 128 0, after a lossy codec.
    expect([red, blue].every((value) => value < 40) && Math.abs(green - 128) < 30).toBe(true);
  });

  test('of simulcast: the highest layer', async () => {
    const { producer } = await publish('sender', { video: 640, rids: ['l', 'h'] });
    await eventually('the size is known', () => Promise.resolve(sizesOf(producer).includes('640x360')), 20_000);
    expect((await pictureOf(producer)).width).toBe(640);
  });

  test('of what sends no pictures there is none', async () => {
    const { id: transport } = await studio.client.call('createTransport', { path: studio.path });
    const { id: audio } = await studio.client.call('createProducer', {
      path: studio.path,
      body: { transport, kind: 'audio', rtpParameters: opus() },
    });
    await expectRefused(studio.client.call('snapshot', { path: { ...studio.path, producer: audio } }), 'invalid-parameters');
    await expectRefused(studio.client.call('snapshot', { path: { ...studio.path, producer: 'none' } }), 'producer-not-found');
    const { producer } = await publish('sender', { video: 320 });
    await studio.client.call('pauseProducer', { path: { ...studio.path, producer } });
    await expectRefused(studio.client.call('snapshot', { path: { ...studio.path, producer } }), 'no-picture');
    const waiting = expectRefused(studio.client.call('snapshot', { path: { ...studio.path, producer } }), 'producer-not-found');
    await sleep(200);
    await studio.client.call('closeProducer', { path: { ...studio.path, producer } });
    await waiting;
  });

  test('without ffmpeg the refusal says what to install', async () => {
    const bare = await startTestNode({ FFMPEG_BIN: '/nowhere/ffmpeg' });
    const elsewhere = freshRoom();
    await bare.client.call('openRoom', { path: elsewhere });
    const peer = await studio.newPeer();
    await peer.send({ video: 320 });
    const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'publish' as const }] };
    const { sdp, sections } = await bare.client.call('answerOffer', { path: { ...elsewhere, connection: 'sender' }, body });
    await peer.take(sdp);
    const order = bare.client.call('snapshot', { path: { ...elsewhere, producer: sections[0]?.producer ?? '' } });
    expect((await expectRefused(order, 'missing-program')).message).toContain("install Debian's package ffmpeg");
    await bare.close();
  });
});
