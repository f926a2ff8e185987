import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaApi } from '../../shared/media-api.ts';
import { formatSignature, parseSignature, SIGNATURE_HEADER, SIGNATURE_WINDOW_SECONDS, textToSign } from '../../shared/signature.ts';
import { sign, Verifier } from '../../media-node/signing.ts';
import { pathTo, signature } from './support/client.ts';
import { freshRoom, randomSecret, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';

/** Computed with OpenSSL: printf '%s' "$text" | openssl dgst -sha256 -hmac "$secret". */
const VECTOR = {
  secret: '8f2c1d7e9a4b6053c1f0e2d3b4a59687',
  request: { method: 'POST', path: '/v1/rooms/default%2Fstand-up/3/transports?x=1', body: '{"name":"Zoë"}' },
  stamp: { time: 1_767_225_600_000, nonce: '00112233445566778899aabbccddeeff' },
  signature: '85a65e7994aa0d2b039812b29d2f9525c53395e9fc3ca4d861414e5ac44c16e2',
};

const EMPTY = new Uint8Array();

describe('the signature itself', () => {
  test('both sides compute the vector', async () => {
    const header = formatSignature({ ...VECTOR.stamp, signature: VECTOR.signature });
    expect(await signature(VECTOR.request, { secret: VECTOR.secret, ...VECTOR.stamp })).toBe(header);
    const verifier = new Verifier([VECTOR.secret]);
    const claim = verifier.claimOf(header, VECTOR.stamp.time);
    expect(claim).toEqual({ ...VECTOR.stamp, signature: VECTOR.signature });
    expect(claim && verifier.accepts(claim, VECTOR.request, Buffer.from(VECTOR.request.body), VECTOR.stamp.time)).toBe(true);
  });

  test('what one node signs, another one with the secret accepts', () => {
    const verifier = new Verifier([VECTOR.secret]);
    const claim = verifier.claimOf(sign(VECTOR.secret, VECTOR.request));
    expect(claim && verifier.accepts(claim, VECTOR.request, Buffer.from(VECTOR.request.body))).toBe(true);
  });

  test('no two requests that differ have the same text', () => {
    const texts = [
      textToSign({ method: 'PUT', path: '/a', body: 'b' }, VECTOR.stamp),
      textToSign({ method: 'PUT', path: '/a', body: 'b\n' }, VECTOR.stamp),
      textToSign({ method: 'PUT', path: '/', body: 'ab' }, VECTOR.stamp),
      textToSign({ method: 'POST', path: '/a', body: 'b' }, VECTOR.stamp),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });

  test.each([
    '',
    'Bearer abc',
    'Parley-HMAC-SHA256',
    `Parley-HMAC-SHA256 time=1,nonce=${'a'.repeat(31)},signature=${'b'.repeat(64)}`,
    `Parley-HMAC-SHA256 time=x,nonce=${'a'.repeat(32)},signature=${'b'.repeat(64)}`,
    `Parley-HMAC-SHA256 time=1,nonce=${'a'.repeat(32)},signature=${'b'.repeat(64)} `,
    `Parley-HMAC-SHA256 time=1,nonce=${'A'.repeat(32)},signature=${'b'.repeat(64)}`,
  ])('is not read from %j', (header) => {
    expect(parseSignature(header)).toBeUndefined();
  });

  test('a nonce is remembered as long as its stamp can be valid', () => {
    const window = SIGNATURE_WINDOW_SECONDS * 1000;
    const verifier = new Verifier([VECTOR.secret]);
    const line = { method: 'GET', path: '/' };
    const calls = Array.from({ length: 200 }, (_, second) => {
      const now = VECTOR.stamp.time + second * 1000;
      // Signed by a clock that is as far ahead as it may be: valid for the longest possible time.
      const stamp = { time: now + window, nonce: second.toString(16).padStart(32, '0') };
      const text = textToSign({ ...line, body: '' }, stamp);
      return { now, claim: { ...stamp, signature: createHmac('sha256', VECTOR.secret).update(text).digest('hex') } };
    });
    calls.forEach(({ now, claim }, second) => {
      expect(verifier.accepts(claim, line, EMPTY, now)).toBe(true);
      const stillValid = calls.slice(Math.max(0, second - 2 * SIGNATURE_WINDOW_SECONDS), second + 1);
      expect(stillValid.some(({ claim: replayed }) => verifier.accepts(replayed, line, EMPTY, now))).toBe(false);
    });
  });
});

describe('over HTTP', () => {
  const previousSecret = randomSecret();
  let t: TestNode;
  beforeAll(async () => {
    t = await startTestNode({ MEDIA_NODE_SECRET_PREVIOUS: previousSecret });
  });
  afterAll(() => t.close());

  function openRequest() {
    return { method: mediaApi.openRoom.method, path: pathTo('openRoom', freshRoom()) };
  }

  async function statusWith(authorization: string, request: { method: string; path: string } = openRequest()): Promise<number> {
    const { status, text } = await t.client.send({ ...request, headers: { [SIGNATURE_HEADER]: authorization } });
    if (status !== 200) expect(JSON.parse(text)).toMatchObject({ error: { reason: 'unauthorized' } });
    return status;
  }

  test('the current and the previous secret are accepted, another one is not', async () => {
    for (const [secret, status] of [
      [t.secret, 200],
      [previousSecret, 200],
      [randomSecret(), 401],
    ] as const) {
      const request = openRequest();
      expect(await statusWith(await signature(request, { secret }), request)).toBe(status);
    }
  });

  test('a missing or malformed signature is refused', async () => {
    expect((await t.client.send(openRequest())).status).toBe(401);
    expect(await statusWith('Bearer x')).toBe(401);
  });

  test.each([
    [-SIGNATURE_WINDOW_SECONDS - 2, 401],
    [-SIGNATURE_WINDOW_SECONDS + 2, 200],
    [SIGNATURE_WINDOW_SECONDS - 2, 200],
    [SIGNATURE_WINDOW_SECONDS + 2, 401],
  ])('made %d seconds from now: %d', async (seconds, status) => {
    const request = openRequest();
    expect(await statusWith(await signature(request, { secret: t.secret, time: Date.now() + seconds * 1000 }), request)).toBe(status);
  });

  test('a replayed call is refused and changes nothing', async () => {
    const path = freshRoom();
    await t.client.call('openRoom', { path });
    const request = { method: 'POST', path: pathTo('createTransport', path) };
    const authorization = await signature(request, { secret: t.secret });
    expect(await statusWith(authorization, request)).toBe(200);
    expect(await statusWith(authorization, request)).toBe(401);
    expect((await t.client.call('inspectRoom', { path })).transports).toBe(1);
  });

  test('a refused call does not use up its nonce', async () => {
    const request = openRequest();
    const nonce = 'c'.repeat(32);
    expect(await statusWith(await signature(request, { secret: randomSecret(), nonce }), request)).toBe(401);
    expect(await statusWith(await signature(request, { secret: t.secret, nonce }), request)).toBe(200);
  });

  test('method, path, query and body are all covered', async () => {
    const room = freshRoom();
    await t.client.call('openRoom', { path: room });
    const signed = { method: 'POST', path: pathTo('renewRoom', room), body: '{}' };
    const authorization = () => signature(signed, { secret: t.secret });
    const headers = async () => ({ [SIGNATURE_HEADER]: await authorization() });
    const statuses = [
      await t.client.send({ ...signed, headers: await headers() }),
      await t.client.send({ ...signed, body: '{ }', headers: await headers() }),
      await t.client.send({ ...signed, path: `${signed.path}?a=1`, headers: await headers() }),
      await t.client.send({ ...signed, path: pathTo('renewRoom', { ...room, generation: '2' }), headers: await headers() }),
      await t.client.send({ ...signed, method: 'DELETE', path: pathTo('closeRoom', room), headers: await headers() }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 401, 401, 401, 401]);
    expect(await t.client.call('inspectRoom', { path: room })).toEqual({ transports: 0, producers: 0, consumers: 0 });
  });

  test('nothing of an unsigned call is parsed: a wrong body is not even told', async () => {
    const { status } = await t.client.send({ method: 'POST', path: pathTo('createProducer', freshRoom()), body: '{not json' });
    expect(status).toBe(401);
  });
});
