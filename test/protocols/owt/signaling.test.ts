import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { decoded, LOGIN, Member, type MemberOptions, tokenFor } from './member.ts';
import { directionsOf, offer, type OfferedSection, valuesOf } from './offers.ts';

let stack: Stack;
let room: string;
let count = 0;
const open: Member[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  room = `owt-${++count}`;
});
afterEach(() => {
  for (const member of open.splice(0)) member.close();
});

async function joined(user: string, options: MemberOptions = {}): Promise<Member> {
  const member = await Member.join(stack.edge.url, room, { user, ...options });
  open.push(member);
  return member;
}

async function connected(): Promise<Member> {
  const member = await Member.connect(stack.edge.url);
  open.push(member);
  return member;
}

const CAMERA = {
  media: {
    tracks: [
      { type: 'audio', mid: '0', source: 'mic' },
      { type: 'video', mid: '1', source: 'camera' },
    ],
  },
  attributes: { name: 'me' },
  transport: { type: 'webrtc' },
};

describe('login', () => {
  it('answers with everything that is in the room, the joiner included', async () => {
    const ada = await joined('ada');
    expect(ada.login).toEqual({
      id: expect.stringMatching(/^[\da-f]{32}$/u) as unknown,
      user: 'ada',
      role: 'presenter',
      permission: { publish: { audio: true, video: true }, subscribe: { audio: true, video: true } },
      room: { id: room, views: [], streams: [], participants: [{ id: ada.id, user: 'ada', role: 'presenter' }] },
      reconnectionTicket: expect.any(String) as unknown,
    });
    const bob = await joined('bob', { role: 'viewer' });
    expect(bob.login?.permission).toEqual({ publish: { audio: false, video: false }, subscribe: { audio: true, video: true } });
    expect(bob.login?.room.participants.map(({ user, role }) => `${user} ${role}`)).toEqual(['ada presenter', 'bob viewer']);
    expect(await ada.next('participant')).toEqual({
      event: 'participant',
      data: { action: 'join', data: { id: bob.id, user: 'bob', role: 'viewer' } },
    });
    expect(await bob.settled()).toEqual([]);
  });

  it.each(['2.x', '3.x', '4.x'] as const)('works with Socket.IO clients %s that begin with polling, and only poll', async (generation) => {
    const [ada, bob] = [await joined('ada', { generation }), await joined('bob', { generation, transports: ['polling'] })];
    expect(bob.login?.room.participants).toHaveLength(2);
    expect((await ada.next('participant')).data.data?.user).toBe('bob');
  });

  it.each([['1.0'], ['1.1'], ['1.2'], [undefined], ['9'], [7]])('takes a client of protocol %s', async (protocol) => {
    expect((await joined('ada', { protocol })).login?.user).toBe('ada');
  });

  it.each([
    ['no token', () => ({})],
    ['nothing', () => null],
    ['words', () => 'let me in'],
    ['a token that is none', () => ({ token: 'abc', ...LOGIN })],
    ['a token of somebody else', () => ({ token: btoa(JSON.stringify({ tokenId: '1', host: 'a', secure: false, signature: 'b' })) })],
  ])('refuses %s and ends the connection', async (_what, login) => {
    const stranger = await connected();
    expect(await stranger.say('login', login())).toEqual(['error', 'Invalid token']);
    await expect.poll(() => stranger.disconnects).toBe(1);
  });

  it('refuses a token that was changed', async () => {
    const token = decoded(await tokenFor(stack.edge.url, room));
    const forged = btoa(JSON.stringify({ ...token, role: 'sip' }));
    expect(await (await connected()).say('login', { token: forged })).toEqual(['error', 'Invalid token signature']);
    const elsewhere = btoa(JSON.stringify({ ...token, room: 'default/elsewhere' }));
    expect(await (await connected()).say('login', { token: elsewhere })).toEqual(['error', 'Invalid token signature']);
  });

  it('takes a token once, also after everybody has left', async () => {
    const token = await tokenFor(stack.edge.url, room);
    const first = await connected();
    expect((await first.say('login', { token }))[0]).toBe('ok');
    expect(await (await connected()).say('login', { token })).toEqual(['error', 'Token has been used']);
    await first.say('logout');
    expect(await (await connected()).say('login', { token })).toEqual(['error', 'Token has been used']);
  });

  it('is not possible twice over one connection', async () => {
    const ada = await joined('ada');
    expect(await ada.say('login', { token: await tokenFor(stack.edge.url, room) })).toEqual(['error', 'Illegal request']);
    expect(await ada.say('relogin', ada.ticket)).toEqual(['error', 'Illegal request']);
  });

  it('keeps rooms apart', async () => {
    const ada = await joined('ada');
    const other = await Member.join(stack.edge.url, `${room}-other`, { user: 'eve' });
    open.push(other);
    await other.say('text', { to: 'all', message: 'anybody?' });
    expect(other.login?.room.participants).toHaveLength(1);
    expect(await ada.settled()).toEqual([]);
  });

  it('refuses requests of clients that do not log in', async () => {
    const stranger = await connected();
    expect(await stranger.say('publish', CAMERA)).toEqual(['error', 'Illegal request']);
  });
});

