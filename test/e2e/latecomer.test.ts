import { afterAll, beforeAll, expect, it } from 'vitest';
import { MixedRoom, tableOf } from './matrix-clients/mixed-room.ts';

let room: MixedRoom;

beforeAll(async () => {
  room = await MixedRoom.open();
});

afterAll(() => room.close());

it('a member of KnowledgeTalk comes last into a room that members of all other protocols have begun, and everybody sees everybody', async () => {
  for (const protocol of ['owt', 'wcs', 'group-call', 'mediasoup-http', 'knowledgetalk'] as const) await room.enter(protocol);
  await room.watchAll();
  const arrived = await room.flow();
  expect(arrived.cells.size, tableOf(arrived)).toBe(20);
  expect(await Promise.all(room.members.map((member) => member.faults()))).toEqual(room.members.map(() => []));
}, 120_000);
