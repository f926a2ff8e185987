/**
 * Generated input against a live node. Whatever is sent, signed or not: never a 5xx, never a dead SFU process; what is refused changes nothing,
 * and another room is not disturbed. FUZZ_RUNS sets how many inputs each property tries.
 */
import { PDFDocument } from '@napi-rs/canvas';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES, mediaApi, MediaErrorSchema } from '../../shared/media-api.ts';
import type { Endpoint, MediaOperation } from '../../shared/media-api.ts';
import type { RtpCapabilities } from '../../shared/rtp.ts';
import { pathTo } from './support/client.ts';
import { freshRoom, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { av1, DTLS, h264, opus, RID_ENCODINGS, ssrcEncodings, vp8, vp9 } from './support/parameters.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 150);
const TIMEOUT = 60_000 + RUNS * 100;

let t: TestNode;
let neighbour: { room: string; generation: string };
let workers: number[];
beforeAll(async () => {
  t = await startTestNode();
  workers = t.node.workerPids();
  neighbour = freshRoom();
  const { rtpCapabilities } = await t.client.call('openRoom', { path: neighbour });
  const { id: transport } = await t.client.call('createTransport', { path: neighbour });
  const producer = await t.client.call('createProducer', { path: neighbour, body: { transport, kind: 'video', rtpParameters: vp8() } });
  await t.client.call('createConsumer', { path: neighbour, body: { transport, producer: producer.id, rtpCapabilities } });
});
afterAll(() => t.close());

let path: { room: string; generation: string };
let transport: string;
let producer: string;
let consumer: string;
let rtpCapabilities: RtpCapabilities;
beforeEach(async () => {
  path = freshRoom();
  ({ rtpCapabilities } = await t.client.call('openRoom', { path }));
  ({ id: transport } = await t.client.call('createTransport', { path }));
  ({ id: producer } = await t.client.call('createProducer', {
    path,
    body: { transport, kind: 'video', rtpParameters: vp8(RID_ENCODINGS) },
  }));
  ({ id: consumer } = await t.client.call('createConsumer', { path, body: { transport, producer, rtpCapabilities } }));
});
afterEach(async () => {
  expect(t.node.workerPids()).toEqual(workers);
  expect(await counts(neighbour)).toEqual({ transports: 1, producers: 1, consumers: 1 });
});

function counts(room = path) {
  return t.client.call('inspectRoom', { path: room });
}

/** Sends a body to an endpoint; a refusal must be one of the contract's and must have changed nothing. */
async function post(operation: MediaOperation, body: string | Uint8Array, ids: object = {}): Promise<string | undefined> {
  const before = await counts();
  const { method } = mediaApi[operation];
  const { status, text } = await t.client.sendSigned({ method, path: pathTo(operation, { ...path, ...ids }), body });
  if (status === 200) return text;
  expect({ status, text }).toMatchObject({ status: expect.toSatisfy((code: number) => code >= 400 && code < 500) as number });
  expect(MediaErrorSchema.safeParse(JSON.parse(text)).success).toBe(true);
  expect(await counts()).toEqual(before);
  return undefined;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const odd = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    '',
    0,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e308,
    -1e308,
    [],
    {},
    '\u0000',
    '__proto__',
    'video/rtx',
  ),
  fc.constantFrom<Json>(
    'audio/opus',
    'video/VP8',
    'video/H264',
    'video/AV1',
    'L99T99',
    'S3T3h',
    'a'.repeat(5_000),
    96,
    97,
    111,
    127,
    128,
    255,
  ),
  fc.integer(),
  fc.string({ unit: 'binary' }),
  fc.jsonValue() as fc.Arbitrary<Json>,
);

interface Mutation {
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'repeat' | 'rename' | 'nest';
  readonly value: Json;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'remove', 'repeat', 'rename', 'nest'),
  value: odd,
});

/** Every place in a JSON value: where it is kept and under which key. */
function places(value: Json): { holder: Json[] | Record<string, Json>; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value;
  return Object.entries(holder).flatMap(([key, inner]) => [{ holder, key }, ...places(inner)]);
}

function mutated(original: unknown, mutations: readonly Mutation[]): Json {
  const copy = { root: JSON.parse(JSON.stringify(original)) as Json };
  for (const { at, how, value } of mutations) {
    const all = places(copy);
    const place = all[at % all.length];
    if (place === undefined) break;
    change(place.holder, place.key, how, value);
  }
  return copy.root ?? null;
}