it('a full room refuses newcomers', async () => {
  const small = await startStack({ ROOM_CAPACITY: '1' });
  try {
    const ada = await Member.join(small.edge.url, room);
    const token = await tokenFor(small.edge.url, room);
    const late = await Member.connect(small.edge.url);
    expect(await late.say('login', { token })).toEqual(['error', 'Room is full']);
    await ada.say('logout');
    const again = await Member.connect(small.edge.url);
    expect((await again.say('login', { token }))[0]).toBe('ok');
    for (const member of [ada, late, again]) member.close();
  } finally {
    await small.stop();
  }
});

describe('publish', () => {
  it('in the form of protocol 1.2 is answered with a session whose id is that of its transport', async () => {
    const ada = await joined('ada');
    const { id, transportId } = await ada.publish(CAMERA);
    expect(id).toMatch(/^[\dA-Za-z-]+$/u);
    expect(transportId).toBe(id);
    const answer = await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
    expect(directionsOf(answer)).toEqual(['recvonly', 'recvonly']);
    expect(answer).toContain('a=ice-lite');
    expect(answer).not.toContain('sdes:mid');
    expect(valuesOf(answer, 'candidate').length).toBeGreaterThan(0);
    expect(valuesOf(answer, 'setup')).toEqual(['passive', 'passive']);
  });

  it('in the form of protocol 1.1 takes the sections by their kind, whatever their names', async () => {
    const ada = await joined('ada', { protocol: '1.1' });
    const { id } = await ada.publish({ media: { audio: { source: 'mic' }, video: { source: 'camera', parameters: { framerate: 30 } } } });
    const answer = await ada.negotiate(id, offer({ kind: 'video', direction: 'sendrecv' }, { kind: 'audio', direction: 'sendrecv' }));
    expect(directionsOf(answer)).toEqual(['recvonly', 'recvonly']);
  });

  it('in the form of the original document joins tracks of one PeerConnection, and no others', async () => {
    const ada = await joined('ada');
    const audio = await ada.publish({ media: { type: 'audio', source: 'mic', mid: '0' } });
    const video = await ada.publish({ media: { type: 'video', source: 'camera', mid: '1' } });
    const elsewhere = await ada.publish({ media: { type: 'audio', source: 'mic', mid: '0' } });
    expect(audio.transportId).toBe(audio.id);
    expect(video.transportId).toBe(audio.id);
    expect(elsewhere.transportId).toBe(elsewhere.id);
    expect(
      await ada.say('soac', {
        transportId: audio.id,
        signaling: { type: 'offer', sdp: offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }) },
      }),
    ).toEqual(['ok']);
    const { data } = await ada.next('progress');
    expect(directionsOf(data.data?.sdp ?? '')).toEqual(['recvonly', 'recvonly']);
  });

  it('publishes nothing that was not asked for', async () => {
    const ada = await joined('ada', { role: 'audio_only_presenter' });
    const { id } = await ada.publish({ media: { audio: { source: 'mic' }, video: false } });
    const answer = await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
    expect(directionsOf(answer)).toEqual(['recvonly', 'inactive']);
    const other = await ada.publish({ media: { tracks: [{ type: 'audio', mid: '1', source: 'mic' }] } });
    const tricky = await ada.negotiate(other.id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
    expect(directionsOf(tricky)).toEqual(['inactive', 'inactive']);
    expect((await ada.next('progress')).data).toMatchObject({ id: other.id, sessionId: other.id, status: 'error' });
  });

  it.each([
    ['viewer', CAMERA],
    ['audio_only_presenter', CAMERA],
    ['video_only_viewer', { media: { type: 'audio', mid: '0', source: 'mic' } }],
  ])('is refused for a %s', async (role, body) => {
    expect(await (await joined('ada', { role })).say('publish', body)).toEqual(['error', 'unauthorized']);
  });

  it.each([
    ['nothing', undefined, 'request'],
    ['no media', {}, 'request.media'],
    ['empty media', { media: {} }, 'request.media'],
    ['no tracks', { media: { tracks: [] } }, 'request.media.tracks'],
    ['a track without a section', { media: { tracks: [{ type: 'audio', source: 'mic' }] } }, 'request.media.tracks.0.mid'],
    ['an unheard-of source', { media: { tracks: [{ type: 'audio', mid: '0', source: 'moon' }] } }, 'request.media.tracks.0.source'],
    ['an unheard-of kind', { media: { type: 'smell', mid: '0', source: 'mic' } }, 'request.media.type'],
    ['too many attributes', { ...CAMERA, attributes: { text: 'x'.repeat(9000) } }, 'request.attributes'],
  ])('of %s is refused with the place of the mistake', async (_what, body, place) => {
    const [status, reason] = await (await joined('ada')).say('publish', body);
    expect(status).toBe('error');
    expect(reason).toMatch(new RegExp(`^${place.replaceAll('.', '\\.')}: `, 'u'));
  });

  it('over a transport that is not there, or is another’s, is refused; so is a section that is in use', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const { id } = await ada.publish(CAMERA);
    for (const transport of ['nowhere', id]) {
      expect(await bob.say('publish', { ...CAMERA, transport: { type: 'webrtc', id: transport } })).toEqual([
        'error',
        'Invalid transport id',
      ]);
    }
    const again = { ...CAMERA, transport: { type: 'webrtc', id } };
    expect(await ada.say('publish', again)).toEqual(['error', 'The media section belongs to another session']);
    expect(await ada.say('unpublish', { id })).toEqual(['ok']);
    expect((await ada.say('publish', again))[0]).toBe('ok');
  });
});

