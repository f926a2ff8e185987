import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Edge } from '../../harness/edge.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { decoded, Member } from './member.ts';
import { offer } from './offers.ts';

let stack: Stack;
let room: string;
let count = 0;
const open: Member[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  room = `owt-relogin-${++count}`;
});
afterEach(() => {
  for (const member of open.splice(0)) member.close();
});

async function joined(user: string): Promise<Member> {
  const member = await Member.join(stack.edge.url, room, { user });
  open.push(member);
  return member;
}

/** A fresh connection of somebody who was cut off. */
async function returned(): Promise<Member> {
  const member = await Member.connect(stack.edge.url);
  open.push(member);
  return member;
}

function altered(ticket: string, change: object): string {
  return btoa(JSON.stringify({ ...decoded(ticket), ...change }));
}

const CAMERA = { media: { tracks: [{ type: 'video', mid: '0', source: 'camera' }] } };

it('a ticket says whose it is and how long it is good', async () => {
  const ada = await joined('ada');
  const { participantId, notBefore, notAfter, ...rest } = decoded(ada.ticket);
  expect(participantId).toBe(ada.id);
  expect(Number(notAfter) - Number(notBefore)).toBe(600_000);
  expect(rest).toMatchObject({ ticketId: expect.any(String) as unknown, signature: expect.any(String) as unknown });
});

it('whoever comes back is who it was, has what it had, is told what it missed, once, and nobody else hears of it', async () => {
  const [ada, bob] = [await joined('ada'), await joined('bob')];
  const { id } = await bob.publish(CAMERA);
  await bob.negotiate(id, offer({ kind: 'video', direction: 'sendonly' }));
  await bob.settled();
  bob.cut();
  await expect.poll(() => bob.disconnects).toBe(1);
  await ada.settled();
  const eve = await joined('eve');
  for (const message of ['1', '2']) await ada.say('text', { to: 'all', message });
  await ada.say('text', { to: bob.id, message: '3' });
  await eve.say('logout');

  const again = await returned();
  const [status, ticket] = await again.say('relogin', bob.ticket);
  expect(status).toBe('ok');
  expect(decoded(String(ticket)).participantId).toBe(bob.id);
  await expect.poll(() => again.notifications.length).toBe(5);
  expect(again.notifications.splice(0).map(({ event, data }) => `${event} ${data.action ?? data.message ?? ''}`)).toEqual([
    'participant join',
    'text 1',
    'text 2',
    'text 3',
    'participant leave',
  ]);
  expect((await again.say('unpublish', { id }))[0]).toBe('ok');
  await again.say('text', { to: ada.id, message: 'back' });
  const told = await ada.settled();
  expect(told.filter(({ event }) => event === 'participant').map(({ data }) => data.action)).toEqual(['join', 'leave']);
  expect(told.at(-1)?.data).toMatchObject({ from: bob.id, message: 'back' });

  again.cut();
  await expect.poll(() => again.disconnects).toBe(1);
  const third = await returned();
  expect((await third.say('relogin', ticket))[0]).toBe('ok');
  await third.say('text', { to: bob.id, message: 'nothing twice' });
  expect((await third.next('text')).data.message).toBe('nothing twice');
  expect(third.notifications).toEqual([]);
});

it('whoever comes back before the server has noticed takes its own place over', async () => {
  const [ada, bob] = [await joined('ada'), await joined('bob')];
  await ada.settled();
  const again = await returned();
  expect((await again.say('relogin', bob.ticket))[0]).toBe('ok');
  await expect.poll(() => bob.disconnects).toBe(1);
  expect(bob.notifications.filter(({ event }) => event === 'drop')).toEqual([]);
  await again.say('text', { to: 'all', message: 'here' });
  expect((await ada.settled()).map(({ event }) => event)).toEqual(['text']);
});

it('whoever logs in anew instead is somebody else; who it was before keeps its place for a while', async () => {
  const [ada, bob] = [await joined('ada'), await joined('bob')];
  bob.cut();
  await expect.poll(() => bob.disconnects).toBe(1);
  const again = await joined('bob');
  expect(again.id).not.toBe(bob.id);
  expect(again.login?.room.participants.map(({ user }) => user)).toEqual(['ada', 'bob', 'bob']);
  expect((await ada.settled()).map(({ data }) => data.action)).toEqual(['join', 'join']);
});

