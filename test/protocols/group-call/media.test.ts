import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Attendee } from '../mediasoup-http/attendee.ts';
import { Member, type Message } from './member.ts';
import { offer, OFFER_WITHOUT_SECTIONS } from './offers.ts';

let stack: Stack;
let room: string;
let count = 0;
const open: Member[] = [];

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `c-media-${++count}`;
});

afterEach(() => {
  for (const member of open.splice(0)) member.close();
});

async function joined(userId: string): Promise<Member> {
  const member = await Member.open(stack.edge.url, userId);
  open.push(member);
  await member.join(room);
  return member;
}

/** Offers, and returns the answer after the candidates that follow it. */
async function negotiate(member: Member, userId: string | number, sdpOffer: string): Promise<string> {
  member.say({ id: 'receiveVideoFrom', userId, sdpOffer });
  const answer = await member.next('receiveVideoAnswer');
  expect(answer.userId).toBe(String(userId));
  const sdp = String(answer.sdpAnswer);
  const candidates = linesOf(sdp, 'candidate');
  expect(candidates.length).toBeGreaterThan(0);
  const told: Message[] = [];
  while (told.length < new Set(candidates).size) told.push(await member.next('iceCandidate'));
  for (const { id, candidate, ...rest } of told as (Message & { candidate: Record<string, unknown> })[]) {
    expect([id, rest]).toEqual(['iceCandidate', { userId: String(userId) }]);
    expect(candidates).toContain(String(candidate.candidate).replace(/^candidate:/u, ''));
    expect(candidate).toMatchObject({ sdpMid: '0', sdpMLineIndex: 0 });
  }
  return sdp;
}

function linesOf(sdp: string, attribute: string): string[] {
  return sdp.split('\r\n').flatMap((line) => (line.startsWith(`a=${attribute}:`) ? [line.slice(attribute.length + 3)] : []));
}

const directionsOf = (sdp: string) => sdp.match(/^a=(?:sendonly|recvonly|sendrecv|inactive)$/gmu);

async function producersOf(userId: string): Promise<{ type: string; id: string }[]> {
  const response = await fetch(
    `${stack.edge.url}/api/media/rooms/producers?${new URLSearchParams({ roomName: room, producerMail: userId }).toString()}`,
  );
  const { result } = (await response.json()) as { result: Record<string, { type: string; id: string }[]> };
  return result[userId] ?? [];
}

describe('an offer', () => {
  it.each(['sendonly', 'sendrecv'] as const)(
    'for one’s own id (%s) is answered recvonly, and publishes microphone and camera',
    async (direction) => {
      const ada = await joined('40');
      expect(directionsOf(await negotiate(ada, 40, offer(direction)))).toEqual(['a=recvonly', 'a=recvonly']);
      expect((await producersOf('40')).map(({ type }) => type)).toEqual(['mic', 'webcam']);
    },
  );

  it('for another’s id is answered sendonly at once, in one stream, and publishes nothing', async () => {
    const [ada] = [await joined('40'), await joined('41')];
    const answer = await negotiate(ada, '41', offer('recvonly'));
    expect(directionsOf(answer)).toEqual(['a=sendonly', 'a=sendonly']);
    const streams = linesOf(answer, 'msid').map((line) => line.split(' ')[0]);
    expect(streams).toHaveLength(2);
    expect(new Set(streams).size).toBe(1);
    expect(linesOf(answer, 'ssrc')).toEqual([]);
    expect(await producersOf('40')).toEqual([]);
  });

  it('that sends to another’s id publishes nothing under anybody’s name', async () => {
    const [ada] = [await joined('40'), await joined('41')];
    ada.say({ id: 'receiveVideoFrom', userId: '41', sdpOffer: offer('sendonly') });
    await ada.settled();
    expect([...(await producersOf('40')), ...(await producersOf('41'))]).toEqual([]);
  });

  it('for one’s own id again replaces what was published, and a bad one leaves it', async () => {
    const ada = await joined('40');
    await negotiate(ada, '40', offer('sendonly'));
    const first = await producersOf('40');
    for (const bad of ['', 'v=0', offer('sendonly').replaceAll('sha-256', 'md5'), 'x'.repeat(60_000), OFFER_WITHOUT_SECTIONS]) {
      const before = await metric(ANSWERED);
      ada.say({ id: 'receiveVideoFrom', userId: '40', sdpOffer: bad });
      await eventually('the media node has refused it', async () => (await metric(ANSWERED)) > before);
      expect(await ada.settled()).toEqual([]);
      expect(await producersOf('40')).toEqual(first);
    }
    await negotiate(ada, '40', offer('sendonly'));
    const second = await producersOf('40');
    expect(second).toHaveLength(2);
    expect(second.map(({ id }) => id)).not.toEqual(first.map(({ id }) => id));
  });

  it('that is overtaken by a newer one for the same purpose has no answer', async () => {
    const [ada] = [await joined('40'), await joined('41')];
    for (let number = 0; number < 5; number += 1) ada.say({ id: 'receiveVideoFrom', userId: '41', sdpOffer: offer('recvonly') });
    await ada.next('receiveVideoAnswer');
    await negotiate(ada, '40', offer('sendonly'));
    expect(ada.messages.filter(({ id }) => id === 'receiveVideoAnswer')).toEqual([]);
  });

  it('leaves nothing on the media node when its member has gone', async () => {
    const [ada, bob] = [await joined('40'), await joined('41')];
    await negotiate(ada, '40', offer('sendonly'));
    await negotiate(bob, '40', offer('recvonly'));
    const attendee = new Attendee(stack.edge.url, room, 'eve@example.test');
    await attendee.join();
    bob.say({ id: 'receiveVideoFrom', userId: '40', sdpOffer: offer('recvonly') });
    ada.close();
    bob.close();
    await attendee.next('userLeft');
    await eventually('only the attendee’s transports are left', async () => (await metric(TRANSPORTS)) === 2);
    attendee.leave();
  });
});