describe('soac', () => {
  it.each([
    ['no address', { signaling: { type: 'offer', sdp: '' } }, 'Invalid soac id'],
    ['nothing', null, 'Invalid soac id'],
    ['another’s address', { id: 'nowhere', signaling: { type: 'offer', sdp: '' } }, 'Invalid soac id'],
    ['no signaling', { id: 'x' }, 'Invalid signaling object'],
    ['unheard-of signaling', { id: 'x', signaling: { type: 'rollback' } }, 'Invalid signaling type'],
    ['an offer without a description', { id: 'x', signaling: { type: 'offer' } }, /^signaling\.sdp: /u],
    ['a candidate that is none', { id: 'x', signaling: { type: 'candidate', candidate: 7 } }, /^signaling\.candidate/u],
  ])('with %s is refused', async (_what, body, reason) => {
    const ada = await joined('ada');
    const { id } = await ada.publish(CAMERA);
    const addressed = body && 'id' in body && body.id === 'x' ? { ...body, id } : body;
    const [status, told] = await ada.say('soac', addressed);
    expect(status).toBe('error');
    if (typeof reason === 'string') expect(told).toBe(reason);
    else expect(told).toMatch(reason);
  });

  it.each([
    { type: 'candidate', candidate: { candidate: 'a=candidate:1 1 udp 1 a.local 9 typ host', sdpMid: '0', sdpMLineIndex: 0 } },
    { type: 'candidate', candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: '0' },
    { type: 'candidate', candidate: { candidate: '', sdpMid: null, sdpMLineIndex: null } },
    { type: 'removed-candidates', candidates: [{ candidate: 'a=candidate:1 1 udp 1 192.0.2.1 9 typ host' }] },
    { type: 'answer', sdp: 'v=0' },
  ])('%j is taken', async (signaling) => {
    const ada = await joined('ada');
    const { id } = await ada.publish(CAMERA);
    expect(await ada.say('soac', { id, signaling })).toEqual(['ok']);
    expect(await ada.say('soac', { transportId: id, signaling }, null)).toEqual(['ok']);
    ada.client.emit('soac', { id, signaling });
    expect(await ada.settled()).toEqual([]);
  });

  it('an offer that makes no sense ends the transport, and another one can be made', async () => {
    const ada = await joined('ada');
    const { id } = await ada.publish(CAMERA);
    expect(await ada.say('soac', { id, signaling: { type: 'offer', sdp: 'v=0' } })).toEqual(['ok']);
    expect((await ada.next('progress')).data).toEqual({ id, status: 'error', data: expect.any(String) as unknown });
    expect(await ada.say('soac', { id, signaling: { type: 'offer', sdp: 'v=0' } })).toEqual(['error', 'Invalid soac id']);
    const again = await ada.publish(CAMERA);
    await ada.negotiate(again.id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
  });

  it('a later offer that makes no sense ends what it was made for, and nothing else', async () => {
    const ada = await joined('ada');
    const first = await ada.publish({ media: { tracks: [{ type: 'audio', mid: '0', source: 'mic' }] } });
    await ada.negotiate(first.id, offer({ kind: 'audio', direction: 'sendonly' }));
    const transport = { type: 'webrtc', id: first.id };
    const second = await ada.publish({ media: { tracks: [{ type: 'video', mid: '1', source: 'camera' }] }, transport });
    expect(await ada.say('soac', { id: first.id, signaling: { type: 'offer', sdp: 'v=0' } })).toEqual(['ok']);
    expect((await ada.next('progress')).data).toEqual({
      id: second.id,
      sessionId: second.id,
      status: 'error',
      data: expect.any(String) as unknown,
    });
    expect(await ada.say('stream-control', { id: first.id, operation: 'pause', data: 'audio' })).toEqual(['ok']);
    expect(await ada.say('unpublish', { id: second.id })).toEqual(['ok']);

    // An offer for nothing new costs nothing.
    expect(await ada.say('soac', { id: first.id, signaling: { type: 'offer', sdp: 'v=0' } })).toEqual(['ok']);
    expect(await ada.settled()).toEqual([]);
    await ada.publish({ media: { tracks: [{ type: 'video', mid: '2', source: 'camera' }] }, transport });
    const sections = ['audio', 'video', 'video'].map((kind) => ({ kind, direction: 'sendonly' }) as OfferedSection);
    expect(directionsOf(await ada.negotiate(first.id, offer(...sections)))).toEqual(['recvonly', 'inactive', 'recvonly']);
  });

  it('an offer that knows nothing of a session that was just opened leaves it to the next one', async () => {
    const ada = await joined('ada');
    const { id } = await ada.publish({ media: { type: 'audio', mid: '0', source: 'mic' } });
    await ada.publish({ media: { type: 'video', mid: '1', source: 'camera' } });
    await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }));
    expect(await ada.settled()).toEqual([]);
    const answer = await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
    expect(directionsOf(answer)).toEqual(['recvonly', 'recvonly']);
  });

  it('offers one after the other, with everything that was ever in the connection, are answered', async () => {
    const ada = await joined('ada');
    const sections: { kind: 'audio' | 'video'; direction: 'sendonly' | 'inactive' }[] = [];
    let transport: string | undefined;
    for (let round = 0; round < 20; round += 1) {
      const at = sections.length;
      sections.push({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' });
      const tracks = [
        { type: 'audio', mid: String(at), source: 'mic' },
        { type: 'video', mid: String(at + 1), source: 'camera' },
      ];
      const { id, transportId } = await ada.publish({ media: { tracks }, transport: { type: 'webrtc', id: transport } });
      transport ??= transportId;
      const answer = await ada.negotiate(transport, offer(...sections));
      expect(directionsOf(answer)).toEqual(sections.map(({ direction }) => (direction === 'inactive' ? 'inactive' : 'recvonly')));
      expect(answer).not.toMatch(/^m=\w+ 0 /mu);
      await ada.say('unpublish', { id });
      sections.splice(at, 2, { kind: 'audio', direction: 'inactive' }, { kind: 'video', direction: 'inactive' });
    }
  });
});

