import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { offer } from '../group-call/offers.ts';
import { Caller, requestOf } from './caller.ts';

let stack: Stack;
let bystanders: [Caller, Caller];
let watched: string;

beforeAll(async () => {
  stack = await startStack();
  bystanders = [await Caller.open(stack.edge.url, { path: '/wcs/fuzz' }), await Caller.open(stack.edge.url, { path: '/wcs/fuzz' })];
  watched = await bystanders[0].publish('watched');
  await bystanders[1].play('watched');
  for (const one of bystanders) await one.settled();
});

afterAll(async () => {
  for (const one of bystanders) one.close();
  await stack.stop();
});

/** The publisher still reaches its player, and neither has heard of anything else. */
async function expectNobodyDisturbed(): Promise<void> {
  expect(stack.mediaNode.workerPids()).toHaveLength(1);
  expect(await (await fetch(`${stack.mediaNode.url}/metrics`)).text()).not.toContain('status="500"');
  for (const one of bystanders) expect(await one.settled()).toEqual([]);
  bystanders[0].say('sendStreamEvent', { mediaSessionId: watched, type: 'data', payload: 'still here' });
  expect(await bystanders[1].next('notifyStreamEvent')).toMatchObject([{ payload: 'still here' }]);
}

async function opened(): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, { path: '/wcs/fuzz', connection: { custom: { login: 'fuzz' } } });
  await caller.next('getUserData');
  await caller.next('getVersion');
  return caller;
}

const GOOD = requestOf('publish', 'cam', 'm-1', offer('sendonly'));

