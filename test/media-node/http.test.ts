import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES } from '../../shared/media-api.ts';
import { SIGNATURE_HEADER } from '../../shared/signature.ts';
import { pathTo, signature } from './support/client.ts';
import type { SentRequest } from './support/client.ts';
import { freshRoom, randomSecret, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { DTLS } from './support/parameters.ts';

let t: TestNode;
beforeAll(async () => {
  t = await startTestNode();
});
afterAll(() => t.close());

async function reasonOf(sent: SentRequest): Promise<string> {
  const { status, text: body } = await t.client.sendSigned(sent);
  const { error } = JSON.parse(body) as { error: { reason: string; message: string } };
  return `${status} ${error.reason}: ${error.message}`;
}

describe('bodies', () => {
  async function connectRequest() {
    const path = freshRoom();
    await t.client.call('openRoom', { path });
    const { id } = await t.client.call('createTransport', { path });
    return { method: 'POST', path: pathTo('connectTransport', { ...path, transport: id }) };
  }

  const body = JSON.stringify({ dtlsParameters: DTLS });

  test('the largest allowed body is read, one byte more is not', async () => {
    const request = await connectRequest();
    expect(await reasonOf({ ...request, body: body.padEnd(MAX_BODY_BYTES + 1) })).toMatch(/^413 body-too-large: /u);
    expect((await t.client.sendSigned({ ...request, body: body.padEnd(MAX_BODY_BYTES) })).status).toBe(200);
  });

  test('a body of unknown length is cut off at the limit', async () => {
    const request = await connectRequest();
    const answer = await chunked(request, Buffer.alloc(MAX_BODY_BYTES + 1, ' '));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /u);
  });

  test('a body that never ends is answered before it ends', async () => {
    const { path } = await connectRequest();
    const authorization = await signature({ method: 'POST', path }, { secret: t.secret });
    const socket = connect(t.node.port, '127.0.0.1');
    const answer = text(socket);
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\n${SIGNATURE_HEADER}: ${authorization}\r\ncontent-length: 1000000000\r\n\r\n{`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /u);
  });

  test.each([
    ['not JSON', '{"dtlsParameters":', /^400 invalid-parameters: body: is not valid JSON$/u],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), /^400 invalid-parameters: body: is not valid UTF-8$/u],
    ['an array', '[]', /^400 invalid-parameters: body: /u],
    ['null', 'null', /^400 invalid-parameters: body: /u],
    ['missing', '', /^400 invalid-parameters: body\.dtlsParameters: /u],
    ['deep', '['.repeat(30_000) + ']'.repeat(30_000), /^400 invalid-parameters: body: /u],
    ['of the wrong shape', '{"dtlsParameters":{"fingerprints":[]}}', /^400 invalid-parameters: body\.dtlsParameters\.fingerprints: /u],
  ])('%s: the refusal says so', async (_name, wrong, message) => {
    expect(await reasonOf({ ...(await connectRequest()), body: wrong })).toMatch(message);
  });

  test('a body in several packets is put together', async () => {
    const request = await connectRequest();
    expect(await chunked(request, Buffer.from(body))).toMatch(/^HTTP\/1\.1 200 /u);
  });

  /** Sends the body in chunks of 1000 bytes, each in a packet of its own. */
  async function chunked(request: { method: string; path: string }, bytes: Buffer): Promise<string> {
    const authorization = await signature({ ...request, body: bytes }, { secret: t.secret });
    const socket = connect(t.node.port, '127.0.0.1').setNoDelay(true);
    const answer = text(socket);
    const head = `${request.method} ${request.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${SIGNATURE_HEADER}: ${authorization}`;
    socket.write(`${head}\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (let start = 0; start < bytes.length; start += 1000) {
      const chunk = bytes.subarray(start, start + 1000);
      await sleep(1);
      socket.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
    }
    // uWebSockets.js takes a half-closed connection for one whose client went away.
    socket.write('0\r\n\r\n');
    return answer;
  }
});

describe('routes', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/rooms'],
    ['POST', '/v1/ice-servers'],
    ['DELETE', '/v1/rooms/default%2Fa/1/producers'],
    ['PATCH', '/v1/rooms/default%2Fa/1'],
    ['GET', '/v1/rooms/default/a/1'],
    ['PUT', '/v2/rooms/default%2Fa/1'],
    ['GET', '/healthz/x'],
  ])('%s %s does not exist', async (method, path) => {
    expect(await reasonOf({ method, path })).toMatch(/^404 route-not-found: /u);
    expect((await t.client.send({ method, path })).status).toBe(404);
  });

  test.each([
    ['/v1/rooms/noslash/1', 'path.room: must have the form tenant/room'],
    ['/v1/rooms/%ff%2Fa/1', 'path.room: is not valid percent-encoding'],
    ['/v1/rooms/a%2Fb%0a/1', 'path.room: must not contain control characters'],
    ['/v1/rooms/a%2Fb/0', 'path.generation: must be a whole number from 1'],
    ['/v1/rooms/a%2Fb/1.5', 'path.generation: must be a whole number from 1'],
    ['/v1/rooms/a%2Fb/-1', 'path.generation: must be a whole number from 1'],
    ['/v1/rooms/a%2Fb/1e3', 'path.generation: must be a whole number from 1'],
    ['/v1/rooms/a%2Fb/9999999999999999', 'path.generation: must be a whole number from 1'],
  ])('PUT %s is refused', async (path, message) => {
    expect(await reasonOf({ method: 'PUT', path })).toContain(`400 invalid-parameters: ${message}`);
  });

  test('a query that is wrong is refused', async () => {
    expect(await reasonOf({ method: 'GET', path: '/v1/ice-servers' })).toMatch(/^400 invalid-parameters: query\.policy: /u);
    expect(await reasonOf({ method: 'GET', path: '/v1/ice-servers?policy=p3p' })).toMatch(/^400 invalid-parameters: query\.policy: /u);
    expect(await reasonOf({ method: 'GET', path: '/v1/ice-servers?policy=p2p&user=' })).toMatch(/^400 invalid-parameters: query\.user: /u);
  });
});

