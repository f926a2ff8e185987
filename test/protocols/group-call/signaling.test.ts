import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Attendee } from '../mediasoup-http/attendee.ts';
import { type Line, Member } from './member.ts';

const LINES: readonly Line[] = ['sockjs', '/rtc/websocket', '/socket', '/group-call', '/any/where'];

let stack: Stack;
let room: string;
let count = 0;
const open: Member[] = [];

beforeAll(async () => {
  stack = await startStack({ GROUP_CALL_CAPACITY: '3' });
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `c-${++count}`;
});

afterEach(() => {
  for (const member of open.splice(0)) member.close();
});

async function member(userId: string, line: Line = '/socket'): Promise<Member> {
  const opened = await Member.open(stack.edge.url, userId, line);
  open.push(opened);
  return opened;
}

async function joined(userId: string, fields: object = {}, line: Line = '/socket'): Promise<Member> {
  const opened = await member(userId, line);
  await opened.join(room, fields);
  return opened;
}

/** Members that all know of each other. */
async function meeting(...userIds: string[]): Promise<Member[]> {
  const members: Member[] = [];
  for (const userId of userIds) {
    members.push(await joined(userId));
    for (const earlier of members.slice(0, -1)) await earlier.next('newParticipantArrived');
  }
  return members;
}

describe.each(LINES)('over %s', (line) => {
  it('members learn of each other, of changes, and of departures', async () => {
    const ada = await member('40', line);
    expect(await ada.join(room, { video: false })).toEqual([]);
    const bob = await member('41', line);
    expect(await bob.join(room, { audio: 'false' })).toEqual([{ userId: '40', video: false, audio: true }]);
    expect(await ada.take(1)).toEqual([{ id: 'newParticipantArrived', member: { userId: '41', video: true, audio: false } }]);

    bob.say({ id: 'videoStateFrom', userId: '41', video: 'false' });
    const answer = { id: 'videoStateAnswer', userId: '41', video: false };
    expect(await ada.take(1)).toEqual([answer]);
    expect(await bob.take(1)).toEqual([answer]);

    bob.say({ id: 'leaveRoom' });
    expect(await ada.take(1)).toEqual([{ id: 'participantLeft', userId: '41' }]);
    bob.close();
    expect(await ada.settled()).toEqual([]);
  });
});

