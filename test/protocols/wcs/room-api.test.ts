import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Member } from '../group-call/member.ts';
import { offer } from '../group-call/offers.ts';
import { Caller } from './caller.ts';

let stack: Stack;
let room: string;
let count = 0;
const open: { close(): void }[] = [];

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `w-rooms-${++count}`;
});

afterEach(() => {
  for (const caller of open.splice(0)) caller.close();
});

async function connected(login?: string): Promise<Caller> {
  const caller = await Caller.open(stack.edge.url, { path: '/', connection: { appKey: 'roomApp', custom: { login } } });
  open.push(caller);
  await caller.next('getVersion');
  return caller;
}

async function joined(login: string): Promise<Caller> {
  const caller = await connected(login);
  expect(await caller.join(room)).toMatchObject({ status: 'ACCEPTED' });
  return caller;
}

const inRoom = () => ({ custom: { name: room } });

describe('a room', () => {
  it('tells a newcomer the state, and the others of its coming and going', async () => {
    const ada = await joined('ada');
    expect(await ada.news('STATE')).toEqual({ name: 'STATE', roomName: room, info: [] });
    const id = await ada.publish(`${room}-ada-1f3c`, inRoom());
    const bob = await joined('bob');
    expect(await bob.news('STATE')).toEqual({ name: 'STATE', roomName: room, info: [{ login: 'ada', name: `${room}-ada-1f3c` }] });
    expect(await ada.news('JOINED')).toEqual({ name: 'JOINED', roomName: room, info: 'bob' });
    await ada.publish(`${room}-ada-2222`, inRoom());
    expect(await bob.news('PUBLISHED')).toEqual({ name: 'PUBLISHED', roomName: room, info: { login: 'ada', name: `${room}-ada-2222` } });
    const eve = await joined('eve');
    expect((await eve.news('STATE')).info).toEqual([
      { login: 'ada', name: `${room}-ada-1f3c` },
      { login: 'ada', name: `${room}-ada-2222` },
      'bob',
    ]);
    ada.say('unPublishStream', { mediaSessionId: id });
    expect(await bob.news('UNPUBLISHED')).toMatchObject({ info: { login: 'ada', name: `${room}-ada-1f3c` } });
    expect(await ada.operate({ command: 'leave', options: { name: room } })).toMatchObject({ status: 'ACCEPTED' });
    for (const other of [bob, eve]) expect(await other.news('LEFT')).toEqual({ name: 'LEFT', roomName: room, info: 'ada' });
    bob.close();
    expect(await eve.news('LEFT')).toMatchObject({ info: 'bob' });
  });

  it('says that a stream is published when there is something to play', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const id = await ada.stream('publish', `${room}-ada-1f3c`, inRoom());
    await bob.news('PUBLISHED');
    await ada.status(id);
    const played = await bob.stream('play', `${room}-ada-1f3c`, inRoom());
    expect(await bob.status(played)).toMatchObject({ status: 'PLAYING' });
  });

  it('ends a member’s streams with a word about each when it leaves, and lets it in again', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const published = await ada.publish(`${room}-ada-1f3c`, inRoom());
    const other = await bob.publish(`${room}-bob-1f3c`, inRoom());
    const played = await ada.play(`${room}-bob-1f3c`, inRoom());
    await ada.operate({ command: 'leave', options: { name: room } });
    expect(await ada.status(published)).toMatchObject({ status: 'UNPUBLISHED' });
    expect(await ada.status(played)).toMatchObject({ status: 'STOPPED' });
    expect(await ada.operate({ command: 'leave', options: { name: room } })).toMatchObject({ status: 'FAILED' });
    expect(await ada.join(room)).toMatchObject({ status: 'ACCEPTED' });
    expect(await ada.news('STATE')).toBeTruthy();
    await ada.play(`${room}-bob-1f3c`, inRoom());
    bob.say('unPublishStream', { mediaSessionId: other });
    await bob.status(other);
    expect(ada.closed).toBeUndefined();
  });

  it('carries messages to one member, and to nobody else', async () => {
    const [ada, bob, eve] = [await joined('ada'), await joined('bob'), await joined('eve')];
    const message = (to: string) => ({ command: 'sendMessage', options: { roomConfig: { name: room }, to, text: 'hi' } });
    expect(await ada.operate(message('bob'))).toMatchObject({ status: 'ACCEPTED' });
    expect(await bob.news('MESSAGE')).toEqual({ name: 'MESSAGE', roomName: room, info: { from: 'ada', text: 'hi' } });
    expect(await ada.operate(message('nobody'))).toMatchObject({ status: 'FAILED', info: 'There is no such member in the room' });
    const others = [...(await eve.settled()), ...(await ada.settled())];
    expect(others.filter((one) => JSON.stringify(one).includes('MESSAGE'))).toEqual([]);
  });

  it('keeps a member that gets a lot, and says nothing but that it is alive', { timeout: 60_000 }, async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const text = 'x'.repeat(32_000);
    for (let round = 0; round < 3; round += 1) {
      for (let number = 0; number < 15; number += 1) {
        await ada.operate({ command: 'sendMessage', options: { roomConfig: { name: room }, to: 'bob', text } });
        await bob.news('MESSAGE');
      }
      bob.messages.splice(0);
      await bob.next('ping');
      bob.say('pong', null);
    }
    expect(
      await ada.operate({ command: 'sendMessage', options: { roomConfig: { name: room }, to: 'bob', text: 'still here?' } }),
    ).toMatchObject({
      status: 'ACCEPTED',
    });
    expect(await bob.news('MESSAGE')).toMatchObject({ info: { text: 'still here?' } });
    expect(bob.closed).toBeUndefined();
  });

  it('is entered once by a login, and only with one', async () => {
    await joined('ada');
    const again = await connected('ada');
    expect(await again.join(room)).toMatchObject({ status: 'FAILED', info: 'This login is already in the room' });
    expect(await again.join(`${room}-other`)).toMatchObject({ status: 'ACCEPTED' });
    expect(await again.join(`${room}-other`)).toMatchObject({ status: 'FAILED' });
    const nobody = await connected();
    expect(await nobody.join(room)).toMatchObject({ status: 'FAILED', info: 'A login is needed to join a room' });
    expect(await nobody.operate({ command: 'leave', options: { name: room } })).toMatchObject({ status: 'FAILED' });
    expect(await again.join('x'.repeat(249))).toMatchObject({ status: 'FAILED' });
  });

  it('may be one of several of the same session', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const second = `${room}-two`;
    await ada.join(second);
    await bob.join(second);
    await ada.publish(`${second}-ada-1f3c`, { custom: { name: second } });
    expect(await bob.news('PUBLISHED')).toMatchObject({ roomName: second });
    await bob.play(`${second}-ada-1f3c`, { custom: { name: second } });
    await ada.operate({ command: 'leave', options: { name: room } });
    expect(await bob.news('LEFT')).toMatchObject({ roomName: room });
    await bob.play(`${second}-ada-1f3c`, { custom: { name: second } });
  });

  it('shows members of other protocols with names for their streams, and shows its own to them', async () => {
    const ada = await joined('ada');
    const member = await Member.open(stack.edge.url, '41');
    open.push(member);
    await member.join(room);
    expect(await ada.news('JOINED')).toMatchObject({ info: '41' });
    member.say({ id: 'receiveVideoFrom', userId: '41', sdpOffer: offer('sendonly') });
    const { info } = await ada.news('PUBLISHED');
    const { name } = info as { name: string };
    expect(info).toEqual({ login: '41', name: expect.stringMatching(new RegExp(`^${room}-41-`, 'u')) as string });
    await ada.play(name, inRoom());
    const bob = await joined('bob');
    expect((await bob.news('STATE')).info).toEqual(['ada', { login: '41', name }]);
    await member.next('newParticipantArrived');
    member.close();
    expect(await bob.news('UNPUBLISHED')).toMatchObject({ info: { login: '41', name } });
    expect(await bob.news('LEFT')).toMatchObject({ info: '41' });
  });
});

it('data of an application itself is accepted, whatever it is', async () => {
  const ada = await connected();
  for (const payload of [{ hello: 1 }, 'text', null, [1], { command: 'dance' }, undefined]) {
    expect(await ada.operate(payload)).toEqual({ operationId: expect.any(String) as string, status: 'ACCEPTED' });
  }
});