test('a client that goes away in the middle of a call disturbs nobody', async () => {
  for (let i = 0; i < 50; i += 1) {
    const path = pathTo('openRoom', freshRoom());
    const authorization = await signature({ method: 'PUT', path }, { secret: t.secret });
    const socket = connect(t.node.port, '127.0.0.1');
    const length = i % 2 === 0 ? 0 : 10;
    await new Promise((resolve) => {
      socket.write(
        `PUT ${path} HTTP/1.1\r\nhost: x\r\n${SIGNATURE_HEADER}: ${authorization}\r\ncontent-length: ${length}\r\n\r\n`,
        resolve,
      );
    });
    socket.destroy();
  }
  const path = freshRoom();
  await t.client.call('openRoom', { path });
  expect(await t.client.call('inspectRoom', { path })).toEqual({ transports: 0, producers: 0, consumers: 0 });
});

describe('health', () => {
  test('is alive and ready', async () => {
    expect(await t.client.send({ method: 'GET', path: '/healthz' })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(await t.client.send({ method: 'GET', path: '/readyz' })).toMatchObject({ status: 200, text: '{"status":"ready"}' });
  });

  test('metrics count what is open and what was called', async () => {
    const path = freshRoom();
    const before = await metrics();
    await t.client.call('openRoom', { path });
    await t.client.call('createTransport', { path });
    await t.client.sendSigned({ method: 'POST', path: pathTo('renewRoom', freshRoom()) });
    const after = await metrics();
    expect(after('parley_media_rooms') - before('parley_media_rooms')).toBe(1);
    expect(after('parley_media_transports') - before('parley_media_transports')).toBe(1);
    expect(after('parley_media_workers')).toBe(1);
    expect(after('parley_media_worker_deaths_total')).toBe(0);
    const opened = 'parley_media_call_duration_seconds_count{operation="openRoom",status="200"}';
    const missed = 'parley_media_call_duration_seconds_count{operation="renewRoom",status="404"}';
    expect(after(opened) - before(opened)).toBe(1);
    expect(after(missed) - before(missed)).toBe(1);
    expect(after('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  async function metrics(): Promise<(name: string) => number> {
    const { text: lines } = await t.client.send({ method: 'GET', path: '/metrics' });
    const values = new Map(
      lines.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
    return (name) => values.get(name) ?? 0;
  }

  test('in production the metrics need their token', async () => {
    const token = randomSecret();
    const guarded = await startTestNode({
      PARLEY_MODE: 'production',
      RTC_LISTEN_IP: '127.0.0.1',
      METRICS_TOKEN: token,
    });
    const status = async (headers: Record<string, string>) =>
      (await guarded.client.send({ method: 'GET', path: '/metrics', headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: 'Bearer ' })).toBe(401);
    expect(await status({ authorization: `Bearer ${token}x` })).toBe(401);
    expect(await status({ authorization: `Bearer ${token}` })).toBe(200);
    await guarded.close();
  });
});
