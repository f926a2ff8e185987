/** A client that is connected and sends nothing. A real Chromium sends, and then does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import { expectRefused } from './support/refusals.ts';
import { Studio } from './support/studio.ts';

const studio = Studio.forThisFile();

async function publish(connection: string) {
  const peer = await studio.newPeer();
  await peer.send({ audio: true, video: 320 });
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'publish' as const }] };
  const { sdp, sections } = await studio.client.call('answerOffer', { path: { ...studio.path, connection }, body });
  await peer.take(sdp);
  await peer.connected();
  return { peer, producers: sections.flatMap(({ producer }) => producer ?? []) };
}

function expectMedia(transport: string, within: number) {
  return studio.client.call('expectMedia', { path: { ...studio.path, transport }, body: { within } });
}

/** The transports that were told to be silent, in order. */
function silent(): string[] {
  return studio.edge.eventsOf(studio.path.room).flatMap((event) => (event.type === 'media-missing' ? [event.transport] : []));
}

describe('expected media', () => {
  test('that stays away is told once, when both kinds have been silent for so long', async () => {
    const { peer } = await publish('sender');
    await expectMedia('sender', 2);
    await sleep(4_000);
    await peer.fallSilent('video');
    await sleep(4_000);
    expect(silent()).toEqual([]);
    await peer.fallSilent('audio');
    const since = Date.now();
    await eventually('the silence is told', () => Promise.resolve(silent().length > 0), 10_000);
    // The last packets, and the last look, were at most so long ago.
    expect(Date.now() - since).toBeGreaterThan(1_400);
    await sleep(3_000);
    expect(silent()).toEqual(['sender']);
    await expectMedia('sender', 1);
    await eventually('it is told again, when it is expected again', () => Promise.resolve(silent().length > 1), 5_000);
    expect(await peer.state()).toBe('connected');
  });

  test('is not expected while everything is paused, nor of who publishes nothing', async () => {
    const { peer, producers } = await publish('sender');
    for (const producer of producers) await studio.client.call('pauseProducer', { path: { ...studio.path, producer } });
    await peer.fallSilent('audio', 'video');
    const { id: idle } = await studio.client.call('createTransport', { path: studio.path });
    for (const transport of ['sender', idle]) await expectMedia(transport, 1);
    await sleep(3_000);
    expect(silent()).toEqual([]);
    await studio.client.call('resumeProducer', { path: { ...studio.path, producer: producers[0] ?? '' } });
    await eventually('the silence is told', () => Promise.resolve(silent().length > 0), 5_000);
    expect(silent()).toEqual(['sender']);
  });

  test('of what is not there, or for no time, is refused; what is closed is not told', async () => {
    await expectRefused(expectMedia('none', 5), 'transport-not-found');
    const { peer } = await publish('sender');
    for (const within of [0, 3601, 1.5]) await expectRefused(expectMedia('sender', within), 'invalid-parameters');
    await peer.fallSilent('audio', 'video');
    await expectMedia('sender', 1);
    await studio.client.call('closeConnection', { path: { ...studio.path, connection: 'sender' } });
    await sleep(2_500);
    expect(silent()).toEqual([]);
  });
});