function change(holder: Json[] | Record<string, Json>, key: string, how: Mutation['how'], value: Json): void {
  const fields = holder as Record<string, Json>;
  const old = fields[key] ?? null;
  if (how === 'replace') fields[key] = value;
  else if (how === 'nest') fields[key] = [old];
  else if (Array.isArray(holder)) {
    if (how === 'remove') holder.splice(Number(key), 1);
    else holder.splice(Number(key), 0, how === 'repeat' ? old : value);
  } else if (how === 'repeat') fields[`${key}2`] = old;
  else {
    Reflect.deleteProperty(fields, key);
    if (how === 'rename') fields[typeof value === 'string' ? value : key.toUpperCase()] = old;
  }
}

const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

function property<Value>(arbitrary: fc.Arbitrary<Value>, check: (value: Value) => Promise<void>, numRuns = RUNS): Promise<void> {
  return fc.assert(fc.asyncProperty(arbitrary, check), { numRuns, endOnFailure: true });
}

function smallPdf(): Buffer {
  const pdf = new PDFDocument();
  const context = pdf.beginPage(100, 100);
  context.font = '20px sans-serif';
  context.fillText('Hello', 10, 40);
  pdf.endPage();
  return pdf.close();
}

describe('mutated parameters', () => {
  test('DTLS', { timeout: TIMEOUT }, async () => {
    await property(mutations, async (changes) => {
      const { id } = await t.client.call('createTransport', { path });
      await post('connectTransport', JSON.stringify(mutated({ dtlsParameters: DTLS }, changes)), { transport: id });
      await t.client.call('closeTransport', { path: { ...path, transport: id } });
    });
  });

  const originals = fc.constantFrom(
    opus,
    vp8,
    () => vp8(RID_ENCODINGS),
    () => vp8(ssrcEncodings()),
    () => vp9(2),
    av1,
    () => h264('42e01f', 1),
  );

  test('RTP of producers', { timeout: TIMEOUT }, async () => {
    await property(fc.tuple(originals, mutations, fc.boolean()), async ([original, changes, everywhere]) => {
      const rtpParameters = original();
      const kind = rtpParameters.codecs[0]?.mimeType.split('/')[0];
      const body = { transport, kind, rtpParameters, paused: false };
      const sent = everywhere ? mutated(body, changes) : { ...body, rtpParameters: mutated(rtpParameters, changes) };
      const created = await post('createProducer', JSON.stringify(sent));
      if (created === undefined) return;
      const { id } = JSON.parse(created) as { id: string };
      // What was taken must be usable: somebody can try to watch it.
      await post('createConsumer', JSON.stringify({ transport, producer: id, rtpCapabilities }));
      await t.client.call('producerStats', { path: { ...path, producer: id } });
      await t.client.call('closeProducer', { path: { ...path, producer: id } });
    });
  });

  test('RTP capabilities of consumers', { timeout: TIMEOUT }, async () => {
    await property(fc.tuple(mutations, fc.boolean()), async ([changes, everywhere]) => {
      const body = { transport, producer, rtpCapabilities, paused: false };
      const sent = everywhere ? mutated(body, changes) : { ...body, rtpCapabilities: mutated(rtpCapabilities, changes) };
      const created = await post('createConsumer', JSON.stringify(sent));
      if (created === undefined) return;
      const { id } = JSON.parse(created) as { id: string };
      await t.client.call('consumerStats', { path: { ...path, consumer: id } });
      await t.client.call('closeConsumer', { path: { ...path, consumer: id } });
    });
  });

  test('layers of consumers', { timeout: TIMEOUT }, async () => {
    await property(mutations, async (changes) => {
      await post('setConsumerLayers', JSON.stringify(mutated({ spatialLayer: 1, temporalLayer: 1 }, changes)), { consumer });
    });
  });

  test('recordings', { timeout: TIMEOUT }, async () => {
    let started = 0;
    await property(mutations, async (changes) => {
      started += 1;
      const recording = `fuzz-${started}`;
      const sent = mutated({ recording, producers: { video: producer }, container: 'webm' }, changes);
      const answer = await post('startRecording', JSON.stringify(sent));
      if (answer === undefined) return;
      const named = (JSON.parse(answer) as { recording: string }).recording;
      await post('replaceRecorded', JSON.stringify(mutated({ video: producer }, changes)), { recording: named });
      await t.client.call('stopRecording', { path: { ...path, recording: named } });
    });
  });

  test('limits of a room', { timeout: TIMEOUT }, async () => {
    const limits = {
      everyConnection: { maxIncomingBitrate: 1_000_000, maxAudioBitrate: 50_000, maxVideoBitrate: 500_000 },
      connections: [{ connection: transport, maxIncomingBitrate: 100_000 }],
      sections: [{ connection: transport, mid: '0', spatialLayer: 1, temporalLayer: 1 }],
      consumers: [{ consumer, spatialLayer: 1 }],
    };
    await property(mutations, async (changes) => {
      await post('setLimits', JSON.stringify(mutated(limits, changes)));
    });
  });
});

