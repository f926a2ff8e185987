import { once } from 'node:events';
import fc from 'fast-check';
import { generateLocalDtlsParameters, generateNativeRtpCapabilities } from 'mediasoup-client/fakeParameters';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startStack, type Stack } from '../../harness/stack.ts';
import { ApiClient } from './api-client.ts';
import { Attendee } from './attendee.ts';

let stack: Stack;
let api: ApiClient;
let bystander: Attendee;
let listener: Attendee;

beforeAll(async () => {
  stack = await startStack();
  api = new ApiClient(stack.edge.url);
  [bystander, listener] = [new Attendee(stack.edge.url, 'elsewhere', 'ada'), new Attendee(stack.edge.url, 'elsewhere', 'bob')];
  await bystander.join();
  await listener.join();
  await bystander.produce('mic');
  await Promise.all([listener.next('producerAdded'), bystander.next('userJoined')]);
});

afterAll(() => stack.stop());

const ENDPOINTS = [
  'createRoom',
  'createAttendee',
  'connectSender',
  'createProducer',
  'connectReceiver',
  'createConsumer',
  'leaveRoom',
] as const;

const rtpParameters = {
  mid: '0',
  codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1 }, rtcpFeedback: [] }],
  headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4, encrypt: false, parameters: {} }],
  encodings: [{ ssrc: 11_111, dtx: false }],
  rtcp: { cname: 'example', reducedSize: true },
};

/** A tree with some of its leaves and branches replaced by something else. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const kept = (): fc.Arbitrary<unknown> => {
    if (Array.isArray(value)) return fc.tuple(...value.map(mutated));
    if (typeof value !== 'object' || value === null) return fc.constant(value);
    const entries = Object.entries(value).map(([key, inner]) => [key, mutated(inner)] as const);
    return fc.record(Object.fromEntries(entries), { requiredKeys: entries.slice(1).map(([key]) => key) });
  };
  return fc.oneof({ weight: 12, arbitrary: kept() }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
}

const parameters = mutated({
  roomName: 'fuzz',
  userMail: 'eve',
  type: 'mic',
  id: 'some-producer',
  producerMail: 'ada',
  dtlsParameters: generateLocalDtlsParameters(),
  rtpCapabilities: generateNativeRtpCapabilities(),
  rtpParameters,
});

/** The others see and hear each other as before. */
async function expectNobodyDisturbed(): Promise<void> {
  expect(stack.mediaNode.workerPids()).toHaveLength(1);
  await bystander.peer?.notify('producerPaused', { type: 'mic' });
  expect(await listener.next('producerPaused')).toEqual({ user: 'ada', type: 'mic' });
  expect(bystander.notifications).toEqual([]);
  expect(listener.notifications).toEqual([]);
}

it('whatever is posted, the answer is in the protocol’s form, and nobody else notices', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ENDPOINTS), parameters, async (endpoint, body) => {
      const { status, result } = await api.send(endpoint, JSON.stringify(body), 'application/json');
      expect(['success', 'failed']).toContain(status);
      if (status === 'failed') expect(result).toEqual(expect.stringMatching(/^.{5,300}$/u));
      expect(result).not.toBe('Internal error, try again');
    }),
    { numRuns: 400 },
  );
  await expectNobodyDisturbed();
});

it('bodies that are not JSON, and endpoints that do not exist, fail in the protocol’s form', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ENDPOINTS, 'exists', 'nothing'), fc.string({ unit: 'binary' }), async (endpoint, body) => {
      expect(await api.send(endpoint, body, 'application/json')).toMatchObject({ status: 'failed' });
    }),
    { numRuns: 60 },
  );
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  expect(await api.send('createRoom', deep, 'application/json')).toMatchObject({ status: 'failed' });
  await expectNobodyDisturbed();
});

it('whatever is said over a socket, it stays open, and nobody else notices', async () => {
  await new Attendee(stack.edge.url, 'fuzz socket', 'eve').create();
  const query = new URLSearchParams({ roomName: 'fuzz socket', userMail: 'eve' }).toString();
  const socket = new WebSocket(`${stack.edge.url.replace(/^http/u, 'ws')}/?${query}`, ['protoo']);
  await once(socket, 'open');
  const frame = mutated({ notification: true, method: 'producerPaused', data: { type: 'mic', user: 'ada' } });
  const frames = fc.sample(
    fc.oneof(
      frame.map((value) => JSON.stringify(value)),
      fc.string(),
    ),
    500,
  );
  for (const one of frames) socket.send(one);
  socket.send('x'.repeat(100_000));
  socket.send(JSON.stringify({ request: true, id: 7, method: 'ping' }));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(answer.toString())).toMatchObject({ response: true, id: 7, ok: false });
  await expectNobodyDisturbed();
  socket.close();
});