describe('joinRoom', () => {
  it('takes numbers for ids, needs no other fields, and always answers with strings and booleans', async () => {
    const ada = await member('40');
    ada.say({ id: 'joinRoom', userId: 40, roomId: room });
    expect(await ada.take(1)).toEqual([{ id: 'existingParticipants', members: [] }]);
    const bob = await member('41');
    bob.say({ id: 'joinRoom', token: null, userId: 41, communityId: 0, roomId: room, video: 'true', audio: 1, extra: {} });
    expect(await bob.take(1)).toEqual([{ id: 'existingParticipants', members: [{ userId: '40', video: false, audio: false }] }]);
    expect(await ada.take(1)).toEqual([{ id: 'newParticipantArrived', member: { userId: '41', video: true, audio: true } }]);
  });

  it('takes rooms of communities and of direct messages by their room’s name alone', async () => {
    const ada = await member('40');
    expect(await ada.join(`c-8${room}`, { communityId: '3' })).toEqual([]);
    const bob = await member('41');
    expect(await bob.join(`r-8${room}`, { communityId: 0 })).toEqual([]);
    const eve = await member('42');
    expect(await eve.join(`c-8${room}`, { communityId: '0' })).toEqual([{ userId: '40', video: true, audio: true }]);
    expect(await ada.take(1)).toMatchObject([{ id: 'newParticipantArrived', member: { userId: '42' } }]);
    expect(await bob.settled()).toEqual([]);
  });

  it('of many at the same time tells every two of each other exactly once', async () => {
    const members = await Promise.all(['1', '2', '3'].map((userId) => member(userId)));
    const lists = await Promise.all(members.map((one) => one.join(room)));
    await Promise.all(members.map((one) => one.settled().then((came) => one.messages.unshift(...came))));
    for (const [index, one] of members.entries()) {
      const listed = (lists[index] as { userId: string }[]).map(({ userId }) => userId);
      const arrived = one.messages
        .filter(({ id }) => id === 'newParticipantArrived')
        .map((message) => (message.member as { userId: string }).userId);
      expect([...listed, ...arrived].toSorted()).toEqual(['1', '2', '3'].filter((userId) => userId !== one.userId));
    }
  });

  it('again leaves the first room', async () => {
    const [ada, bob] = await meeting('40', '41');
    expect(await bob?.join(`${room} elsewhere`)).toEqual([]);
    expect(await ada?.take(1)).toEqual([{ id: 'participantLeft', userId: '41' }]);
    expect(await bob?.join(room)).toEqual([{ userId: '40', video: true, audio: true }]);
    expect(await ada?.next('newParticipantArrived')).toMatchObject({ member: { userId: '41' } });
  });

  it('again of the same room is a departure and an arrival', async () => {
    const [ada, bob] = await meeting('40', '41');
    expect(await bob?.join(room)).toEqual([{ userId: '40', video: true, audio: true }]);
    expect((await ada?.take(2))?.map(({ id }) => id)).toEqual(['participantLeft', 'newParticipantArrived']);
    expect(await ada?.settled()).toEqual([]);
  });

  it('after leaveRoom joins anew over the same socket', async () => {
    const [ada, bob] = await meeting('40', '41');
    bob?.say({ id: 'leaveRoom' });
    bob?.say({ id: 'leaveRoom' });
    expect(await bob?.join(room)).toEqual([{ userId: '40', video: true, audio: true }]);
    expect((await ada?.take(2))?.map(({ id }) => id)).toEqual(['participantLeft', 'newParticipantArrived']);
  });

  it('of the same user over another socket takes the place over; the old socket hears nothing and disturbs nobody', async () => {
    const [ada, old] = await meeting('40', '41');
    const young = await joined('41', { video: false });
    expect(await ada?.take(2)).toEqual([
      { id: 'participantLeft', userId: '41' },
      { id: 'newParticipantArrived', member: { userId: '41', video: false, audio: true } },
    ]);
    old?.say({ id: 'videoStateFrom', userId: '41', video: true });
    old?.say({ id: 'leaveRoom' });
    old?.close();
    expect(await young.settled()).toEqual([]);
    expect(await ada?.next('audioStateAnswer')).toMatchObject({ userId: '41' });
    expect(await ada?.settled()).toEqual([]);
    expect(old?.messages).toEqual([]);
  });

  it('of a full room is answered with limitJoinAnswer; the socket stays and can join later', async () => {
    const [ada, , eve] = await meeting('40', '41', '42');
    const late = await member('43');
    late.say({ id: 'joinRoom', userId: '43', roomId: room });
    expect(await late.take(1)).toEqual([{ id: 'limitJoinAnswer', roomId: room }]);
    late.say({ id: 'videoStateFrom', userId: '43', video: true });
    expect(await ada?.settled()).toEqual([]);
    eve?.say({ id: 'leaveRoom' });
    await ada?.next('participantLeft');
    expect(await late.join(room)).toHaveLength(2);
  });

  it('takes over a place in a full room, which needs no other', async () => {
    await meeting('40', '41', '42');
    expect(await (await member('42')).join(room)).toHaveLength(2);
  });
});

describe('states', () => {
  it('are told again when nothing changed, and are those that later members see', async () => {
    const [ada, bob] = await meeting('40', '41');
    for (const video of [true, 'true', 1]) bob?.say({ id: 'videoStateFrom', userId: '41', video });
    bob?.say({ id: 'audioState', audio: 'false' });
    const told = [
      ...Array.from({ length: 3 }, () => ({ id: 'videoStateAnswer', userId: '41', video: true })),
      { id: 'audioStateAnswer', userId: '41', audio: false },
    ];
    expect(await ada?.take(4)).toEqual(told);
    expect(await bob?.take(4)).toEqual(told);
    expect(await (await member('42')).join(room)).toContainEqual({ userId: '41', video: true, audio: false });
  });

  it('are the sender’s own, whoever the message names', async () => {
    const [ada, bob] = await meeting('40', '41');
    for (const userId of ['40', '', 'nobody', undefined]) bob?.say({ id: 'videoState', userId, video: false });
    expect(await ada?.take(4)).toEqual(Array.from({ length: 4 }, () => ({ id: 'videoStateAnswer', userId: '41', video: false })));
  });
});