const OPERATIONS = (Object.keys(mediaApi) as MediaOperation[]).filter((operation) => mediaApi[operation].method !== 'DELETE');

/** Names of what is not there. */
const OTHERS = { connection: 'none', mid: '0', recording: 'none', document: 'none', page: '1' };

describe('anything at all', () => {
  test('any JSON as the body of any order', { timeout: TIMEOUT }, async () => {
    await property(fc.tuple(fc.constantFrom(...OPERATIONS), fc.json({ maxDepth: 6 })), async ([operation, body]) => {
      const { method, bodyType }: Endpoint = mediaApi[operation];
      const sent = { method, path: pathTo(operation, { ...path, transport, producer, consumer, ...OTHERS }), body };
      const { status } = await (bodyType === 'application/json' ? t.client.sendSigned(sent) : t.client.sendDigested(sent));
      expect(status).toBeLessThan(500);
    });
  });

  test('any bytes as the body', { timeout: TIMEOUT }, async () => {
    await property(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
      expect(await post('createProducer', bytes)).toBeUndefined();
    });
  });

  test('deep and large bodies', { timeout: TIMEOUT }, async () => {
    const deep = fc
      .tuple(fc.constantFrom('[', '{"a":', '{"rtpParameters":{"codecs":['), fc.nat(40_000))
      .map(([unit, depth]) => unit.repeat(depth));
    const large = fc.integer({ min: MAX_BODY_BYTES - 2, max: MAX_BODY_BYTES + 200_000 }).map((length) => `"${'x'.repeat(length)}"`);
    await property(fc.oneof(deep, large), async (body) => {
      expect(await post('createProducer', body)).toBeUndefined();
    });
  });

  test('any text in the places of a path', { timeout: TIMEOUT }, async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('..', '.', '%', 'a/b', '%2e%2e', '*', ':room', '0', '1e9'),
    );
    await property(fc.tuple(fc.constantFrom(...OPERATIONS), text, text, text), async ([operation, room, generation, id]) => {
      const sent = {
        room: `fuzz/${room}`,
        generation,
        transport: id,
        producer: id,
        consumer: id,
        connection: id,
        mid: id,
        document: id,
        page: generation,
      };
      const { status } = await t.client.sendSigned({ method: mediaApi[operation].method, path: pathTo(operation, sent) });
      expect(status).toBeLessThan(500);
    });
  });

  test('bytes of a document in other places', { timeout: TIMEOUT }, async () => {
    const places = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 20 });
    const pdf = smallPdf();
    // Every document is read by a process of its own.
    await property(
      places,
      async (changes) => {
        const bytes = Buffer.from(pdf);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const opened = await t.client.sendDigested({ method: 'POST', path: '/v1/documents', body: bytes });
        expect([200, 422]).toContain(opened.status);
        if (opened.status !== 200) return;
        const { document } = JSON.parse(opened.text) as { document: string };
        const page = await t.client.sendSigned({ method: 'GET', path: pathTo('documentPage', { document, page: 1 }) });
        expect([200, 404, 422]).toContain(page.status);
        await t.client.call('closeDocument', { path: { document } });
      },
      Math.ceil(RUNS / 5),
    );
  });

  test('any query', { timeout: TIMEOUT }, async () => {
    await property(fc.webQueryParameters(), async (query) => {
      // An HTTP client sends a URL in its normal form, and that is what has to be signed.
      const { pathname, search } = new URL(`http://localhost/v1/ice-servers?${query}`);
      const { status } = await t.client.sendSigned({ method: 'GET', path: pathname + search });
      expect([200, 400]).toContain(status);
    });
  });

  test('any authorization', { timeout: TIMEOUT }, async () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`, 'u'));
    const wellFormed = fc.tuple(fc.nat(4_000_000), hex(32), hex(64)).map(([age, nonce, mac]) => {
      return `Parley-HMAC-SHA256 time=${Date.now() - age + 2_000_000},nonce=${nonce},signature=${mac}`;
    });
    const anything = fc.stringMatching(/^[!-~][ -~]{0,300}$/u);
    await property(fc.oneof(wellFormed, anything), async (authorization) => {
      const { status } = await t.client.send({ method: 'PUT', path: pathTo('openRoom', path), headers: { authorization } });
      expect(status).toBe(401);
    });
  });
});
