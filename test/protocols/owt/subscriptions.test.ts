/** Subscriptions without a browser: to what a member of another protocol publishes, whose streams are announced at once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { Attendee } from '../mediasoup-http/attendee.ts';
import { Member, type MemberOptions } from './member.ts';
import { directionsOf, offer, valuesOf } from './offers.ts';

let stack: Stack;
let room: string;
let count = 0;
let grace: Attendee;
const open: Member[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(async () => {
  room = `owt-subscriptions-${++count}`;
  grace = new Attendee(stack.edge.url, room, 'grace');
  await grace.join();
});
afterEach(() => {
  for (const member of open.splice(0)) member.close();
  grace.leave();
});

async function joined(user: string, options: MemberOptions = {}): Promise<Member> {
  const member = await Member.join(stack.edge.url, room, { user, ...options });
  open.push(member);
  return member;
}

/** The ids of the stream with her sound and of the one with her picture. */
async function published(member: Member): Promise<{ sound: string; picture: string }> {
  await grace.produce('mic');
  const sound = String((await member.next('stream')).data.id);
  await grace.produce('webcam');
  return { sound, picture: String((await member.next('stream')).data.id) };
}

const video = (from: string, mid = '0') => ({ media: { tracks: [{ type: 'video', mid, from }] } });
const RECEIVING = offer({ kind: 'video', direction: 'recvonly' });

describe('a subscription', () => {
  it('is answered in all forms, and names its own media stream', async () => {
    const [ada, old] = [await joined('ada'), await joined('old', { protocol: '1.1' })];
    const { picture } = await published(ada);
    const newest = await ada.subscribe(video(picture));
    const answer = await ada.negotiate(newest.id, RECEIVING);
    expect(directionsOf(answer)).toEqual(['sendonly']);
    expect(valuesOf(answer, 'msid')[0]).toMatch(new RegExp(`^${newest.id} `, 'u'));
    const literal = await ada.subscribe({ media: { from: picture, mid: '0' } });
    expect(literal.transportId).toBe(literal.id);
    expect(directionsOf(await ada.negotiate(literal.id, RECEIVING))).toEqual(['sendonly']);
    const second = await ada.subscribe({ media: { from: `${picture}-v`, mid: '1' }, transportId: literal.id });
    expect(second.transportId).toBe(literal.id);
    const again = await ada.negotiate(
      literal.id,
      offer({ kind: 'video', direction: 'recvonly' }, { kind: 'video', direction: 'recvonly' }),
    );
    expect(directionsOf(again)).toEqual(['sendonly', 'sendonly']);
    const older = await old.subscribe({ media: { audio: { from: picture }, video: { from: picture } } });
    const mixed = await old.negotiate(older.id, offer({ kind: 'audio', direction: 'recvonly' }, { kind: 'video', direction: 'recvonly' }));
    expect(directionsOf(mixed)).toEqual(['inactive', 'sendonly']);
  });

  it.each([
    ['by a member that may only hear, to a picture', { role: 'audio_only_presenter' }, (picture: string) => video(picture), 'unauthorized'],
    [
      'by a member that may only hear, to whatever a picture’s stream has',
      { role: 'audio_only_presenter' },
      (picture: string) => ({ media: { from: picture, mid: '0' } }),
      'The stream has no such track',
    ],
    [
      'to the sound of what has none',
      {},
      (picture: string) => ({ media: { tracks: [{ type: 'audio', mid: '0', from: picture }] } }),
      'The stream has no such track',
    ],
    [
      'to a track of another kind',
      {},
      (picture: string) => ({ media: { tracks: [{ type: 'audio', mid: '0', from: `${picture}-v` }] } }),
      'The stream has no such track',
    ],
    ['to a track that is not there', {}, (picture: string) => video(`${picture}-x`), 'Stream does NOT exist'],
    [
      'over a transport that is not there',
      {},
      (picture: string) => ({ ...video(picture), transport: { type: 'webrtc', id: 'nowhere' } }),
      'Invalid transport id',
    ],
  ])('%s is refused', async (_what, options, body, reason) => {
    const ada = await joined('ada', options);
    const { picture } = await published(ada);
    expect(await ada.say('subscribe', body(picture))).toEqual(['error', reason]);
  });

  it('in a section that does not fit falls, and may be ended once more', async () => {
    const ada = await joined('ada');
    const { picture } = await published(ada);
    const { id } = await ada.subscribe(video(picture));
    await ada.negotiate(id, offer({ kind: 'audio', direction: 'recvonly' }));
    expect((await ada.next('progress')).data).toEqual({
      id,
      sessionId: id,
      status: 'error',
      data: 'Nothing could be agreed about the media of this session',
    });
    expect(await ada.say('unsubscribe', { id })).toEqual(['ok']);
  });

  it('ends with its stream, of which everybody is told before', async () => {
    const ada = await joined('ada');
    const { picture } = await published(ada);
    const { id } = await ada.subscribe(video(picture));
    await ada.negotiate(id, RECEIVING);
    grace.leave();
    await ada.next('stream', (data) => data.id === picture && data.status === 'remove');
    expect((await ada.next('progress')).data).toEqual({ id, sessionId: id, status: 'error', data: 'Source stream loss' });
    expect(await ada.say('unsubscribe', { id })).toEqual(['ok']);
  });

  it('that its owner has too many of is refused', async () => {
    const ada = await joined('ada');
    const { picture } = await published(ada);
    for (let number = 0; number < 512; number += 128) {
      await Promise.all(Array.from({ length: 128 }, () => ada.subscribe(video(picture))));
    }
    expect(await ada.say('subscribe', video(picture))).toEqual(['error', 'Too many sessions']);
  });
});

