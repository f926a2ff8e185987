/** Every operation with its answer, what the others are told, and each of its errors. Media are elsewhere. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FOUR, type KtClient, type Message, nameOf, TWO } from './client.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
afterEach(() => {
  world.clear();
});

const OK = { code: '200', message: expect.any(String) as string };

async function expectCode(client: KtClient, message: Message, code: string): Promise<void> {
  const answer = await client.ask({ reqNo: 'r-1', ...message });
  expect(answer).toMatchObject({ [message.signalOp === undefined ? 'eventOp' : 'signalOp']: nameOf(message), code, reqNo: 'r-1' });
  expect(answer).not.toHaveProperty('members');
  expect(answer).not.toHaveProperty('usage');
}

describe.each([TWO, FOUR, { ...TWO, transports: ['polling' as const] }, { ...FOUR, namespace: '/' as const }])(
  'a client of Socket.IO $generation by $transports in $namespace',
  (kind) => {
    it('is answered in the form of the document', async () => {
      const client = await world.client(kind);
      expect(await client.ask({ eventOp: 'KeepAlive' })).toEqual({ eventOp: 'KeepAlive', ...OK });
      const { roomId, ...created } = await client.ask({ eventOp: 'CreateRoom', capacity: 4, reqNo: '1234567' });
      expect(created).toEqual({ eventOp: 'CreateRoom', ...OK, reqNo: '1234567' });
      expect(roomId).toMatch(/^\d{8}$/u);
      const joined = await client.ask({ eventOp: 'RoomJoin', roomId, reqNo: 7 });
      const { userId } = joined;
      expect(userId).toMatch(/^u\d{7}$/u);
      const member = { NAME: '익명', sessionId: expect.any(String) as string };
      expect(joined).toEqual({ eventOp: 'RoomJoin', ...OK, roomId, userId, members: { [String(userId)]: member }, reqNo: 7 });
      expect(await client.ask({ eventOp: 'ExitRoom' })).toEqual({ eventOp: 'ExitRoom', ...OK });
    });
  },
);

describe('every message', () => {
  it('may have its name under either key and with blanks; it is answered under its own', async () => {
    const [client] = await world.room(1);
    expect(await client?.ask({ signalOp: ' KeepAlive ' })).toEqual({ eventOp: 'KeepAlive', ...OK });
    const refusal = await client?.ask({ eventOp: 'SetVideo ', status: 'off' });
    expect(refusal).toMatchObject({ signalOp: 'SetVideo', code: '422' });
  });

  it.each([
    ['no name', { cpCode: 'demo' }],
    ['a name that is none', { eventOp: 'Login' }],
    ['a name of another kind', { eventOp: 7 }],
    ['a name that every object has', { eventOp: 'constructor' }],
  ])('with %s is refused with 422', async (_what, message) => {
    const client = await world.client();
    client.emit(message);
    expect(await client.take(1)).toMatchObject([{ code: '422' }]);
  });

  it.each([null, 'text', 7, [], undefined])('that is %j is refused with 422', async (argument) => {
    const client = await world.client();
    client.emit(argument);
    expect(await client.take(1)).toMatchObject([{ code: '422' }]);
  });

  it('that only confirms something is consumed silently, with a code of either kind', async () => {
    const [client] = await world.room(1);
    client?.emit({ eventOp: 'StartSession', code: '200' });
    client?.emit({ eventOp: 'SDP', code: 200 });
    client?.emit({ eventOp: 'ReceiveFeed', code: 200, message: 'OK' });
    client?.emit({ code: '200' });
    client?.emit({ eventOp: 'ScreenShareConferenceEndSvr', roomId: client.roomId });
    expect(await client?.settled()).toEqual([]);
  });

  it('larger than a room takes is refused with 445', async () => {
    const [client] = await world.room(1);
    client?.say({ signalOp: 'Chat', message: 'x'.repeat(100_000) });
    expect(await client?.next('Chat')).toMatchObject({ signalOp: 'Chat', code: '445' });
  });

  it.each([
    'SDP',
    'SendFeed',
    'EditFeed',
    'SessionReserve',
    'SessionReserveEnd',
    'ScreenShareConferenceEnd',
    'StartCall',
    'EndCall',
    'WhiteBoardStart',
    'WhiteBoardStop',
    'FileShareStart',
    'FileShareStop',
    'FileShare',
    'RecordStart',
    'RecordStop',
    'SetVideo',
    'SetAudio',
    'SetBlur',
    'ChangeName',
    'Chat',
    'Draw',
    'KickOut',
    'Candidate',
  ])('%s outside of a room is refused with 441', async (operation) => {
    const client = await world.client();
    const whole = {
      sdp: { type: 'offer', sdp: 'v=0' },
      usage: 'cam',
      feedId: 'f',
      userId: 'u',
      type: operation === 'EditFeed' ? 'video' : 'document',
      status: operation === 'EditFeed' ? 'on' : true,
      url: 'https://example.org/1.png',
      fileName: 'f',
      filePath: '/',
      fileSize: 1,
      name: 'n',
      message: 'm',
    };
    expect(await client.ask({ eventOp: operation, roomId: '00000000', ...whole })).toMatchObject({ code: '441' });
  });

  it('about another room than the member’s own is refused with 412', async () => {
    const [member] = await world.room(1);
    const other = await member?.create();
    if (member) await expectCode(member, { eventOp: 'SessionReserve', roomId: other }, '412');
  });

  it('may leave userId and roomId out, or name somebody else: the sender is whose socket it is', async () => {
    const [ada, bob] = await world.room(2);
    bob?.say({ signalOp: 'Chat', userId: ada?.userId, message: '안녕' });
    expect(await ada?.take(1)).toEqual([{ signalOp: 'Chat', userId: bob?.userId, roomId: bob?.roomId, message: '안녕' }]);
    expect(await bob?.settled()).toEqual([]);
  });
});

describe('CreateRoom and CreateRoomWithRoomId', () => {
  it.each([0, 25, -1, 2.5, 'many', '0', {}, true])('refuse the capacity %j with 422', async (capacity) => {
    const client = await world.client();
    await expectCode(client, { eventOp: 'CreateRoom', capacity }, '422');
    await expectCode(client, { eventOp: 'CreateRoomWithRoomId', roomId: '00000001', capacity }, '422');
  });

  it('take a capacity as text or number, which counts: one too many is refused with 444', async () => {
    const client = await world.client();
    for (const capacity of ['1', 1]) {
      const roomId = await client.create({ capacity });
      await world.newcomer(roomId);
      await expectCode(client, { eventOp: 'RoomJoin', roomId }, '444');
    }
  });

  it('make rooms for 24', async () => {
    const roomId = await (await world.client()).create();
    for (let count = 0; count < 24; count += 1) await world.newcomer(roomId);
    await expectCode(await world.client(), { eventOp: 'RoomJoin', roomId }, '444');
  });

  it('make a room of a given number, leading zeros included, and only once', async () => {
    const client = await world.client();
    const answer = await client.ask({ eventOp: 'CreateRoomWithRoomId', roomId: '00000042' });
    expect(answer).toEqual({ eventOp: 'CreateRoomWithRoomId', ...OK, roomId: '00000042' });
    await expectCode(client, { eventOp: 'CreateRoomWithRoomId', roomId: '00000042' }, '443');
    await expectCode(client, { eventOp: 'CreateRoomWithRoomId', roomId: 42 }, '443');
    await client.join('00000042');
  });

  it.each([
    ['422', '1234567'],
    ['422', '123456789'],
    ['422', 'abcdefgh'],
    ['421', undefined],
  ])('answer %s to the room number %j', async (code, roomId) => {
    await expectCode(await world.client(), { eventOp: 'CreateRoomWithRoomId', roomId }, code);
  });
});

describe('RoomJoin', () => {
  it('of an unknown room is refused with 400, without members, in mode N; without a room with 421', async () => {
    const client = await world.client();
    expect(await client.ask({ eventOp: 'RoomJoin', roomId: '99999999' })).toEqual({
      eventOp: 'RoomJoin',
      code: '400',
      message: expect.any(String) as string,
      useMediaSvr: 'N',
    });
    await expectCode(client, { eventOp: 'RoomJoin' }, '421');
    await expectCode(client, { eventOp: 'RoomJoin', roomId: { toString: 1 } }, '422');
  });

  it('of the same room twice is refused with 442, of another leaves the first', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await expectCode(bob, { eventOp: 'RoomJoin', roomId: bob.roomId }, '442');
    const other = await bob.create();
    const before = bob.userId;
    await bob.join(other);
    expect(await ada.take(1)).toEqual([{ signalOp: 'Presence', action: 'exit', userId: before, who: before }]);
    expect(await ada.settled()).toEqual([]);
  });

  it('tells the newcomer names, what is off and what is blurred', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    ada.say({ signalOp: 'ChangeName', roomId: ada.roomId, userId: ada.userId, name: '에이다' });
    ada.say({ signalOp: 'SetVideo', roomId: ada.roomId, status: true });
    bob.say({ signalOp: 'SetAudio', roomId: ada.roomId, status: true });
    bob.say({ signalOp: 'SetAudio', roomId: ada.roomId, status: false });
    bob.say({ signalOp: 'SetBlur', roomId: ada.roomId, status: true });
    await Promise.all([ada.settled(), bob.settled()]);
    const { members } = await (await world.client()).join(ada.roomId);
    expect(members).toMatchObject({
      [ada.userId]: { NAME: '에이다', sessionId: expect.any(String) as string, VIDEO: true },
      [bob.userId]: { NAME: '익명', AUDIO: false, BLUR: true },
    });
    const records = members as Record<string, object>;
    expect(records[ada.userId]).not.toHaveProperty('AUDIO');
    expect(records[bob.userId]).not.toHaveProperty('VIDEO');
  });

  it('works with a client that is in no room any more, as often as it likes', async () => {
    const client = await world.client();
    const ids = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await client.join(await client.create());
      ids.add(client.userId);
      expect(await client.ask({ eventOp: 'ExitRoom' })).toMatchObject(OK);
    }
    expect(ids.size).toBe(3);
  });
});

describe('VideoRoomJoin', () => {
  it('joins straight into mode Y', async () => {
    const client = await world.client();
    const roomId = await client.create();
    const answer = await client.ask({ eventOp: 'VideoRoomJoin', roomId, userName: '밥', host: true });
    expect(answer).toMatchObject({ eventOp: 'VideoRoomJoin', ...OK, roomId });
    expect(Object.values(answer.members as object)).toMatchObject([{ NAME: '밥' }]);
    expect(await client.next('StartSession')).toMatchObject({ useMediaSvr: 'Y', who: answer.userId, host: true, count: 1 });
    const second = await world.newcomer(roomId);
    const start = await second.next('StartSession');
    expect(start).toMatchObject({ useMediaSvr: 'Y', host: false, count: 2 });
    expect(start).not.toHaveProperty('changeView');
    expect((await client.settled()).map(nameOf)).toEqual(['Presence']);
  });
});

describe('ExitRoom', () => {
  it('is answered before and after being in a room, and announced once', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    expect(await bob.ask({ eventOp: 'ExitRoom' })).toEqual({ eventOp: 'ExitRoom', ...OK });
    expect(await bob.ask({ eventOp: 'ExitRoom', roomId: bob.roomId })).toEqual({ eventOp: 'ExitRoom', ...OK });
    expect(await ada.take(1)).toEqual([{ signalOp: 'Presence', action: 'exit', userId: bob.userId, who: bob.userId }]);
    bob.close();
    expect(await ada.settled()).toEqual([]);
  });

  it('of the last member ends the room', async () => {
    const [ada] = await world.room(1);
    if (!ada) return;
    await ada.ask({ eventOp: 'ExitRoom' });
    await expectCode(await world.client(), { eventOp: 'RoomJoin', roomId: ada.roomId }, '400');
  });
});

describe('notices of state', () => {
  it.each([
    ['SetVideo', { status: true, reqDate: '20201204093000' }],
    ['SetVideo', { status: false }],
    ['SetAudio', { status: true, userId: 'u0000000', reqDate: '20201204093000' }],
    ['SetBlur', { status: false }],
    ['ChangeName', { name: '이름' }],
    ['Chat', { message: '' }],
  ])('%s goes to the others as it is and has no answer', async (signalOp, fields) => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    bob.say({ signalOp, roomId: bob.roomId, isSfu: true, ...fields });
    expect(await bob.settled()).toEqual([]);
    const notice = { signalOp, ...fields, userId: bob.userId, roomId: bob.roomId };
    expect(await ada.take(1)).toEqual([notice]);
    expect(await eve.take(1)).toEqual([notice]);
  });

  it.each([
    ['SetVideo', {}, '421'],
    ['SetAudio', { status: 'Y' }, '422'],
    ['SetBlur', { status: 1 }, '422'],
    ['ChangeName', {}, '421'],
    ['ChangeName', { name: '' }, '422'],
    ['ChangeName', { name: 'x'.repeat(1_000) }, '422'],
    ['Chat', {}, '421'],
    ['Chat', { message: { text: 'x' } }, '422'],
  ])('%s with %j is refused with %s', async (signalOp, fields, code) => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await expectCode(ada, { signalOp, ...fields }, code);
    expect(await bob.settled()).toEqual([]);
  });
});

describe('SessionReserve', () => {
  it('gives the share to one, who may ask again, until it is given back', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    const ids = { roomId: ada.roomId, userId: ada.userId };
    expect(await ada.ask({ eventOp: 'SessionReserve', ...ids, reqNo: '1' })).toEqual({ eventOp: 'SessionReserve', ...OK, reqNo: '1' });
    expect(await ada.ask({ eventOp: 'SessionReserve', ...ids })).toMatchObject(OK);
    await expectCode(bob, { eventOp: 'SessionReserve' }, '440');
    await expectCode(bob, { eventOp: 'SessionReserveEnd' }, '440');
    expect(await ada.ask({ eventOp: 'SessionReserveEnd', ...ids })).toMatchObject(OK);
    await expectCode(ada, { eventOp: 'SessionReserveEnd' }, '440');
    expect(await bob.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    expect([await ada.settled(), await bob.settled()]).toEqual([[], []]);
  });
});

describe('ScreenShareConferenceEnd', () => {
  it('is told to the others once, frees the share, and is answered also when nothing is shared', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await ada.ask({ eventOp: 'SessionReserve' });
    const end = { eventOp: 'ScreenShareConferenceEnd', roomId: ada.roomId, useMediaSvr: 'Y', userId: ada.userId };
    expect(await ada.ask(end)).toEqual({ eventOp: 'ScreenShareConferenceEnd', ...OK, roomId: ada.roomId });
    expect(await bob.settled()).toEqual([{ eventOp: 'ScreenShareConferenceEndSvr', userId: ada.userId, roomId: ada.roomId }]);
    expect(await bob.ask({ eventOp: 'SessionReserve' })).toMatchObject(OK);
    expect(await ada.ask(end)).toMatchObject(OK);
    expect((await bob.settled()).map(nameOf)).toEqual(['ScreenShareConferenceEndSvr']);
    await expectCode(ada, { eventOp: 'SessionReserve' }, '440');
  });
});

describe('StartCall and EndCall', () => {
  it.each([
    ['StartCall', 'startCall'],
    ['EndCall', 'endCall'],
  ])('%s is told as Presence %s', async (eventOp, action) => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    expect(await ada.ask({ eventOp, roomId: ada.roomId, userId: ada.userId })).toEqual({ eventOp, ...OK });
    expect(await bob.settled()).toEqual([{ signalOp: 'Presence', action, userId: ada.userId, who: ada.userId }]);
    expect(await ada.settled()).toEqual([]);
  });
});

describe('WhiteBoardStart and WhiteBoardStop', () => {
  it('have one holder, and end when it leaves', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    expect(await ada.ask({ eventOp: 'WhiteBoardStart', roomId: ada.roomId })).toEqual({ eventOp: 'WhiteBoardStart', ...OK });
    expect(await bob.take(1)).toEqual([{ eventOp: 'WhiteBoardStartSvr', userId: ada.userId, roomId: ada.roomId }]);
    await expectCode(bob, { eventOp: 'WhiteBoardStart' }, '440');
    await expectCode(bob, { eventOp: 'WhiteBoardStop' }, '440');
    expect(await ada.ask({ eventOp: 'WhiteBoardStop' })).toEqual({ eventOp: 'WhiteBoardStop', ...OK });
    expect(await bob.take(1)).toEqual([{ eventOp: 'WhiteBoardStopSvr', userId: ada.userId, roomId: ada.roomId }]);
    await expectCode(ada, { eventOp: 'WhiteBoardStop' }, '440');
    await ada.ask({ eventOp: 'WhiteBoardStart' });
    ada.close();
    expect((await bob.take(3)).map((message) => message.action ?? nameOf(message))).toEqual([
      'WhiteBoardStartSvr',
      'WhiteBoardStopSvr',
      'exit',
    ]);
  });
});

describe('Draw', () => {
  it('passes every field on as it is, but for the credentials', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    const drawingInfo = { tool: 'eraser', color: '#ff0000', strokeWidth: '3' };
    const stroke = { status: 'move', type: 'screen', axisX: '10', axisY: 20.5, boardWidth: '800', boardHeight: 600, drawingInfo, own: [1] };
    ada.say({ signalOp: 'Draw', roomId: ada.roomId, ...stroke });
    expect(await ada.settled()).toEqual([]);
    expect(await bob.take(1)).toEqual([{ signalOp: 'Draw', roomId: ada.roomId, userId: ada.userId, ...stroke }]);
  });
});

describe('KickOut', () => {
  it('is for the admin, who is the longest in the room; the one put out is told first', async () => {
    const [ada, bob, eve] = await world.room(3);
    if (!ada || !bob || !eve) return;
    await expectCode(bob, { eventOp: 'KickOut', userId: eve.userId }, '413');
    await expectCode(ada, { eventOp: 'KickOut', userId: 'u0000000' }, '410');
    await expectCode(ada, { eventOp: 'KickOut' }, '421');
    expect(await ada.ask({ eventOp: 'KickOut', roomId: ada.roomId, userId: eve.userId })).toEqual({ eventOp: 'KickOut', ...OK });
    expect(await eve.take(1)).toEqual([{ signalOp: 'Presence', action: 'kick', userId: eve.userId, who: eve.userId }]);
    expect(await bob.settled()).toEqual([{ signalOp: 'Presence', action: 'exit', userId: eve.userId, who: eve.userId }]);
    expect(await eve.ask({ eventOp: 'ExitRoom', roomId: eve.roomId })).toMatchObject(OK);
    expect(eve.socket.connected).toBe(true);
    ada.close();
    await bob.next('Presence');
    expect(await bob.ask({ eventOp: 'KickOut', userId: bob.userId })).toMatchObject(OK);
  });
});

describe('DestroyRoom', () => {
  it('is done to an empty room by anybody, and to another by its admin', async () => {
    const client = await world.client();
    const empty = await client.create();
    expect(await client.ask({ eventOp: 'DestroyRoom', roomId: empty })).toEqual({ eventOp: 'DestroyRoom', ...OK });
    await expectCode(client, { eventOp: 'RoomJoin', roomId: empty }, '400');
    await expectCode(client, { eventOp: 'DestroyRoom', roomId: empty }, '441');
    await expectCode(client, { eventOp: 'DestroyRoom' }, '421');

    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await expectCode(client, { eventOp: 'DestroyRoom', roomId: ada.roomId }, '413');
    await expectCode(bob, { eventOp: 'DestroyRoom', roomId: ada.roomId }, '413');
    expect(await ada.ask({ eventOp: 'DestroyRoom', roomId: ada.roomId })).toEqual({ eventOp: 'DestroyRoom', ...OK });
    expect(await bob.next('Presence')).toMatchObject({ action: 'kick', userId: bob.userId });
    await expectCode(bob, { eventOp: 'RoomJoin', roomId: ada.roomId }, '400');
    await ada.join(await ada.create());
  });
});

describe('RoomJoinAsObserver', () => {
  it('is for rooms in mode Y; nobody notices, and the observer does nothing but receive', async () => {
    const observer = await world.client();
    await expectCode(observer, { eventOp: 'RoomJoinAsObserver', roomId: '99999999' }, '400');
    await expectCode(observer, { eventOp: 'RoomJoinAsObserver' }, '421');
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    await expectCode(observer, { eventOp: 'RoomJoinAsObserver', roomId: ada.roomId }, '405');
    const eve = await world.newcomer(ada.roomId);
    await Promise.all([ada.settled(), bob.settled(), eve.settled()]);
    const answer = await observer.join(ada.roomId, 'RoomJoinAsObserver');
    expect(Object.keys(answer.members as object)).toEqual([ada.userId, bob.userId, eve.userId]);
    expect(observer.userId).toMatch(/^u\d{7}$/u);
    for (const eventOp of ['SessionReserve', 'StartCall', 'WhiteBoardStart', 'ScreenShareConferenceEnd']) {
      await expectCode(observer, { eventOp }, '413');
    }
    await expectCode(observer, { eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } }, '413');
    await expectCode(observer, { eventOp: 'SendFeed', feedId: 'none' }, '451');
    expect(await observer.ask({ eventOp: 'KeepAlive' })).toMatchObject(OK);
    expect(await observer.ask({ eventOp: 'ExitRoom' })).toMatchObject(OK);
    expect(await ada.settled()).toEqual([]);
    const { members } = await (await world.client()).join(ada.roomId);
    expect(Object.keys(members as object)).toHaveLength(4);
  });
});

describe('EditFeed', () => {
  it('is refused for whom nobody knows, for who is not received, and for what is no kind of media', async () => {
    const [ada, bob] = await world.room(2);
    if (!ada || !bob) return;
    const edit = { eventOp: 'EditFeed', roomId: ada.roomId, userId: bob.userId, type: 'video', status: 'off' };
    await expectCode(ada, { ...edit, userId: 'u0000000' }, '410');
    await expectCode(ada, edit, '451');
    await expectCode(ada, { ...edit, type: 'screen' }, '422');
    await expectCode(ada, { ...edit, status: true }, '422');
    await expectCode(ada, { ...edit, userId: undefined }, '421');
  });
});

describe('SDP', () => {
  it.each([
    ['no description', { usage: 'cam' }, '421'],
    ['no usage', { sdp: { type: 'offer', sdp: 'v=0' } }, '421'],
    ['another usage', { usage: 'tv', sdp: { type: 'offer', sdp: 'v=0' } }, '422'],
    ['a text instead of a description', { usage: 'cam', sdp: 'v=0' }, '422'],
    ['another type', { usage: 'cam', sdp: { type: 'rollback', sdp: 'v=0' } }, '422'],
    ['an empty description', { usage: 'cam', sdp: { type: 'offer', sdp: '' } }, '422'],
  ])('with %s is refused in both modes, and nothing is relayed', async (_what, fields, code) => {
    for (const count of [2, 3]) {
      const members = await world.room(count);
      if (members[0]) await expectCode(members[0], { eventOp: 'SDP', ...fields }, code);
      expect(await members[1]?.settled()).toEqual([]);
    }
  });

  it('with what is no description, or about what nobody offered, is refused in mode Y', async () => {
    const [ada] = await world.room(3);
    if (!ada) return;
    await expectCode(ada, { eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } }, '422');
    await expectCode(ada, { eventOp: 'SDP', usage: 'cam', pluginId: 'nobody', sdp: { type: 'answer', sdp: 'v=0' } }, '451');
    await expectCode(ada, { eventOp: 'SDP', usage: 'cam', pluginId: 7, sdp: { type: 'answer', sdp: 'v=0' } }, '451');
    await expectCode(ada, { eventOp: 'SendFeed', feedId: 'nobody', display: 'x' }, '451');
    await expectCode(ada, { eventOp: 'SendFeed' }, '421');
  });
});
