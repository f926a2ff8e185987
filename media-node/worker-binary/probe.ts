/**
 * Sends one RTP packet from a router through SRTP and a UDP socket to a second router, with the binary that the first argument
 * names. Ends with 0 when it arrives. A program of its own, because a binary that does not answer lets mediasoup wait for ever.
 */
import { once } from 'node:events';
import * as mediasoup from 'mediasoup';
import type { types } from 'mediasoup';

const SSRC = 1111;
const PAYLOAD_TYPE = 100;
const OPUS = { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, preferredPayloadType: PAYLOAD_TYPE } as const;

/** A fixed header (RFC 3550, section 5.1) with sequence number 1, and two bytes of payload. */
function rtpPacket(): Buffer {
  const packet = Buffer.alloc(14);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(PAYLOAD_TYPE, 1);
  packet.writeUInt16BE(1, 2);
  packet.writeUInt32BE(SSRC, 8);
  return packet;
}

async function produce(router: types.Router): Promise<types.Producer> {
  const transport = await router.createDirectTransport();
  return transport.produce({
    kind: 'audio',
    rtpParameters: {
      codecs: [{ mimeType: OPUS.mimeType, clockRate: OPUS.clockRate, channels: OPUS.channels, payloadType: PAYLOAD_TYPE }],
      encodings: [{ ssrc: SSRC }],
    },
  });
}

async function sendThrough(worker: types.Worker): Promise<void> {
  const [from, to] = await Promise.all([worker.createRouter({ mediaCodecs: [OPUS] }), worker.createRouter({ mediaCodecs: [OPUS] })]);
  const producer = await produce(from);
  // Ids are unique in a worker, so two routers of the same one cannot both have the producer's.
  const { pipeProducer } = await from.pipeToRouter({ producerId: producer.id, router: to, enableSrtp: true, keepId: false });
  if (pipeProducer === undefined) throw new Error('the producer was not piped');
  const receiver = await to.createDirectTransport();
  const consumer = await receiver.consume({ producerId: pipeProducer.id, rtpCapabilities: to.rtpCapabilities });
  const arrived = once(consumer, 'rtp');
  producer.send(rtpPacket());
  await arrived;
}

const [workerBin] = process.argv.slice(2);
if (workerBin === undefined) throw new Error('usage: probe.ts PATH_OF_MEDIASOUP_WORKER');
try {
  const worker = await mediasoup.createWorker({ workerBin });
  await sendThrough(worker);
  worker.close();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
