import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { type Line, Member } from './member.ts';
import { offer } from './offers.ts';

let stack: Stack;
let bystanders: [Member, Member];

beforeAll(async () => {
  stack = await startStack();
  bystanders = [await Member.open(stack.edge.url, '40'), await Member.open(stack.edge.url, '41')];
  for (const one of bystanders) await one.join('elsewhere');
  await bystanders[0].next('newParticipantArrived');
});

afterAll(async () => {
  for (const one of bystanders) one.close();
  await stack.stop();
});

/** The others are told of each other as before, and of nothing else. */
async function expectNobodyDisturbed(): Promise<void> {
  expect(stack.mediaNode.workerPids()).toHaveLength(1);
  expect(await (await fetch(`${stack.mediaNode.url}/metrics`)).text()).not.toContain('status="500"');
  for (const one of bystanders) expect(one.messages).toEqual([]);
  bystanders[0].say({ id: 'videoStateFrom', video: false });
  for (const one of bystanders) expect(await one.take(1)).toEqual([{ id: 'videoStateAnswer', userId: '40', video: false }]);
}

const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('40', '41', 'elsewhere', 'fuzz', true, 'false', 0, null));

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

const message = fc.oneof(
  fc.record(
    {
      id: fc.constantFrom('joinRoom', 'joinRoom', 'leaveRoom'),
      userId: anything,
      roomId: fc.constantFrom('fuzz', 'fuzz 2', 7, ''),
      video: anything,
      audio: anything,
      token: anything,
    },
    { requiredKeys: ['id'] },
  ),
  fc.record({
    id: fc.constant('receiveVideoFrom'),
    userId: fc.constantFrom('1', '2', '40', ''),
    sdpOffer: fc.oneof(brokenOffer, anything),
  }),
  fc.record(
    {
      id: fc.constantFrom('onIceCandidate', 'videoStateFrom', 'audioStateFrom', 'videoState', 'audioState', 'fly'),
      userId: anything,
      candidate: anything,
      video: anything,
      audio: anything,
    },
    { requiredKeys: ['id'] },
  ),
  anything,
);

it.each<Line>(['sockjs', '/socket', '/any/where'])(
  'whatever is said over %s, the socket stays usable, and nobody else notices',
  async (line) => {
    const stranger = await Member.open(stack.edge.url, '1', line);
    await stranger.join('fuzz');
    for (const one of fc.sample(message, 300)) stranger.say(one);
    stranger.say('x'.repeat(150_000));
    for (const one of fc.sample(fc.string({ unit: 'binary' }), 50)) stranger.say(JSON.stringify(one));
    stranger.say({ id: 'leaveRoom' });
    await stranger.settledIn('after the storm');
    expect(stranger.closed).toBeUndefined();
    await expectNobodyDisturbed();
    stranger.close();
  },
);

it('a room that was stormed can be joined as before', async () => {
  const ada = await Member.open(stack.edge.url, '40');
  expect(await ada.join('fuzz')).toEqual([]);
  ada.close();
});