it('requests that were sent before the ticket wait for it', async () => {
  const bob = await joined('bob');
  bob.cut();
  const again = await returned();
  const early = [again.say('publish', CAMERA), again.say('text', { to: bob.id, message: 'early' })];
  expect((await again.say('relogin', bob.ticket))[0]).toBe('ok');
  const [[published], [said]] = (await Promise.all(early)) as [unknown[], unknown[]];
  expect([published, said]).toEqual(['ok', 'ok']);
  expect((await again.next('text')).data.message).toBe('early');
});

it('a ticket is renewed on demand, also without data', async () => {
  const ada = await joined('ada');
  for (const data of [[], [null]]) {
    const [status, ticket] = await ada.say('refreshReconnectionTicket', ...data);
    expect(status).toBe('ok');
    expect(decoded(String(ticket)).participantId).toBe(ada.id);
    ada.ticket = String(ticket);
  }
  ada.cut();
  expect((await (await returned()).say('relogin', ada.ticket))[0]).toBe('ok');
});

describe('a ticket is refused, and the connection ends,', () => {
  it.each([
    ['that is none', () => 'abc', 'Invalid reconnection ticket'],
    ['that is nothing', () => null, 'Invalid reconnection ticket'],
    ['that is another thing', () => ({ ticket: 'abc' }), 'Invalid reconnection ticket'],
    ['with a longer life', (ticket: string) => altered(ticket, { notAfter: Date.now() + 1e9 }), 'Invalid reconnection ticket signature'],
    ['of a member that is not there', (ticket: string) => altered(ticket, { participantId: 'nobody' }), 'Participant has not joined'],
    ['for a room that is not there', (ticket: string) => altered(ticket, { room: 'default/nowhere' }), 'Participant has not joined'],
  ])('%s', async (_what, change, reason) => {
    const ada = await joined('ada');
    const stranger = await returned();
    expect(await stranger.say('relogin', change(ada.ticket))).toEqual(['error', reason]);
    await expect.poll(() => stranger.disconnects).toBe(1);
    expect((await ada.say('text', { to: 'all', message: 'undisturbed' }))[0]).toBe('ok');
  });

  it('of somebody else', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const { participantId } = decoded(bob.ticket);
    const [status, reason] = await (await returned()).say('relogin', altered(ada.ticket, { participantId }));
    expect([status, reason]).toEqual(['error', 'Invalid reconnection ticket signature']);
  });

  it('after logging out', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    await bob.say('logout');
    expect(await (await returned()).say('relogin', bob.ticket)).toEqual(['error', 'Participant has not joined']);
    expect((await ada.settled()).map(({ data }) => data.action)).toEqual(['join', 'leave']);
  });
});

it('after a restart of the edge members come back with their tickets, and to what they had, within the same minute as ever', async () => {
  const other = await startStack();
  try {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((user) => Member.join(other.edge.url, room, { user })));
    if (!ada || !bob) throw new Error('nobody is there');
    const { id } = await ada.publish(CAMERA);
    await ada.negotiate(id, offer({ kind: 'video', direction: 'sendonly' }));
    const { storage } = other.edge;
    await other.edge.crash();
    other.edge = await Edge.start({ port: Number(new URL(other.edge.url).port), mediaNodeUrl: other.mediaNode.url, storage });
    // Longer than clients have time that join anew after a restart. The first request wakes the room.
    expect(await (await fetch(`${other.edge.url}/rooms/${room}/participants`)).json()).toHaveLength(2);
    await wait(20_000);
    const again = await Promise.all([ada, bob].map(() => Member.connect(other.edge.url)));
    for (const [index, { ticket }] of [ada, bob].entries()) expect((await again[index]?.say('relogin', ticket))?.[0]).toBe('ok');
    expect(await again[0]?.say('unpublish', { id })).toEqual(['ok']);
    await again[0]?.say('text', { to: 'all', message: 'back' });
    expect((await again[1]?.next('text'))?.data).toEqual({ from: ada.id, to: 'all', message: 'back' });
    for (const member of [ada, bob, ...again]) member.close();
  } finally {
    await other.stop();
  }
});
