import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import type { Edge } from '../harness/edge.ts';
import { Member, startProbedEdge } from './member.ts';
import { basic, makeTenant } from './tenant.ts';

const KEY = 'key of the billed tenant';

let edge: Edge;

beforeAll(async () => {
  edge = await startProbedEdge();
  await makeTenant(edge, 'billed', KEY);
});

afterAll(() => edge.stop());

interface CallItem {
  readonly kind: 'stay' | 'call';
  readonly room: string;
  readonly participant: string;
  readonly name: string | null;
  readonly from: string;
  readonly to: string | null;
  readonly p2pSeconds: number;
  readonly sfuSeconds: number;
}

async function calls(query = ''): Promise<{ items: CallItem[]; next?: string }> {
  const response = await fetch(`${edge.url}/api/tenant/calls?${query}`, { headers: basic('billed', KEY) });
  expect(response.status).toBe(200);
  return (await response.json()) as { items: CallItem[]; next?: string };
}

async function callsOf(room: string, kind: 'stay' | 'call' = 'stay'): Promise<CallItem[]> {
  return (await calls('limit=500')).items.filter((item) => item.room === room && item.kind === kind);
}

async function ended(room: string, count: number, kind: 'stay' | 'call' = 'stay'): Promise<CallItem[]> {
  await eventually('the records are closed', async () => (await callsOf(room, kind)).filter(({ to }) => to !== null).length === count);
  return callsOf(room, kind);
}

function lengthOf({ from, to }: CallItem): number {
  return (Date.parse(to ?? '') - Date.parse(from)) / 1000;
}

describe('a stay', () => {
  it('is listed from its beginning, with its end when it ended, whoever is told', async () => {
    const ada = await Member.join(edge, 'billed/stay/ada', 'name=Ada');
    await eventually('it is listed', async () => (await callsOf('stay')).length === 1);
    expect((await callsOf('stay'))[0]).toMatchObject({ participant: 'ada', name: 'Ada', to: null });
    await ada.room('rename', 'ada', 'Ada Lovelace');
    await wait(1100);
    await ada.leave();
    const [stay] = await ended('stay', 1);
    expect(stay).toMatchObject({ participant: 'ada', name: 'Ada Lovelace', p2pSeconds: 0 });
    expect(stay?.sfuSeconds).toBeGreaterThanOrEqual(1);
    expect(stay && Math.abs(stay.sfuSeconds - lengthOf(stay))).toBeLessThanOrEqual(1);
  });

  it('is counted from member to member until a third one comes, and through the SFU from then on', async () => {
    const [ada, bob] = [await Member.join(edge, 'billed/turn/ada', 'direct'), await Member.join(edge, 'billed/turn/bob', 'direct')];
    await wait(2000);
    const eve = await Member.join(edge, 'billed/turn/eve', 'direct');
    await wait(1000);
    for (const member of [ada, bob, eve]) await member.leave();
    const stays = Object.fromEntries((await ended('turn', 3)).map((stay) => [stay.participant, stay]));
    expect(stays.ada?.p2pSeconds).toBeGreaterThanOrEqual(2);
    expect(stays.bob?.p2pSeconds).toBeGreaterThanOrEqual(2);
    expect(stays.eve?.p2pSeconds).toBe(0);
    for (const stay of Object.values(stays)) {
      expect(stay.sfuSeconds).toBeGreaterThanOrEqual(1);
      expect(Math.abs(stay.p2pSeconds + stay.sfuSeconds - lengthOf(stay))).toBeLessThanOrEqual(1);
    }
  });

  it('of somebody who vanished or whose room ended has an end too', async () => {
    const [ada, bob] = [await Member.join(edge, 'billed/ends/ada'), await Member.join(edge, 'billed/ends/bob')];
    ada.vanish();
    await ended('ends', 1);
    await bob.endRoom();
    await ended('ends', 2);
  });

  it('that is begun again is another one', async () => {
    await (await Member.join(edge, 'billed/again/ada')).leave();
    await (await Member.join(edge, 'billed/again/ada')).leave();
    expect(await ended('again', 2)).toHaveLength(2);
  });
});

describe('a call', () => {
  it('within a stay has a record of its own, ends once, and with the stay at the latest', async () => {
    const ada = await Member.join(edge, 'billed/call/ada', 'name=Ada');
    await ada.usage('callStarted', 'ada');
    await ada.usage('callStarted', 'ada');
    await ada.usage('callEnded', 'ada');
    await ada.usage('callEnded', 'ada');
    await ada.usage('callStarted', 'ada');
    await ada.usage('callStarted', 'nobody');
    await ada.leave();
    const records = await ended('call', 2, 'call');
    expect(records).toHaveLength(2);
    expect(records[0]).toMatchObject({ participant: 'ada', name: 'Ada' });
    expect(await ended('call', 1)).toHaveLength(1);
  });
});

describe('the list', () => {
  it('comes in pages, newest first, without a gap or a repetition', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await (await Member.join(edge, `billed/pages/${name}`)).leave();
    await ended('pages', 7);
    const all = (await calls('limit=500')).items;
    const collected: CallItem[] = [];
    let after = '';
    do {
      const page = await calls(`limit=3${after}`);
      expect(page.items.length).toBeLessThanOrEqual(3);
      collected.push(...page.items);
      after = page.next === undefined ? '' : `&after=${page.next}`;
    } while (after !== '');
    expect(collected).toEqual(all);
    expect(all.map(({ from }) => from)).toEqual(
      all
        .map(({ from }) => from)
        .toSorted()
        .reverse(),
    );
  });

  it('can be limited to a time', async () => {
    const before = new Date().toISOString();
    await wait(5);
    await (await Member.join(edge, 'billed/window/ada')).leave();
    await ended('window', 1);
    expect((await calls(`from=${before}`)).items.map(({ room }) => room)).toEqual(['window']);
    expect((await calls(`to=${before}&limit=500`)).items.map(({ room }) => room)).not.toContain('window');
    expect((await calls('from=2001-01-01&to=2001-02-01')).items).toEqual([]);
  });

  it.each(['from=yesterday', 'limit=0', 'limit=100000', 'limit=x', "after=1' OR 1=1", 'after=x', 'to=2001-13-01'])(
    'asked for with %s is refused with a reason',
    async (query) => {
      const response = await fetch(`${edge.url}/api/tenant/calls?${query}`, { headers: basic('billed', KEY) });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: expect.stringContaining(query.split('=')[0] ?? '') as string });
    },
  );
});

describe('while the database cannot be written', () => {
  it('rooms go on, and everything is written once when it can be', async () => {
    const database = await edge.database();
    await database.exec('ALTER TABLE call_records RENAME TO call_records_away');
    const ada = await Member.join(edge, 'billed/outage/ada');
    await ada.usage('callStarted', 'ada');
    await wait(2500);
    await ada.leave();
    await database.exec('ALTER TABLE call_records_away RENAME TO call_records');
    expect(await ended('outage', 1)).toHaveLength(1);
    expect(await ended('outage', 1, 'call')).toHaveLength(1);
  });
});
