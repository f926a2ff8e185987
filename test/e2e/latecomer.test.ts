import { afterAll, beforeAll, expect, it } from 'vitest';
import { MixedRoom, silentIn, tableOf } from './matrix-clients/mixed-room.ts';

const PATIENCE = { timeout: 60_000, interval: 500 };

let room: MixedRoom;

beforeAll(async () => {
  room = await MixedRoom.open();
});

afterAll(() => room.close());

it('a member of KnowledgeTalk comes last into a room that members of all other protocols have begun, and everybody sees everybody', async () => {
  for (const protocol of ['owt', 'wcs', 'group-call', 'mediasoup-http', 'knowledgetalk'] as const) await room.enter(protocol);
  await room.watchAll();
  const start = await room.read();
  let last = start;
  const silent = async () => {
    last = await room.read(start);
    return silentIn(last);
  };
  await expect.poll(silent, PATIENCE).toEqual([]);
  expect(last.cells.size, tableOf(last)).toBe(20);
  expect(await Promise.all(room.members.map((member) => member.faults()))).toEqual(room.members.map(() => []));
}, 120_000);
