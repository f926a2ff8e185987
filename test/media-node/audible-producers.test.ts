/** Real packets through a real SFU process: a direct transport takes them from this test instead of from a network. */
import { createWorker } from 'mediasoup';
import type { types } from 'mediasoup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { AudibleProducers } from '../../media-node/sfu/audible-producers.ts';
import type { AudioLevels } from '../../media-node/sfu/audible-producers.ts';
import { routerCodecs } from '../../media-node/sfu/codecs.ts';
import { probeWorkerBinary } from '../../media-node/sfu/worker-probe.ts';

const LEVEL_EXTENSION = { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 } as const;

let worker: types.Worker;
let transport: types.DirectTransport;
let audible: AudibleProducers;
beforeAll(async () => {
  worker = await createWorker({ workerBin: await probeWorkerBinary(undefined, 5_000) });
  const router = await worker.createRouter({ mediaCodecs: routerCodecs() });
  transport = await router.createDirectTransport();
  audible = await AudibleProducers.create(router);
});
afterAll(() => {
  worker.close();
});

/** Starts to speak with this volume (dBov, RFC 6464); the result stops it. */
async function speak(ssrc: number, volume: number): Promise<{ id: string; stop: () => void }> {
  const producer = await transport.produce({
    kind: 'audio',
    rtpParameters: {
      mid: String(ssrc),
      codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 }],
      headerExtensions: [LEVEL_EXTENSION],
      encodings: [{ ssrc }],
    },
  });
  await audible.add(producer.id);
  let sequence = 0;
  const timer = setInterval(() => {
    producer.send(packet(ssrc, (sequence += 1), volume));
  }, 20);
  return {
    id: producer.id,
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** An RTP packet (RFC 3550) with an audio level in a one-byte header extension (RFC 8285). */
function packet(ssrc: number, sequence: number, volume: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.set([0x90, 111]);
  bytes.writeUInt16BE(sequence, 2);
  bytes.writeUInt32BE(sequence * 960, 4);
  bytes.writeUInt32BE(ssrc, 8);
  bytes.writeUInt16BE(0xbede, 12);
  bytes.writeUInt16BE(1, 14);
  bytes.set([LEVEL_EXTENSION.id << 4, 0x80 | -volume], 16);
  bytes.set([0xf8, 0xff, 0xfe, 0], 20);
  return bytes;
}

test('only changes of the set of audible producers are told', async () => {
  const changes: AudioLevels[] = [];
  audible.on('change', (levels) => changes.push(levels));
  const until = async (count: number) => {
    for (let i = 0; i < 500 && changes.length < count; i += 1) await sleep(20);
    expect(changes).toHaveLength(count);
  };

  const quiet = await speak(1, -90);
  const loud = await speak(2, -20);
  await until(1);
  expect(changes[0]).toEqual([{ producer: loud.id, volume: -20 }]);

  await sleep(2_000); // Several intervals in which levels are measured and nothing changes.
  expect(changes).toHaveLength(1);

  const louder = await speak(3, -10);
  await until(2);
  expect(changes[1]?.map(({ producer }) => producer).sort()).toEqual([loud.id, louder.id].sort());

  louder.stop();
  loud.stop();
  while (changes.at(-1)?.length !== 0) await until(changes.length + 1);
  quiet.stop();
});