describe('leaving', () => {
  it.each(['closing', 'cutting'] as const)('by %s the socket is told at once and once', async (way) => {
    const [ada, bob] = await meeting('40', '41');
    if (way === 'closing') bob?.close();
    else bob?.cut();
    expect(await ada?.take(1)).toEqual([{ id: 'participantLeft', userId: '41' }]);
    expect(await ada?.settled()).toEqual([]);
  });

  it('of the last member ends the room', async () => {
    const [ada] = await meeting('40');
    ada?.say({ id: 'leaveRoom' });
    const exists = async () => {
      const response = await fetch(`${stack.edge.url}/api/media/rooms/exists?roomName=${room}`);
      return ((await response.json()) as { result: { exists: boolean } }).result.exists;
    };
    await eventually('the room is gone', async () => !(await exists()));
  });
});

describe('what makes no sense', () => {
  it('is passed over before and after joinRoom, and the connection stays usable', async () => {
    const ada = await joined('40');
    const bob = await member('41');
    const nonsense = [
      '',
      '{',
      'null',
      '[]',
      '42',
      '"joinRoom"',
      '{"id":"fly"}',
      '{"id":7}',
      '{}',
      { id: 'joinRoom' },
      { id: 'joinRoom', userId: '41' },
      { id: 'joinRoom', userId: '', roomId: room },
      { id: 'joinRoom', userId: {}, roomId: room },
      { id: 'joinRoom', userId: 'x'.repeat(300), roomId: room },
      { id: 'joinRoom', userId: '41', roomId: '' },
      { id: 'joinRoom', userId: '41', roomId: 'x'.repeat(300) },
      { id: 'joinRoom', userId: '41', roomId: room, video: 'perhaps' },
      { id: 'videoStateFrom' },
      { id: 'videoStateFrom', video: null },
      { id: 'receiveVideoFrom', userId: '40' },
      { id: 'receiveVideoFrom', userId: '40', sdpOffer: 'x'.repeat(70_000) },
      { id: 'receiveVideoFrom', userId: '40', sdpOffer: 'v=0' },
      { id: 'receiveVideoFrom', userId: 'nobody', sdpOffer: 'v=0' },
      { id: 'receiveVideoFrom', userId: '41', sdpOffer: 'v=0' },
      { id: 'onIceCandidate' },
      { id: 'onIceCandidate', userId: '41', candidate: { candidate: 7 } },
    ];
    for (const one of nonsense) bob.say(one);
    expect(await bob.join(room)).toEqual([{ userId: '40', video: true, audio: true }]);
    for (const one of nonsense) bob.say(one);
    expect(await bob.settled()).toEqual([]);
    expect((await ada.settled()).map(({ id }) => id)).toEqual(['newParticipantArrived', 'audioStateAnswer']);
    expect(bob.closed).toBeUndefined();
  });

  it('is logged, each of it once, in words that repeat nothing of it', async () => {
    const ada = await joined('40');
    const before = stack.edge.log.length;
    const nonsense = [
      'a secret',
      { id: 'receiveVideoFrom', userId: 'a secret nobody', sdpOffer: 'v=0' },
      { id: 'receiveVideoFrom', userId: '40', sdpOffer: 'a secret' },
      { id: 'onIceCandidate', userId: '40', candidate: { candidate: 'a secret', sdpMid: '0', sdpMLineIndex: 0 } },
      { id: 'videoStateFrom', userId: '40', video: 'a secret' },
      { id: 'a secret' },
    ];
    for (const one of nonsense) ada.say(one);
    await ada.settled();
    const logged = () => stack.edge.log.slice(before).filter((line) => line.includes('group-call'));
    await eventually('all of it is logged', () => logged().length >= nonsense.length);
    expect(logged()).toHaveLength(nonsense.length);
    expect(logged().join()).not.toContain('secret');
  });

  it('does not include candidates, however a client spells them', async () => {
    const ada = await joined('40');
    const before = stack.edge.log.length;
    const text = 'candidate:1 1 udp 2122260223 192.0.2.9 5004 typ host generation 0 ufrag abcd';
    const candidates = [
      { candidate: text, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'abcd' },
      { candidate: `a=${text}\r\n`, sdpMid: null, sdpMLineIndex: '1' },
      { candidate: { candidate: text, sdpMid: '0', sdpMLineIndex: 0 } },
      { candidate: '', sdpMid: '0', sdpMLineIndex: 0 },
      text,
      null,
    ];
    for (const candidate of candidates) ada.say({ id: 'onIceCandidate', userId: '40', candidate });
    expect(await ada.settled()).toEqual([]);
    expect(stack.edge.log.slice(before).filter((line) => line.includes('group-call'))).toEqual([]);
  });

  it('on a path of no protocol closes the socket when it is the first message', async () => {
    for (const first of ['hello', '{"no":"id"}', '']) {
      const stranger = await member('40', '/any/where');
      stranger.say(first);
      await eventually('the socket is closed', () => stranger.closed !== undefined);
      expect(stranger.closed).toMatchObject({ code: 1003 });
    }
  });
});

