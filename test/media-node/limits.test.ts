/** What may flow: caps that a real Chromium keeps to, layers and pauses of sections, and many of them in one call. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { bitrateOf } from '../../media-node/sfu/incoming-limit.ts';
import { eventually } from '../harness/eventually.ts';
import { Studio } from './support/studio.ts';
import { expectRefused } from './support/refusals.ts';
import type { Peer, SentTracks } from './sdp/support/peer.ts';

const studio = Studio.forThisFile();

async function publish(connection: string, tracks: SentTracks): Promise<string[]> {
  const peer = await studio.newPeer();
  await peer.send(tracks);
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'publish' as const }] };
  const { sdp, sections } = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body });
  await peer.take(sdp);
  return sections.flatMap(({ producer }) => producer ?? []);
}

async function view(connection: string, producers: string[]): Promise<Peer> {
  const peer = await studio.newPeer();
  await peer.receive('video');
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'view' as const, stream: 'S', producers }] };
  await peer.take((await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body })).sdp);
  return peer;
}

async function bitrateOfProducer(producer: string): Promise<number> {
  const stats = await studio.client.call('producerStats', { path: { ...studio.path, producer } });
  return stats.reduce((total, { bitrate }) => total + Number(bitrate), 0);
}

describe('caps', () => {
  test('a connection sends no more than it may, and more again when the cap is lifted', async () => {
    const [video = ''] = await publish('sender', { video: 640, noise: true });
    await eventually('it sends a lot', async () => (await bitrateOfProducer(video)) > 400_000, 30_000);
    const limit = (body: { maxIncomingBitrate?: number }) =>
      studio.client.call('setLimits', { path: studio.path, body: { connections: [{ connection: 'sender', ...body }] } });
    expect(await limit({ maxIncomingBitrate: 150_000 })).toEqual({ skipped: [] });
    await eventually('it keeps to the cap', async () => (await bitrateOfProducer(video)) < 200_000, 15_000);
    await limit({});
    await eventually('it sends a lot again', async () => (await bitrateOfProducer(video)) > 400_000, 30_000);
  });

  test('a cap for everybody holds for those who come later', async () => {
    await studio.client.call('setLimits', { path: studio.path, body: { everyConnection: { maxVideoBitrate: 120_000 } } });
    const [video = ''] = await publish('late', { video: 640, noise: true });
    await sleep(5_000);
    const rates: number[] = [];
    for (let sample = 0; sample < 10; sample += 1) {
      rates.push(await bitrateOfProducer(video));
      await sleep(200);
    }
    expect(Math.min(...rates)).toBeGreaterThan(40_000);
    expect(Math.max(...rates)).toBeLessThan(200_000);
  });

  test('the sum of what each producer may send, or less', () => {
    const [audio, video] = [{ kind: 'audio', type: 'simple' } as const, { kind: 'video', type: 'simple' } as const];
    expect(bitrateOf({}, [audio, video])).toBe(0);
    expect(bitrateOf({ maxIncomingBitrate: 1_000_000 }, [])).toBe(1_000_000);
    expect(bitrateOf({ maxVideoBitrate: 500_000 }, [audio, video, video])).toBe(1_128_000);
    expect(bitrateOf({ maxAudioBitrate: 32_000, maxVideoBitrate: 500_000 }, [audio, video])).toBe(532_000);
    expect(bitrateOf({ maxAudioBitrate: 32_000 }, [audio, video])).toBe(0);
    expect(bitrateOf({ maxAudioBitrate: 32_000, maxIncomingBitrate: 900_000 }, [audio, video])).toBe(900_000);
    expect(bitrateOf({ maxVideoBitrate: 500_000, maxIncomingBitrate: 300_000 }, [video])).toBe(300_000);
    const layered = { kind: 'video', type: 'simulcast' } as const;
    expect(bitrateOf({ maxVideoBitrate: 500_000 }, [audio, video, layered])).toBe(0);
    expect(bitrateOf({ maxVideoBitrate: 500_000, maxLayeredBitrate: 900_000 }, [audio, video, layered])).toBe(1_528_000);
    expect(bitrateOf({ maxVideoBitrate: 500_000, maxIncomingBitrate: 300_000 }, [layered])).toBe(300_000);
  });
});

describe('sections', () => {
  test('layers and pause hold for what is attached later; many are set in one call', async () => {
    const first = await publish('first', { video: 640, rids: ['l', 'h'] });
    const second = await publish('second', { video: 480, rids: ['l', 'h'] });
    const viewer = await view('viewer', first);
    const shows = (width: number) => eventually(`${width} is shown`, async () => (await viewer.received('0')).width === width, 20_000);
    await shows(640);
    const sections = [{ connection: 'viewer', mid: '0', spatialLayer: 0 }];
    expect(await studio.client.call('setLimits', { path: studio.path, body: { sections } })).toEqual({ skipped: [] });
    await shows(320);
    const section = { ...studio.path, connection: 'viewer', mid: '0' };
    await studio.client.call('attachProducer', { path: section, body: { producer: second[0] ?? '' } });
    await shows(240);
    await studio.client.call('setSectionLayers', { path: section, body: { spatialLayer: 1, temporalLayer: 2 } });
    await shows(480);
    await studio.client.call('setSectionPaused', { path: section, body: { paused: true } });
    await studio.client.call('attachProducer', { path: section, body: { producer: first[0] ?? '' } });
    const { framesDecoded } = await viewer.received('0');
    await sleep(1_000);
    expect((await viewer.received('0')).framesDecoded - framesDecoded).toBeLessThan(3);
    await studio.client.call('setSectionPaused', { path: section, body: { paused: false } });
    await viewer.seesMore('0');
  });

  test('what is not there is skipped, and the rest is set', async () => {
    const transport = (await studio.client.call('createTransport', { path: studio.path })).id;
    const { skipped } = await studio.client.call('setLimits', {
      path: studio.path,
      body: {
        connections: [{ connection: transport, maxIncomingBitrate: 100_000 }, { connection: 'gone' }],
        sections: [{ connection: 'gone', mid: '0', spatialLayer: 0 }],
        consumers: [{ consumer: 'gone', spatialLayer: 0 }],
      },
    });
    expect(skipped).toEqual([
      { connection: 'gone', reason: 'transport-not-found' },
      { connection: 'gone', mid: '0', reason: 'connection-not-found' },
      { consumer: 'gone', reason: 'consumer-not-found' },
    ]);
    const [stats] = await studio.client.call('transportStats', { path: { ...studio.path, transport } });
    expect(stats).toMatchObject({ maxIncomingBitrate: 100_000 });
  });

  test('bad input is refused and changes nothing', async () => {
    const section = { ...studio.path, connection: 'none', mid: '0' };
    await expectRefused(studio.client.call('setSectionLayers', { path: section, body: { spatialLayer: 0 } }), 'connection-not-found');
    await expectRefused(studio.client.call('setSectionLayers', { path: section, body: { spatialLayer: -1 } }), 'invalid-parameters');
    const limit = (maxIncomingBitrate: number) =>
      studio.client.call('setLimits', { path: studio.path, body: { everyConnection: { maxIncomingBitrate } } });
    for (const wrong of [0, -1, 9_999, 1.5, 1e12]) await expectRefused(limit(wrong), 'invalid-parameters');
    const { id: transport } = await studio.client.call('createTransport', { path: studio.path });
    const [stats] = await studio.client.call('transportStats', { path: { ...studio.path, transport } });
    expect(stats?.maxIncomingBitrate).toBeUndefined();
    await expectRefused(studio.client.call('setLimits', { path: { ...studio.path, generation: '2' }, body: {} }), 'stale-generation');
  });

  test('a whole room of 24 in one call', async () => {
    const sections = Array.from({ length: 24 * 23 }, (_, index) => ({
      connection: `${'c'.repeat(50)}-${index}`,
      mid: '0',
      spatialLayer: 1,
      temporalLayer: 1,
    }));
    expect((await studio.client.call('setLimits', { path: studio.path, body: { sections } })).skipped).toHaveLength(sections.length);
  });
});