/** How many offers the media node has answered or refused. */
const ANSWERED = /^parley_media_call_duration_seconds_count\{.*answerOffer.*\} (\d+)$/gmu;
const TRANSPORTS = /^parley_media_transports (\d+)$/gmu;

/** What the media node counts, in all rooms together. */
async function metric(pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${stack.mediaNode.url}/metrics`)).text();
  return [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}

describe('members of other protocols', () => {
  it('see what a member publishes; its states are pauses in words', async () => {
    const eve = new Attendee(stack.edge.url, room, 'eve@example.test');
    await eve.join();
    const ada = await joined('40');
    await negotiate(ada, '40', offer('sendonly'));
    const [mic, webcam] = [await eve.next('producerAdded'), await eve.next('producerAdded')] as { id: string; type: string }[];
    expect([mic, webcam]).toMatchObject([
      { user: '40', type: 'mic' },
      { user: '40', type: 'webcam' },
    ]);
    ada.say({ id: 'videoStateFrom', video: 'false' });
    expect(await eve.next('producerPaused')).toEqual({ user: '40', type: 'webcam' });
    expect(await eve.consume('40', webcam?.id ?? '', 'video')).toMatchObject({ kind: 'video' });
    ada.say({ id: 'videoStateFrom', video: 'true' });
    expect(await eve.next('producerResumed')).toEqual({ user: '40', type: 'webcam' });
    ada.close();
    expect(await eve.next('userLeft')).toEqual({ user: '40' });
    eve.leave();
  });
});

it('when the media node has lost everything, members are closed with a code to come back with, and can', async () => {
  const [ada, bob] = [await joined('40'), await joined('41')];
  await negotiate(ada, '40', offer('sendonly'));
  const [pid] = stack.mediaNode.workerPids();
  if (pid === undefined) throw new Error('the media node has no SFU process');
  process.kill(pid, 'SIGKILL');
  await eventually('both are closed', () => ada.closed !== undefined && bob.closed !== undefined);
  expect([ada.closed?.code, bob.closed?.code]).toEqual([1012, 1012]);
  await eventually(
    'a new SFU process runs',
    () => !stack.mediaNode.workerPids().includes(pid) && stack.mediaNode.workerPids().length === 1,
  );
  const again = await joined('40');
  expect(directionsOf(await negotiate(again, '40', offer('sendonly')))).toEqual(['a=recvonly', 'a=recvonly']);
});
