import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Member } from './member.ts';
import { offer } from './offers.ts';

let stack: Stack;
let bystanders: [Member, Member];

beforeAll(async () => {
  stack = await startStack();
  bystanders = [await Member.join(stack.edge.url, 'fuzz', { user: '40' }), await Member.join(stack.edge.url, 'fuzz', { user: '41' })];
  for (const one of bystanders) await one.settled();
});

afterAll(async () => {
  for (const one of bystanders) one.close();
  await stack.stop();
});

const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('0', '1', 'all', true, false, 0, null));
const id = fc.oneof(fc.constantFrom('ID', 'nowhere', '', null), anything);
const track = fc.record(
  {
    type: fc.oneof(fc.constantFrom('audio', 'video'), anything),
    mid: fc.oneof(fc.constantFrom('0', '1', '2'), anything),
    source: fc.oneof(fc.constantFrom('mic', 'camera', 'screen-cast'), anything),
    from: id,
    parameters: anything,
  },
  { requiredKeys: [] },
);
const media = fc.oneof(
  fc.record({ tracks: fc.array(track, { maxLength: 3 }) }),
  track,
  fc.record({ audio: track, video: track }),
  anything,
);

/** A good offer with some of its lines changed, gone, or standing twice. */
const brokenOffer = fc.array(fc.tuple(fc.nat(), fc.string()), { maxLength: 5 }).map((changes) => {
  const lines = offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'recvonly' }).split('\r\n');
  for (const [at, text] of changes) {
    const index = at % lines.length;
    lines.splice(index, text.length % 2, ...(text.length % 3 === 0 ? [lines[index] ?? ''] : [(lines[index] ?? '').slice(0, 5) + text]));
  }
  return lines.join('\r\n');
});

const signaling = fc.oneof(
  fc.record({ type: fc.constant('offer'), sdp: fc.oneof(brokenOffer, anything) }),
  fc.record({ type: fc.constantFrom('candidate', 'removed-candidates', 'answer'), candidate: anything, candidates: anything }),
  anything,
);

const request = fc.oneof(
  fc.tuple(fc.constantFrom('publish', 'subscribe'), fc.oneof(fc.record({ media, transport: anything, transportId: id }), anything)),
  fc.tuple(fc.constantFrom('unpublish', 'unsubscribe'), fc.oneof(fc.record({ id }), anything)),
  fc.tuple(
    fc.constantFrom('stream-control', 'subscription-control'),
    fc.oneof(fc.record({ id, operation: fc.oneof(fc.constantFrom('pause', 'play', 'update'), anything), data: anything }), anything),
  ),
  fc.tuple(fc.constant('soac'), fc.oneof(fc.record({ id, signaling }), anything)),
  fc.tuple(fc.constantFrom('login', 'relogin', 'refreshReconnectionTicket', 'fly'), anything),
  fc.tuple(fc.constant('text'), fc.record({ to: id, message: anything })),
);

it('whatever is asked is answered, and nobody else notices', async () => {
  const stranger = await Member.join(stack.edge.url, 'fuzz', { user: '1' });
  const ids = [stranger.id];
  for (const one of bystanders) await one.settled();
  for (const [event, data] of fc.sample(request, 600)) {
    const known = ids.at(-1) ?? '';
    // What is known by now is asked about, too.
    const body: unknown = JSON.parse(JSON.stringify(data).replaceAll('"ID"', JSON.stringify(known)));
    const [status, answer] = await stranger.say(event, body);
    expect(['ok', 'error']).toContain(status);
    if (status === 'error') expect(typeof answer).toBe('string');
    else if (answer !== null && typeof answer === 'object' && 'id' in answer) ids.push(String(answer.id));
  }
  expect(await stranger.say('text', { to: 'all', message: 'x'.repeat(900_000) }).catch(() => 'closed')).toBeDefined();
  for (const one of bystanders) {
    const told = (await one.settled()).filter(({ event }) => event !== 'text');
    expect(told.filter(({ event }) => event !== 'participant')).toEqual([]);
  }
  expect(stack.mediaNode.workerPids()).toHaveLength(1);
  expect(await (await fetch(`${stack.mediaNode.url}/metrics`)).text()).not.toContain('status="500"');
  stranger.close();
});
