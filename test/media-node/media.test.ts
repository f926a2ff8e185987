/** Transports, producers and consumers: every order, done and refused. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConsumerInfo } from '../../shared/media-api.ts';
import type { RtpCapabilities, RtpParameters } from '../../shared/rtp.ts';
import { freshRoom, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { av1, DTLS, h264, opus, RID_ENCODINGS, ssrcEncodings, vp8, vp9, withoutRtx } from './support/parameters.ts';
import { expectRefused } from './support/refusals.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

let t: TestNode;
beforeAll(async () => {
  t = await startTestNode();
});
afterAll(async () => {
  expect(t.edge.faults).toEqual([]);
  await t.close();
});

let path: { room: string; generation: string };
let rtpCapabilities: RtpCapabilities;
let sender: string;
let receiver: string;
beforeEach(async () => {
  path = freshRoom();
  ({ rtpCapabilities } = await t.client.call('openRoom', { path }));
  sender = await createTransport();
  receiver = await createTransport();
});

async function createTransport(): Promise<string> {
  return (await t.client.call('createTransport', { path })).id;
}

function kindOf({ codecs }: RtpParameters): 'audio' | 'video' {
  return codecs[0]?.mimeType.startsWith('audio') ? 'audio' : 'video';
}

type Codec = RtpParameters['codecs'][number];

/** The media codec and the one behind it, which is RTX for video. */
function codecsOf({ codecs }: RtpParameters): [Codec, Codec] {
  const [media, second = media] = codecs;
  if (media === undefined || second === undefined) throw new Error('there is always a media codec');
  return [media, second];
}

async function produce(rtpParameters: RtpParameters, transport = sender): Promise<string> {
  return (await t.client.call('createProducer', { path, body: { transport, kind: kindOf(rtpParameters), rtpParameters } })).id;
}

function consume(producer: string, capabilities = rtpCapabilities, paused = false): Promise<ConsumerInfo> {
  return t.client.call('createConsumer', { path, body: { transport: receiver, producer, rtpCapabilities: capabilities, paused } });
}

function counts() {
  return t.client.call('inspectRoom', { path });
}