it('sessions that end while they are being negotiated leave nothing behind', async () => {
  // Members of earlier tests keep their places for a minute, and their media.
  const fresh = await startStack();
  const ada = await Member.join(fresh.edge.url, room);
  const producers = async (): Promise<number> => {
    const text = await (await fetch(`${fresh.mediaNode.url}/metrics`)).text();
    return [...text.matchAll(/^parley_media_producers(?:\{.*\})? (\d+)$/gmu)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  for (const protocol of ['1.2', '1.1']) {
    for (let round = 0; round < 10; round += 1) {
      const media = protocol === '1.1' ? { audio: { source: 'mic' }, video: { source: 'camera' } } : CAMERA.media;
      const { id } = await ada.publish({ media });
      const sdp = offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' });
      const all = await Promise.all([ada.say('soac', { id, signaling: { type: 'offer', sdp } }), ada.say('unpublish', { id })]);
      expect(all).toEqual([['ok'], ['ok']]);
    }
  }
  await ada.settled();
  await expect.poll(producers, { timeout: 5_000 }).toBe(0);
  ada.close();
  await fresh.stop();
});

describe('other requests', () => {
  it('to end what is not there, or is another’s, are refused; what has ended may be ended again', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const { id } = await ada.publish(CAMERA);
    expect(await bob.say('unpublish', { id })).toEqual(['error', 'unauthorized']);
    expect(await bob.say('unpublish', { id: 'nowhere' })).toEqual(['error', 'Stream does NOT exist']);
    expect(await bob.say('unsubscribe', { id: 'nowhere' })).toEqual(['error', 'Subscription does NOT exist']);
    expect(await bob.say('unsubscribe', { id })).toEqual(['error', 'Subscription does NOT exist']);
    expect((await bob.say('unpublish', { id: null }))[0]).toBe('error');
    expect(await ada.say('unpublish', { id })).toEqual(['ok']);
    expect(await ada.say('unpublish', { id })).toEqual(['ok']);
  });

  it('stream-control is for the owner, and for what the stream has', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    const { id } = await ada.publish({ media: { tracks: [{ type: 'audio', mid: '0', source: 'mic' }] } });
    await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }));
    const control = { id, operation: 'pause', data: 'audio' };
    expect(await bob.say('stream-control', control)).toEqual(['error', 'unauthorized']);
    expect(await ada.say('stream-control', { ...control, id: 'nowhere' })).toEqual(['error', 'Stream does NOT exist']);
    expect(await ada.say('stream-control', { ...control, data: 'video' })).toEqual(['error', 'The stream has no such track']);
    expect(await ada.say('stream-control', control)).toEqual(['ok']);
    expect(await ada.say('stream-control', { ...control, data: 'av' })).toEqual(['ok']);
    for (const operation of ['mix', 'unmix', 'set-region', 'get-region']) {
      expect(await ada.say('stream-control', { id, operation, data: 'common' })).toEqual(['error', 'Streams are not mixed here']);
    }
  });

  it('subscriptions of what is not there are refused', async () => {
    const ada = await joined('ada');
    const body = { media: { tracks: [{ type: 'video', mid: '0', from: 'nowhere' }] } };
    expect(await ada.say('subscribe', body)).toEqual(['error', 'Stream does NOT exist']);
    expect(await ada.say('subscribe', { media: { from: 'nowhere', mid: '0' } })).toEqual(['error', 'Stream does NOT exist']);
    expect(await ada.say('subscribe', { media: { audio: { from: 'nowhere' }, video: false } })).toEqual(['error', 'Stream does NOT exist']);
    expect(await ada.say('subscription-control', { id: 'nowhere', operation: 'pause', data: 'av' })).toEqual([
      'error',
      'Subscription does NOT exist',
    ]);
  });

  it('text reaches all, its sender included, or one', async () => {
    const [ada, bob, eve] = [await joined('ada'), await joined('bob'), await joined('eve')];
    expect(await ada.say('text', { to: 'all', message: 'hello' })).toEqual(['ok']);
    for (const one of [ada, bob, eve]) expect((await one.next('text')).data).toEqual({ from: ada.id, to: 'all', message: 'hello' });
    expect(await ada.say('text', { to: bob.id, message: 'psst' })).toEqual(['ok']);
    expect((await bob.next('text')).data).toEqual({ from: ada.id, to: 'me', message: 'psst' });
    for (const one of [ada, eve]) expect(await one.settled()).toEqual([]);
    expect(await ada.say('text', { to: 'nobody', message: 'psst' })).toEqual(['error', 'Invalid receiver']);
    expect(await ada.say('text', { to: '', message: 'psst' })).toEqual(['error', 'Invalid receiver']);
    expect((await ada.say('text', { to: 'all', message: 'x'.repeat(2049) }))[0]).toBe('error');
    expect(await ada.say('text', { to: 'all', message: 'x'.repeat(2048) })).toEqual(['ok']);
  });

  it.each(['fly', 'toString', '__proto__'])('an unheard-of one (%s) is refused', async (event) => {
    expect(await (await joined('ada')).say(event, {})).toEqual(['error', 'Illegal request']);
  });

  it('logout ends the stay at once, and the connection', async () => {
    const [ada, bob] = [await joined('ada'), await joined('bob')];
    await ada.next('participant');
    expect(await bob.say('logout')).toEqual(['ok']);
    expect((await ada.next('participant')).data).toEqual({ action: 'leave', data: bob.id });
    await expect.poll(() => bob.disconnects).toBe(1);
    expect(bob.notifications).toEqual([]);
  });
});

it('when the media server has lost everything, members are dropped, and can join anew', async () => {
  const [ada, bob] = [await joined('ada'), await joined('bob')];
  const { id } = await ada.publish(CAMERA);
  await ada.negotiate(id, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
  const [pid] = stack.mediaNode.workerPids();
  if (pid === undefined) throw new Error('the media node has no SFU process');
  process.kill(pid, 'SIGKILL');
  for (const member of [ada, bob]) {
    await member.next('drop');
    await expect.poll(() => member.disconnects).toBe(1);
  }
  await expect.poll(() => stack.mediaNode.workerPids().filter((one) => one !== pid), { timeout: 10_000 }).toHaveLength(1);
  const again = await joined('ada');
  const { id: fresh } = await again.publish(CAMERA);
  const answer = await again.negotiate(fresh, offer({ kind: 'audio', direction: 'sendonly' }, { kind: 'video', direction: 'sendonly' }));
  expect(directionsOf(answer)).toEqual(['recvonly', 'recvonly']);
});