describe('with members of another protocol', () => {
  it('shows what they publish, pause and remove as state', async () => {
    const [ada, bob] = [await joined('40'), new Attendee(stack.edge.url, room, 'bob@example.test')];
    await bob.join();
    expect(await ada.take(1)).toEqual([{ id: 'newParticipantArrived', member: { userId: bob.mail, video: false, audio: false } }]);
    await bob.produce('mic');
    await bob.produce('webcam');
    await bob.peer?.notify('producerPaused', { type: 'mic' });
    await bob.peer?.notify('producerResumed', { type: 'mic' });
    await bob.peer?.notify('producerRemoved', { type: 'webcam' });
    expect(await ada.take(5)).toEqual([
      { id: 'audioStateAnswer', userId: bob.mail, audio: true },
      { id: 'videoStateAnswer', userId: bob.mail, video: true },
      { id: 'audioStateAnswer', userId: bob.mail, audio: false },
      { id: 'audioStateAnswer', userId: bob.mail, audio: true },
      { id: 'videoStateAnswer', userId: bob.mail, video: false },
    ]);
    expect(await (await member('41')).join(room)).toContainEqual({ userId: bob.mail, video: false, audio: true });
    bob.leave();
    expect(await ada.next('participantLeft')).toEqual({ id: 'participantLeft', userId: bob.mail });
  });

  it('an id of theirs is refused in silence, and they stay', async () => {
    const ada = await joined('40');
    const bob = new Attendee(stack.edge.url, room, 'bob@example.test');
    await bob.join();
    await ada.next('newParticipantArrived');
    const intruder = await member(bob.mail);
    intruder.say({ id: 'joinRoom', userId: bob.mail, roomId: room });
    intruder.say({ id: 'videoStateFrom', userId: bob.mail, video: true });
    expect(await ada.settled()).toEqual([]);
    expect(intruder.messages).toEqual([]);
    expect(intruder.closed).toBeUndefined();
    expect(bob.peer?.connected).toBe(true);
    bob.leave();
  });

  it('they hear of arrivals and departures', async () => {
    const bob = new Attendee(stack.edge.url, room, 'bob@example.test');
    await bob.join();
    const ada = await joined('40');
    expect(await bob.next('userJoined')).toEqual({ user: '40', producers: [] });
    ada.close();
    expect(await bob.next('userLeft')).toEqual({ user: '40' });
    bob.leave();
  });
});