it.each([
  ['no id', { mediaSessionId: undefined }, { mediaSessionId: null, info: 'MediaSessionId is null' }],
  ['a number as id', { mediaSessionId: 7 }, { mediaSessionId: null, info: 'MediaSessionId is null' }],
  ['another media provider', { mediaProvider: 'WSPlayer' }, { info: 'No common codecs' }],
  ['no name', { name: undefined }, { info: 'Failed by error' }],
  ['an object as name', { name: {} }, { info: 'Failed by error' }],
  ['no SDP', { sdp: undefined }, { info: 'Failed to add stream to proxy' }],
  ['a list as SDP', { sdp: ['v=0'] }, { info: 'Failed to add stream to proxy' }],
  ['garbage as SDP', { sdp: 'v=0\r\nthis is no description' }, { info: 'Failed to add stream to proxy' }],
  ['an SDP without media', { sdp: 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n' }, { info: 'Failed to add stream to proxy' }],
  [
    'an SDP without a codec of ours',
    { sdp: offer('sendonly').replaceAll('opus', 'ilbc').replaceAll('VP8', 'theora') },
    { info: 'No common codecs' },
  ],
])('publishing with %s fails with a word about it, and can be done right afterwards', async (_what, fields, expected) => {
  const caller = await opened();
  caller.say('publishStream', { ...GOOD, ...fields });
  const [event] = await caller.next('notifyStreamStatusEvent');
  expect(event).toMatchObject({ mediaSessionId: 'm-1', status: 'FAILED', published: true, ...expected });
  const id = await caller.publish('cam');
  caller.say('unPublishStream', { mediaSessionId: id });
  await caller.status(id);
  expect(await caller.settled()).toEqual([]);
  caller.close();
  await expectNobodyDisturbed();
});

it('playing with garbage fails with a word about it', async () => {
  const caller = await opened();
  for (const [sdp, info] of [
    ['nonsense', 'Failed to add stream to proxy'],
    [7, 'Failed to add stream to proxy'],
  ]) {
    caller.say('playStream', { ...requestOf('play', 'watched', 'm-2', ''), sdp });
    expect(await caller.status('m-2')).toMatchObject({ status: 'FAILED', published: false, info });
  }
  caller.say('playStream', { ...requestOf('play', 'watched', 'm-2', offer('recvonly')), mediaSessionId: null });
  expect(await caller.status(null)).toMatchObject({
    status: 'FAILED',
    info: 'MediaSessionId is null',
    streamInfo: { mediaSessionId: null },
  });
  caller.close();
  await expectNobodyDisturbed();
});

it('an id is used once at a time', async () => {
  const caller = await opened();
  const id = await caller.publish('cam');
  caller.say('playStream', requestOf('play', 'watched', id, offer('recvonly')));
  expect(await caller.status(id)).toMatchObject({ status: 'FAILED', info: 'MediaSessionId is already in use' });
  caller.close();
});

it('questions and operations that are not understood are answered where the question is known', async () => {
  const caller = await opened();
  caller.say('availableStream', { mediaSessionId: 'q-1' });
  expect(await caller.next('availableStream')).toEqual([{ status: 'false', id: 'q-1', info: 'Stream not found' }]);
  caller.say('snapshot', { mediaSessionId: 'q-2', name: 7 });
  expect(await caller.next('notifyStreamEvent')).toMatchObject([{ mediaSessionId: 'q-2', type: 'snapshotFailed' }]);
  for (const payload of [
    { command: 'join' },
    { command: 'join', options: { name: 7 } },
    { command: 'leave', options: null },
    { command: 'sendMessage', options: { roomConfig: { name: 'r' }, to: 'x' } },
  ]) {
    expect(await caller.operate(payload)).toMatchObject({ status: 'FAILED', info: 'The command is not understood' });
  }
  expect(await caller.settled()).toEqual([]);
  caller.close();
});

it('signs of life, telephony, unknown messages and messages without arguments are passed over', async () => {
  const caller = await opened();
  caller.raw('{"message":"pong"}');
  for (const data of [[], [null], [7], [[]], ['x', 'y']]) {
    for (const message of ['publishStream', 'playStream']) {
      caller.say(message, ...data);
      expect(await caller.status(null)).toMatchObject({ status: 'FAILED', info: 'MediaSessionId is null' });
    }
    for (const message of ['ping', 'pong', 'pushLogs', 'submitBugReport', 'sessionDebug', 'call', 'hangup', 'webRTCMetricsBatch', 'fly']) {
      caller.say(message, ...data);
    }
    for (const message of ['unPublishStream', 'stopStream', 'sendStreamEvent', 'availableStream', 'snapshot', 'sendData', 'connection']) {
      caller.say(message, ...data);
    }
  }
  for (const text of [
    '',
    '[]',
    '7',
    '{"message":7}',
    '{"data":[]}',
    '{"message":"publishStream","data":{}}',
    '\u0000',
    'x'.repeat(150_000),
  ]) {
    caller.raw(text);
  }
  expect(await caller.settled()).toEqual([]);
  expect(caller.closed).toBeUndefined();
  caller.close();
  await expectNobodyDisturbed();
});

const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('m-1', 'm-2', 'watched', 'fuzz', 'fuzz 2', true, 0, null));

/** A good offer with some of its lines changed, gone, or standing twice. */
const brokenOffer = fc
  .tuple(
    fc.constantFrom('sendonly' as const, 'sendrecv' as const, 'recvonly' as const),
    fc.array(fc.tuple(fc.nat(), fc.string()), { maxLength: 6 }),
  )
  .map(([direction, changes]) => {
    const lines = offer(direction).split('\r\n');
    for (const [at, text] of changes) {
      const index = at % lines.length;
      lines.splice(index, text.length % 2, ...(text.length % 3 === 0 ? [lines[index] ?? ''] : [(lines[index] ?? '').slice(0, 5) + text]));
    }
    return lines.join('\r\n');
  });

const id = fc.oneof(fc.constantFrom('m-1', 'm-2', 'm-3'), anything);
const argument = fc.oneof(
  fc.record({ mediaSessionId: id, name: fc.constantFrom('watched', 'a', 'b', ''), sdp: fc.oneof(brokenOffer, anything), custom: anything }),
  fc.record({ mediaSessionId: id, type: fc.constantFrom('audioMuted', 'data', 'x'), payload: anything, name: anything }),
  fc.record({
    operationId: id,
    payload: fc.record({
      command: fc.constantFrom('join', 'leave', 'sendMessage', 'x'),
      options: fc.record({ name: anything, to: anything }),
    }),
  }),
  anything,
);
const message = fc.record({
  message: fc.constantFrom(
    ...[
      'publishStream',
      'playStream',
      'unPublishStream',
      'stopStream',
      'sendStreamEvent',
      'availableStream',
      'snapshot',
      'sendData',
      'connection',
    ],
  ),
  data: fc.oneof(fc.tuple(argument), fc.array(argument, { maxLength: 3 }), anything),
});

it('whatever is said, the socket stays usable, and nobody else notices', { timeout: 90_000 }, async () => {
  const stranger = await opened();
  for (const one of fc.sample(message, 300)) stranger.raw(JSON.stringify(one));
  for (const one of fc.sample(fc.string({ unit: 'binary' }), 50)) stranger.raw(one);
  await stranger.settled();
  expect(stranger.closed).toBeUndefined();
  stranger.close();
  // Its streams may have had muted ones among them; the watched one is not its own.
  for (const one of bystanders) await one.settled();
  await expectNobodyDisturbed();
});
