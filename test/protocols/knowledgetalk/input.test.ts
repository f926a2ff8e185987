/** Whatever a client says: it is answered with an error or passed over, and nobody else is disturbed. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { OPERATIONS } from '../../../worker/protocols/knowledgetalk/messages.ts';
import { parseMessage } from '../../../worker/protocols/knowledgetalk/parse.ts';
import type { KtClient } from './client.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
afterEach(() => {
  world.clear();
});

const FIELDS = [
  'roomId',
  'userId',
  'capacity',
  'sdp',
  'usage',
  'pluginId',
  'host',
  'feedId',
  'display',
  'type',
  'status',
  'name',
  'message',
  'url',
  'fileName',
  'filePath',
  'fileSize',
  'note',
  'reqNo',
  'reqDate',
  'code',
  'useMediaSvr',
  '__proto__',
  'constructor',
];

/** Mostly what could be right, so that it gets far. */
const value = fc.oneof(
  fc.constantFrom(
    'cam',
    'screen',
    'video',
    'audio',
    'on',
    'off',
    'Y',
    'N',
    'clear',
    '200',
    '00000000',
    'u1234567',
    true,
    false,
    24,
    '24',
    null,
  ),
  fc.record({ type: fc.constantFrom('offer', 'answer', 'x'), sdp: fc.oneof(fc.constant('v=0\r\n'), fc.string()) }),
  fc.string(),
  fc.jsonValue(),
);
const operation = fc.oneof(
  fc.constantFrom(...Object.keys(OPERATIONS)),
  fc.constantFrom('StartSession', 'Presence', 'toString', ''),
  fc.string(),
);
const fields = fc.uniqueArray(fc.tuple(fc.constantFrom(...FIELDS), value), { selector: ([key]) => key, maxLength: 8 });
const message = fc
  .tuple(fc.constantFrom('eventOp', 'signalOp'), operation, fields)
  .map(([key, name, rest]) => Object.fromEntries<unknown>([[key, name], ...rest]));

it('is read without a fault, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(message, fc.anything()), (said) => {
      const parsed = parseMessage(said);
      if (parsed.kind === 'refused') expect(parsed.code).toMatch(/^4\d\d$/u);
    }),
    { numRuns: 20_000 },
  );
});

/** What a message may not do in this test: end the stay of whoever says it, or of the others. */
const LEAVES = new Set(['ExitRoom', 'DestroyRoom', 'KickOut', 'RoomJoin', 'VideoRoomJoin', 'RoomJoinAsObserver', 'EndCall']);

it.each([2, 3])('disturbs nobody in a room of %i', { timeout: 120_000 }, async (count) => {
  const members = await world.room(count);
  const [fool, ...others] = members as [KtClient, ...KtClient[]];
  const said = fc.sample(message, { numRuns: 1_500, seed: count }).filter((one) => !LEAVES.has(String(one.eventOp ?? one.signalOp).trim()));
  for (const [index, one] of said.entries()) {
    fool.say(one);
    if (index % 100 === 99) await fool.settled();
  }
  const answers = await fool.settled();
  expect(answers.filter(({ code }) => code === '500')).toEqual([]);
  for (const one of others) {
    const heard = await one.settled();
    expect(JSON.stringify(heard)).not.toMatch(/"cpCode"|"authKey"/u);
    expect(heard.filter(({ action }) => action === 'exit' || action === 'kick')).toEqual([]);
    one.say({ signalOp: 'Chat', message: 'is anybody there?' });
    expect(await fool.next('Chat')).toMatchObject({ userId: one.userId });
  }
});

it('of a kind that Socket.IO cannot read ends that connection only', async () => {
  const [ada, bob] = await world.room(2);
  ada?.socket.emit('knowledgetalk', { eventOp: 'KeepAlive' }, { another: 'argument' });
  expect(await ada?.next('KeepAlive')).toMatchObject({ code: '200' });
  ada?.socket.emit('knowledgetalk', { eventOp: 'Chat', message: Buffer.from([1, 2, 3]) });
  expect(await ada?.next('Chat')).toMatchObject({ code: '422' });
  ada?.socket.emit('knowledgetalk');
  expect(await ada?.take(1)).toMatchObject([{ code: '422' }]);
  expect(await bob?.settled()).toEqual([]);
});