describe('transports', () => {
  test('one is created with UDP and TCP candidates and connected once', async () => {
    const { id, iceParameters, iceCandidates, dtlsParameters } = await t.client.call('createTransport', { path });
    expect(iceParameters.iceLite).toBe(true);
    expect(iceCandidates.map(({ protocol, address }) => [protocol, address])).toEqual([
      ['udp', '127.0.0.1'],
      ['tcp', '127.0.0.1'],
    ]);
    expect(dtlsParameters.fingerprints.map(({ algorithm }) => algorithm)).toContain('sha-256');
    const order = { path: { ...path, transport: id }, body: { dtlsParameters: DTLS } };
    expect(await t.client.call('connectTransport', order)).toEqual({});
    await expectRefused(t.client.call('connectTransport', order), 'already-connected');
  });

  test('of two connects at the same time one wins', async () => {
    const order = { path: { ...path, transport: sender }, body: { dtlsParameters: DTLS } };
    const outcomes = await Promise.allSettled([t.client.call('connectTransport', order), t.client.call('connectTransport', order)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('all transports of a worker share its ports', async () => {
    const [first, second] = await Promise.all([0, 1].map(() => t.client.call('createTransport', { path })));
    const ports = (info: typeof first) => info?.iceCandidates.map(({ port }) => port);
    expect(ports(first)).toEqual(ports(second));
  });

  test('statistics tell about the transport', async () => {
    const [stats] = await t.client.call('transportStats', { path: { ...path, transport: sender } });
    expect(stats).toMatchObject({ type: 'webrtc-transport', transportId: sender, iceState: 'new', dtlsState: 'new' });
  });

  test('closing one closes what is in it, without an event', async () => {
    const producer = await produce(vp8());
    await consume(producer);
    await t.client.call('closeTransport', { path: { ...path, transport: sender } });
    expect(await counts()).toEqual({ transports: 1, producers: 0, consumers: 0 });
    await expectRefused(t.client.call('closeProducer', { path: { ...path, producer } }), 'producer-not-found');
    expect(t.edge.arrived.filter(({ room }) => room === path.room)).toEqual([]);
  });

  test('one that does not exist is not found', async () => {
    const unknown = { ...path, transport: NOBODY };
    await expectRefused(t.client.call('connectTransport', { path: unknown, body: { dtlsParameters: DTLS } }), 'transport-not-found');
    await expectRefused(t.client.call('transportStats', { path: unknown }), 'transport-not-found');
    await expectRefused(t.client.call('closeTransport', { path: unknown }), 'transport-not-found');
    await expectRefused(produce(vp8(), NOBODY), 'transport-not-found');
  });

  test('one of another room is not found', async () => {
    const other = freshRoom();
    await t.client.call('openRoom', { path: other });
    const stolen = { ...other, transport: sender };
    await expectRefused(t.client.call('connectTransport', { path: stolen, body: { dtlsParameters: DTLS } }), 'transport-not-found');
    await expectRefused(t.client.call('closeTransport', { path: stolen }), 'transport-not-found');
    expect((await counts()).transports).toBe(2);
  });
});

describe('producers', () => {
  test('one is created, paused, resumed, measured and closed', async () => {
    const producer = await produce(opus());
    const order = { path: { ...path, producer } };
    expect(await t.client.call('pauseProducer', order)).toEqual({});
    expect(await t.client.call('pauseProducer', order)).toEqual({});
    expect(await t.client.call('resumeProducer', order)).toEqual({});
    expect(await t.client.call('producerStats', order)).toEqual([]);
    expect(await t.client.call('closeProducer', order)).toEqual({});
    await expectRefused(t.client.call('closeProducer', order), 'producer-not-found');
    await expectRefused(t.client.call('pauseProducer', order), 'producer-not-found');
    await expectRefused(t.client.call('resumeProducer', order), 'producer-not-found');
    await expectRefused(t.client.call('producerStats', order), 'producer-not-found');
    expect((await counts()).producers).toBe(0);
  });

  test('a consumer is told whether its producer is paused', async () => {
    const producer = await produce(vp8());
    expect((await consume(producer)).producerPaused).toBe(false);
    await t.client.call('pauseProducer', { path: { ...path, producer } });
    expect((await consume(producer)).producerPaused).toBe(true);
    const body = { transport: sender, kind: 'audio' as const, rtpParameters: opus(), paused: true };
    const { id } = await t.client.call('createProducer', { path, body });
    expect((await consume(id)).producerPaused).toBe(true);
  });

  const sensible = vp8([{ ssrc: 900_001, rtx: { ssrc: 900_002 } }]);
  const [media, rtx] = codecsOf(sensible);
  const [opusCodec] = codecsOf(opus());
  const [unknownH264] = codecsOf(h264('123456', 1));

  test.each<[name: string, kind: 'audio' | 'video', parameters: RtpParameters]>([
    ['of another kind', 'audio', sensible],
    ['with a codec of another kind', 'video', { ...sensible, codecs: [media, rtx, opusCodec] }],
    ['of an unknown codec', 'video', { ...sensible, codecs: [{ ...media, mimeType: 'video/H265' }] }],
    ['with an audio codec as video', 'video', { ...sensible, codecs: [{ ...media, mimeType: 'video/opus' }] }],
    ['of a wrong clock rate', 'video', { ...sensible, codecs: [{ ...media, clockRate: 8_000 }] }],
    ['of nothing but RTX', 'video', { ...sensible, codecs: [rtx] }],
    ['with RTX for nothing', 'video', { ...sensible, codecs: [media, { ...rtx, parameters: { apt: 77 } }] }],
    ['with RTX for itself', 'video', { ...sensible, codecs: [media, { ...rtx, parameters: { apt: rtx.payloadType } }] }],
    ['with RTX without apt', 'video', { ...sensible, codecs: [media, { ...rtx, parameters: {} }] }],
    ['with an unknown H264 profile', 'video', { ...sensible, codecs: [unknownH264] }],
    ['with packets that nobody can tell apart', 'video', { ...sensible, encodings: [{}, {}] }],
    [
      'with a rid and no extension that carries it',
      'video',
      { ...sensible, headerExtensions: [], encodings: [{ rid: 'a' }, { rid: 'b' }] },
    ],
    ['with an encoding of an unknown codec', 'video', { ...sensible, encodings: [{ ssrc: 5, codecPayloadType: 100 }] }],
    ['with an encoding of RTX', 'video', { ...sensible, encodings: [{ ssrc: 5, codecPayloadType: rtx.payloadType }] }],
    ['with VP9 simulcast', 'video', { ...vp9(0), encodings: [{ ssrc: 5 }, { ssrc: 6 }] }],
    ['with audio simulcast', 'audio', { ...opus(), encodings: [{ ssrc: 5 }, { ssrc: 6 }] }],
    ['with simulcast of SVC', 'video', { ...sensible, encodings: [{ ssrc: 5, scalabilityMode: 'L3T3' }, { ssrc: 6 }] }],
    ['with mono Opus', 'audio', { ...opus(), codecs: [{ ...opusCodec, channels: 1 }] }],
  ])('%s makes no sense', async (_name, kind, rtpParameters) => {
    const order = t.client.call('createProducer', { path, body: { transport: sender, kind, rtpParameters } });
    await expectRefused(order, 'invalid-parameters');
    expect((await counts()).producers).toBe(0);
    await produce(sensible);
  });

  test('no two of a transport share an ssrc or a mid; those of a closed one are free again', async () => {
    const parameters = vp8();
    const first = await produce(parameters);
    await expectRefused(produce(parameters), 'invalid-parameters');
    await expectRefused(produce({ ...parameters, mid: 'other' }), 'invalid-parameters');
    await expectRefused(produce({ ...parameters, encodings: [{ ssrc: 424_242 }] }), 'invalid-parameters');
    await produce(parameters, receiver);
    await t.client.call('closeProducer', { path: { ...path, producer: first } });
    await produce(parameters);
    expect((await counts()).producers).toBe(2);
  });

  test('a rid may be used again in another media section, which needs a mid', async () => {
    const withMid = vp8(RID_ENCODINGS);
    const { codecs, encodings, headerExtensions = [] } = withMid;
    await produce(withMid);
    await expectRefused(produce({ codecs, encodings, headerExtensions }), 'invalid-parameters');
    await produce(vp8(RID_ENCODINGS));
    expect((await counts()).producers).toBe(2);
  });

  test('of two with the same ssrc at the same time one wins', async () => {
    const parameters = vp8();
    const outcomes = await Promise.allSettled([produce(parameters), produce(parameters), produce(parameters)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await counts()).producers).toBe(1);
  });

  test('a refused one leaves its identifiers free', async () => {
    const parameters = vp8();
    const wrong = { ...parameters, codecs: [{ ...media, mimeType: 'video/H265' }] };
    await expectRefused(produce(wrong), 'invalid-parameters');
    await produce(parameters);
  });
});

describe('consumers', () => {
  test('one is created, paused, resumed, given layers, measured and closed', async () => {
    const { id } = await consume(await produce(vp8()), rtpCapabilities, true);
    const order = { path: { ...path, consumer: id } };
    expect(await t.client.call('resumeConsumer', order)).toEqual({});
    expect(await t.client.call('pauseConsumer', order)).toEqual({});
    expect(await t.client.call('setConsumerLayers', { ...order, body: { spatialLayer: 7, temporalLayer: 7 } })).toEqual({});
    expect(await t.client.call('consumerStats', order)).toEqual([expect.objectContaining({ type: 'outbound-rtp', kind: 'video' })]);
    expect(await t.client.call('closeConsumer', order)).toEqual({});
    await expectRefused(t.client.call('closeConsumer', order), 'consumer-not-found');
    await expectRefused(t.client.call('pauseConsumer', order), 'consumer-not-found');
    await expectRefused(t.client.call('resumeConsumer', order), 'consumer-not-found');
    await expectRefused(t.client.call('setConsumerLayers', { ...order, body: { spatialLayer: 0 } }), 'consumer-not-found');
    await expectRefused(t.client.call('consumerStats', order), 'consumer-not-found');
  });

  test('one ends with its producer', async () => {
    const producer = await produce(vp8());
    const { id } = await consume(producer);
    await t.client.call('closeProducer', { path: { ...path, producer } });
    expect((await counts()).consumers).toBe(0);
    await expectRefused(t.client.call('resumeConsumer', { path: { ...path, consumer: id } }), 'consumer-not-found');
    await expectRefused(consume(producer), 'producer-not-found');
  });

  test('nobody consumes what is in another room', async () => {
    const producer = await produce(vp8());
    const other = freshRoom();
    await t.client.call('openRoom', { path: other });
    const { id: transport } = await t.client.call('createTransport', { path: other });
    await expectRefused(
      t.client.call('createConsumer', { path: other, body: { transport, producer, rtpCapabilities } }),
      'producer-not-found',
    );
    await expectRefused(t.client.call('createConsumer', { path, body: { transport, producer, rtpCapabilities } }), 'transport-not-found');
  });

  test('a receiver that knows none of the codecs cannot consume', async () => {
    const producer = await produce(vp8());
    const onlyOpus = { ...rtpCapabilities, codecs: rtpCapabilities.codecs.filter(({ kind }) => kind === 'audio') };
    const onlyRtx = { ...rtpCapabilities, codecs: rtpCapabilities.codecs.filter(({ mimeType }) => mimeType === 'video/rtx') };
    await expectRefused(consume(producer, onlyOpus), 'cannot-consume');
    await expectRefused(consume(producer, onlyRtx), 'cannot-consume');
    expect((await counts()).consumers).toBe(0);
  });
});

describe('payload types and simulcast', () => {
  test.each<[codec: string, parameters: () => RtpParameters, payloadType: number, rtxPayloadType: number | undefined]>([
    ['Opus', opus, 111, undefined],
    ['VP8', () => vp8(), 96, 121],
    ['VP9 profile 0', () => vp9(0), 98, 122],
    ['VP9 profile 2', () => vp9(2, 100), 100, 101],
    ['AV1', av1, 45, 115],
    ['H264 Baseline', () => h264('42001f', 1, 102), 102, 103],
    ['H264 Baseline, mode 0', () => h264('42001f', 0, 104), 104, 105],
    ['H264 Constrained Baseline', () => h264('42e01f', 1, 108), 108, 106],
    ['H264 Constrained Baseline, mode 0', () => h264('42e01f', 0, 114), 114, 107],
    ['H264 Main', () => h264('4d001f', 1, 116), 116, 109],
    ['H264 Main, mode 0', () => h264('4d001f', 0, 39), 39, 110],
    ['H264 Constrained High (Safari)', () => h264('640c1f', 1, 96), 50, 117],
    ['H264 Constrained High, mode 0 (Safari)', () => h264('640c1f', 0, 98), 51, 118],
    ['H264 High', () => h264('64001f', 1, 112), 52, 119],
    ['H264 High, mode 0', () => h264('64001f', 0, 112), 53, 120],
    ['H264 High 4:4:4', () => h264('f4001f', 1, 41), 41, 112],
    ['H264 High 4:4:4, mode 0', () => h264('f4001f', 0, 43), 43, 113],
    ['VP8 with the numbers of Firefox', () => renumbered(vp8(), 120), 96, 121],
  ])('%s', async (_codec, parameters, payloadType, rtxPayloadType) => {
    const { rtpParameters } = await consume(await produce(parameters()));
    const expected = rtxPayloadType === undefined ? [payloadType] : [payloadType, rtxPayloadType];
    expect(rtpParameters.codecs.map((codec) => codec.payloadType)).toEqual(expected);
    const [encoding] = rtpParameters.encodings;
    expect(encoding?.rtx !== undefined).toBe(rtxPayloadType !== undefined);
  });

  function renumbered(parameters: RtpParameters, payloadType: number): RtpParameters {
    const [media, rtx] = codecsOf(parameters);
    return {
      ...parameters,
      codecs: [
        { ...media, payloadType },
        { ...rtx, payloadType: payloadType + 1, parameters: { apt: payloadType } },
      ],
    };
  }

  test('a receiver without RTX still gets retransmissions by NACK', async () => {
    const { rtpParameters } = await consume(await produce(vp8()), withoutRtx(rtpCapabilities));
    expect(rtpParameters.codecs.map(({ payloadType }) => payloadType)).toEqual([96]);
    expect(rtpParameters.codecs[0]?.rtcpFeedback).toContainEqual({ type: 'nack', parameter: '' });
    expect(rtpParameters.encodings[0]?.rtx).toBeUndefined();
  });

  test('transport-cc is used where the receiver can, else REMB', async () => {
    const producer = await produce(vp8());
    const feedback = ({ rtpParameters }: ConsumerInfo) => rtpParameters.codecs[0]?.rtcpFeedback?.map(({ type }) => type);
    expect(feedback(await consume(producer))).toContain('transport-cc');
    const withoutTransportCc = (rtpCapabilities.headerExtensions ?? []).filter(({ uri }) => !uri.includes('transport-wide-cc'));
    const remb = feedback(await consume(producer, { ...rtpCapabilities, headerExtensions: withoutTransportCc }));
    expect(remb).toContain('goog-remb');
    expect(remb).not.toContain('transport-cc');
  });

  test.each([
    ['rid', () => RID_ENCODINGS, 'L3T3'],
    ['ssrc', ssrcEncodings, 'L3T1'],
  ])('simulcast by %s is consumed as one stream with layers', async (_name, encodings, scalabilityMode) => {
    const consumer = await consume(await produce(vp8(encodings())));
    expect(consumer.rtpParameters.encodings).toEqual([expect.objectContaining({ scalabilityMode })]);
    const order = { path: { ...path, consumer: consumer.id } };
    for (const spatialLayer of [0, 1, 2]) await t.client.call('setConsumerLayers', { ...order, body: { spatialLayer, temporalLayer: 0 } });
    await t.client.call('setConsumerLayers', { ...order, body: { spatialLayer: 1 } });
  });

  test('the capabilities of a room begin with the codec that everybody has, and every video codec has RTX', () => {
    const videos = rtpCapabilities.codecs.filter(({ kind }) => kind === 'video');
    expect(videos[0]?.mimeType).toBe('video/VP8');
    const media = videos.filter(({ mimeType }) => mimeType !== 'video/rtx');
    const repaired = videos.flatMap(({ parameters }) => parameters?.apt ?? []);
    expect(repaired).toEqual(media.map(({ preferredPayloadType }) => preferredPayloadType));
    const numbers = rtpCapabilities.codecs.map(({ preferredPayloadType }) => preferredPayloadType);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const { rtcpFeedback = [] } of media) {
      expect(rtcpFeedback.map(({ type, parameter }) => `${type} ${parameter ?? ''}`.trim()).sort()).toEqual([
        'ccm fir',
        'goog-remb',
        'nack',
        'nack pli',
        'transport-cc',
      ]);
    }
  });
});