describe('subscription-control', () => {
  it('is for the owner, for what is received, and changes no stream', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const { sound, picture } = await published(ada);
    const { id } = await ada.subscribe(video(picture));
    const pause = { id, operation: 'pause', data: 'video' };
    expect(await ada.say('subscription-control', pause)).toEqual(['error', 'The stream has no such track']);
    await ada.negotiate(id, RECEIVING);
    expect(await bob.say('subscription-control', pause)).toEqual(['error', 'unauthorized']);
    expect(await ada.say('subscription-control', { ...pause, data: 'audio' })).toEqual(['error', 'The stream has no such track']);
    for (const operation of ['pause', 'play']) {
      for (const data of ['video', 'av']) expect(await ada.say('subscription-control', { id, operation, data })).toEqual(['ok']);
    }
    const update = (change: object) => ada.say('subscription-control', { id, operation: 'update', data: { video: change } });
    expect(await update({ parameters: { bitrate: 'x0.5', framerate: 15, resolution: { width: 320, height: 240 } } })).toEqual(['ok']);
    expect(await update({ from: picture })).toEqual(['ok']);
    expect(await update({ from: sound })).toEqual(['error', 'A subscription cannot change to another stream']);
    expect(await update({ from: 'nowhere' })).toEqual(['error', 'Stream does NOT exist']);
    expect((await ada.say('subscription-control', { id, operation: 'fly', data: 'av' }))[0]).toBe('error');
    expect((await bob.settled()).filter(({ data }) => data.status === 'update')).toEqual([]);
  });
});

it('while the media server is not there, an offer ends its transport in words, and the member stays', async () => {
  const other = await startStack();
  const ada = await Member.join(other.edge.url, 'r');
  const { id } = await ada.publish({ media: { type: 'video', mid: '0', source: 'camera' } });
  await other.mediaNode.close();
  expect(await ada.say('soac', { id, signaling: { type: 'offer', sdp: offer({ kind: 'video', direction: 'sendonly' }) } })).toEqual(['ok']);
  expect((await ada.next('progress')).data).toEqual({ id, status: 'error', data: 'Media is not available, try again' });
  expect(await ada.say('text', { to: 'all', message: 'still here' })).toEqual(['ok']);
  ada.close();
  await other.edge.stop();
});
