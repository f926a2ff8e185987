/** A client that is no browser and numbers codecs like Firefox: it really gets RTP with its numbers, and can read what is in it. */
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, Vp8RtpPayload } from 'werift';
import type { RtpPacket } from 'werift';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SectionInfo } from '../../../shared/sdp.ts';
import { eventually } from '../../harness/eventually.ts';
import { freshRoom, startTestNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { PeerBrowser } from './support/peer.ts';

const WIDTH = 320;

let t: TestNode;
let chromium: PeerBrowser;
let path: { room: string; generation: string };
let published: SectionInfo[];
beforeAll(async () => {
  [t, chromium] = await Promise.all([startTestNode(), PeerBrowser.chromium()]);
  path = freshRoom();
  await t.client.call('openRoom', { path });
  const peer = await chromium.peer();
  await peer.send({ audio: true, video: WIDTH });
  const sdp = await peer.offer();
  const answer = await answerOffer('publisher', sdp, { use: 'publish' });
  published = answer.sections;
  await peer.take(answer.sdp);
  await peer.connected();
});
afterAll(async () => {
  await chromium.close();
  await t.close();
});

function answerOffer(connection: string, sdp: string, part: { use: 'publish' } | { use: 'view'; stream: string; producers: string[] }) {
  return t.client.call('answerOffer', { path: { ...path, connection }, body: { attempt: 1, sdp, plan: [part] } });
}

function producersOf(sections: readonly SectionInfo[]): string[] {
  return sections.flatMap(({ producer }) => producer ?? []);
}

/** Numbers as in `firefox-style-recvonly.sdp`. */
function firefoxLike(): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers: [],
    codecs: {
      audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 109 })],
      video: [
        new RTCRtpCodecParameters({
          mimeType: 'video/VP8',
          clockRate: 90_000,
          payloadType: 120,
          rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'goog-remb' }],
        }),
      ],
    },
  });
}

/**
 * All RTP of a connection, after it was decrypted. Not what its tracks get: unlike browsers, this library finds the track of a packet by an
 * announced ssrc only, and never by the payload type.
 */
function onRtp(peer: RTCPeerConnection, callback: (packet: RtpPacket) => void): void {
  for (const transport of peer.dtlsTransports) transport.onRtp.subscribe(callback);
}

/** The size that a VP8 key frame says it has (RFC 6386, section 9.1); `undefined` for other packets. */
function keyFrameWidth(packet: RtpPacket): number | undefined {
  const { isKeyframe, isPartitionHead, payload } = Vp8RtpPayload.deSerialize(packet.payload);
  if (!isKeyframe || !isPartitionHead || payload.subarray(3, 6).toString('hex') !== '9d012a') return undefined;
  return payload.readUInt16LE(6) % 2 ** 14;
}

test('Opus 109 and VP8 120 arrive and are what was sent', async () => {
  const peer = firefoxLike();
  const packets: RtpPacket[] = [];
  peer.addTransceiver('audio', { direction: 'recvonly' });
  peer.addTransceiver('video', { direction: 'recvonly' });
  await peer.setLocalDescription(await peer.createOffer());
  const offer = peer.localDescription?.sdp ?? '';
  expect(offer).toMatch(/^a=rtpmap:109 opus/mu);
  expect(offer).toMatch(/^a=rtpmap:120 VP8/mu);
  const answer = await answerOffer('viewer', offer, { use: 'view', stream: 'S', producers: producersOf(published) });
  expect(answer.sections.map(({ direction, codec }) => [direction, codec])).toEqual([
    ['sendonly', 'opus'],
    ['sendonly', 'VP8'],
  ]);
  onRtp(peer, (packet) => packets.push(packet));
  await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  const withType = (payloadType: number) => packets.filter(({ header }) => header.payloadType === payloadType);
  const widths = () => new Set(withType(120).flatMap((packet) => keyFrameWidth(packet) ?? []));
  await eventually('packets and a key frame arrive', () => withType(109).length > 50 && widths().size > 0, 15_000);
  expect(widths()).toEqual(new Set([WIDTH]));
  expect(new Set(packets.map(({ header }) => header.payloadType))).toEqual(new Set([109, 120]));
  expect((await t.client.call('inspectRoom', { path })).consumers).toBe(2);
  await peer.close();
  await t.client.call('closeConnection', { path: { ...path, connection: 'viewer' } });
});

test('a second client with these numbers uses the same router, and pausing reaches both', async () => {
  const counts: number[] = [];
  const peers = await Promise.all(
    ['second', 'third'].map(async (connection, index) => {
      const peer = firefoxLike();
      counts[index] = 0;
      peer.addTransceiver('audio', { direction: 'recvonly' });
      await peer.setLocalDescription(await peer.createOffer());
      const audio = producersOf(published).slice(0, 1);
      const answer = await answerOffer(connection, peer.localDescription?.sdp ?? '', { use: 'view', stream: 'S', producers: audio });
      onRtp(peer, () => {
        counts[index] = (counts[index] ?? 0) + 1;
      });
      await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      return peer;
    }),
  );
  await eventually('both hear', () => counts.every((count) => count > 50), 15_000);
  const [producer = ''] = producersOf(published);
  await t.client.call('pauseProducer', { path: { ...path, producer } });
  const silentFor = async () => {
    const before = [...counts];
    await new Promise((resolve) => setTimeout(resolve, 300));
    return counts.every((count, index) => count === before[index]);
  };
  await eventually('both hear nothing', silentFor);
  await t.client.call('resumeProducer', { path: { ...path, producer } });
  const before = [...counts];
  await eventually('both hear again', () => counts.every((count, index) => count > (before[index] ?? 0) + 20));
  for (const peer of peers) await peer.close();
});

test('what such a client publishes is seen with the numbers of others', async () => {
  const peer = firefoxLike();
  const track = new MediaStreamTrack({ kind: 'audio' });
  peer.addTransceiver(track, { direction: 'sendonly' });
  await peer.setLocalDescription(await peer.createOffer());
  const own = await answerOffer('firefox', peer.localDescription?.sdp ?? '', { use: 'publish' });
  await peer.setRemoteDescription({ type: 'answer', sdp: own.sdp });
  const viewer = await chromium.peer();
  await viewer.receive('audio');
  const answer = await answerOffer('chromium', await viewer.offer(), { use: 'view', stream: 'S', producers: producersOf(own.sections) });
  await viewer.take(answer.sdp);
  let sequence = 0;
  const sending = setInterval(() => {
    sequence += 1;
    // Opus frames of 20 ms of silence (RFC 6716: one byte of table of contents is a frame that was not sent).
    const header = Buffer.from([0x80, 109, sequence >> 8, sequence & 0xff, 0, 0, 0, 0, 0, 0, 0, 1]);
    header.writeUInt32BE(sequence * 960, 4);
    track.writeRtp(Buffer.concat([header, Buffer.from([0xf8, 0xff, 0xfe])]));
  }, 20);
  try {
    await viewer.seesMore('0');
  } finally {
    clearInterval(sending);
  }
  expect(await viewer.received('0')).toMatchObject({ payloadType: 111 });
  await peer.close();
});
