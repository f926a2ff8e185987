/** Whose rooms, files, recordings and calls they are. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/eventually.ts';
import { TEST_SECRET } from '../../harness/secrets.ts';
import { bytesOf, CONTENT, formOf, upload } from '../../services/content.ts';
import { basic, makeTenant } from '../../services/tenant.ts';
import { type KtClient, type Message, nameOf } from './client.ts';
import { World } from './world.ts';

const KEY = 'a key that nobody guesses';
const ACME = { cpCode: 'acme', authKey: KEY };
const OK = { code: '200', message: expect.any(String) as string };

let world: World;
beforeAll(async () => {
  world = await World.start({ PARLEY_MODE: 'production', ACCESS_TOKEN_SECRET: TEST_SECRET });
  const { edge } = world.stack;
  await Promise.all([
    makeTenant(edge, 'acme', KEY),
    makeTenant(edge, 'open', KEY, { credentials: 'code' }),
    makeTenant(edge, 'strict', KEY, { unknownRoom: 'document', roomCapacity: 2 }),
    makeTenant(edge, 'lenient', KEY, { sessionLife: 'lenient' }),
  ]);
});
afterAll(() => world.stop());
afterEach(() => {
  world.clear();
});

/** Two members of one room of a tenant, who know of each other. */
async function pair(credentials: object): Promise<[KtClient, KtClient]> {
  const [ada, bob] = [await world.client(), await world.client()];
  const { roomId } = await ada.ask({ ...credentials, eventOp: 'CreateRoom' });
  for (const client of [ada, bob]) {
    const { userId } = await client.ask({ ...credentials, eventOp: 'RoomJoin', roomId });
    Object.assign(client, { userId, roomId });
  }
  await ada.take(2);
  return [ada, bob];
}

describe('credentials', () => {
  it.each([
    ['200', ACME],
    ['401', { ...ACME, authKey: 'another key' }],
    ['401', { ...ACME, authKey: '' }],
    ['401', { ...ACME, cpCode: 'nobody' }],
    ['421', { authKey: undefined }],
    ['421', { cpCode: undefined }],
    ['200', { cpCode: 'open', authKey: '' }],
  ])('are answered %s: %j', async (code, credentials) => {
    const client = await world.client();
    const whole = 'cpCode' in credentials && 'authKey' in credentials ? credentials : { ...ACME, ...credentials };
    expect(await client.ask({ eventOp: 'CreateRoom', ...whole })).toMatchObject({ eventOp: 'CreateRoom', code });
  });

  it('are asked for with every message but KeepAlive and acknowledgements', async () => {
    const [ada, bob] = await pair(ACME);
    ada.emit({ eventOp: 'KeepAlive' });
    expect(await ada.next('KeepAlive')).toMatchObject(OK);
    ada.emit({ eventOp: 'StartSession', code: '200' });
    for (const message of [
      { signalOp: 'Chat', message: 'x' },
      { eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } },
    ]) {
      ada.emit(message);
      expect(await ada.take(1)).toMatchObject([{ code: '421' }]);
      ada.emit({ ...message, ...ACME, authKey: 'wrong' });
      expect(await ada.take(1)).toMatchObject([{ code: '401' }]);
    }
    ada.emit({ signalOp: 'Chat', message: 'x', cpCode: 'open', authKey: '' });
    expect(await ada.take(1)).toMatchObject([{ code: '401' }]);
    expect(bob.messages).toEqual([]);
  });

  it('are never passed on', async () => {
    const [ada, bob] = await pair(ACME);
    for (const message of [
      { eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } },
      { eventOp: 'Candidate', candidate: 'c' },
      { signalOp: 'Draw', status: 'start' },
      { signalOp: 'Chat', message: 'hello' },
    ]) {
      ada.emit({ ...message, ...ACME });
      expect(JSON.stringify(await bob.take(1))).not.toMatch(/cpCode|authKey|nobody guesses/u);
    }
  });

  it('decide whose room a number is', async () => {
    const client = await world.client();
    for (const cpCode of ['acme', 'strict']) {
      const answer = await client.ask({ eventOp: 'CreateRoomWithRoomId', roomId: '11112222', cpCode, authKey: KEY });
      expect(answer).toMatchObject(OK);
    }
    await client.ask({ eventOp: 'RoomJoin', roomId: '11112222', ...ACME });
    const other = await world.client();
    const { members } = await other.ask({ eventOp: 'RoomJoin', roomId: '11112222', cpCode: 'strict', authKey: KEY });
    expect(Object.keys(members as object)).toHaveLength(1);
  });
});

describe('settings of a tenant', () => {
  it.each([
    ['acme', '400'],
    ['strict', '441'],
  ])('say how an unknown room is refused at joining: for %s with %s', async (cpCode, code) => {
    const client = await world.client();
    for (const eventOp of ['RoomJoin', 'RoomJoinAsObserver', 'VideoRoomJoin']) {
      expect(await client.ask({ eventOp, roomId: '98765432', cpCode, authKey: KEY })).toMatchObject({ code });
    }
  });

  it('say how many enter a room', async () => {
    const credentials = { cpCode: 'strict', authKey: KEY };
    const [ada] = await pair(credentials);
    const third = await world.client();
    expect(await third.ask({ eventOp: 'RoomJoin', roomId: ada.roomId, ...credentials })).toMatchObject({ code: '444' });
  });

  it('say what keeps a session alive: messages only, or heartbeats as well', { timeout: 100_000 }, async () => {
    const [silent, talking, lenient, mute] = [await world.client(), await world.client(), await world.client(), await world.client()];
    const [watcher] = await pair(ACME);
    await silent.ask({ eventOp: 'RoomJoin', roomId: watcher.roomId, ...ACME });
    await lenient.ask({ eventOp: 'CreateRoom', cpCode: 'lenient', authKey: KEY });
    const start = Date.now();
    const lost = (client: KtClient) => !client.socket.connected;
    const beat = setInterval(() => {
      talking.emit({ eventOp: 'KeepAlive' });
      // Any message will do, an acknowledgement too.
      watcher.emit({ eventOp: 'StartSession', code: '200' });
    }, 20_000);
    try {
      await eventually('the silent ones are cut', () => lost(silent) && lost(mute), 75_000);
      expect(Date.now() - start).toBeGreaterThan(55_000);
      expect(await watcher.pick(({ action }) => action === 'exit')).toBeDefined();
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      expect([talking, watcher, lenient].map(lost)).toEqual([false, false, false]);
    } finally {
      clearInterval(beat);
    }
  });
});

describe('FileShareStart, FileShare and FileShareStop', () => {
  it('take a file, show it to the others and end', async () => {
    const [ada, bob] = await pair(ACME);
    const say = (client: KtClient, message: Message) => client.ask({ ...message, ...ACME });
    expect(await say(ada, { eventOp: 'FileShare', url: 'https://example.org/1.png' })).toMatchObject({ code: '412' });
    const { fileServerUrl, ...answer } = await say(ada, { eventOp: 'FileShareStart', roomId: ada.roomId });
    expect(answer).toEqual({ eventOp: 'FileShareStart', ...OK });
    expect(await bob.take(1)).toEqual([{ eventOp: 'FileShareStartSvr', userId: ada.userId, roomId: ada.roomId }]);
    expect(await say(bob, { eventOp: 'FileShareStart' })).toMatchObject({ code: '440' });
    expect(await say(bob, { eventOp: 'FileShare', url: 'https://example.org/1.png' })).toMatchObject({ code: '440' });

    const bytes = bytesOf(CONTENT.png, 3_000);
    const uploaded = await upload(String(fileServerUrl), formOf(bytes, '그림.png', { field: 'uploadFile' }));
    expect(uploaded).toMatchObject({ status: 200, answer: { code: '200', roomId: ada.roomId, type: 'img', orgname: '그림.png' } });
    const { url } = uploaded.answer;
    expect(await say(ada, { eventOp: 'FileShare', roomId: ada.roomId, url })).toEqual({ eventOp: 'FileShare', ...OK });
    const [shown] = await bob.take(1);
    expect(shown).toEqual({ eventOp: 'FileShareSvr', userId: ada.userId, roomId: ada.roomId, url, fileUrl: url });
    const downloaded = new Uint8Array(await (await fetch(String(shown?.url))).arrayBuffer());
    expect(Buffer.compare(downloaded, bytes)).toBe(0);

    for (const wrong of ['javascript:alert(1)', 'file:///etc/passwd', '', 'x', 7, `https://example.org/${'x'.repeat(5_000)}`]) {
      expect(await say(ada, { eventOp: 'FileShare', url: wrong })).toMatchObject({ code: '422' });
    }
    expect(await say(ada, { eventOp: 'FileShare' })).toMatchObject({ code: '421' });
    expect(await say(bob, { eventOp: 'FileShareStop' })).toMatchObject({ code: '440' });
    expect(await say(ada, { eventOp: 'FileShareStop' })).toEqual({ eventOp: 'FileShareStop', ...OK });
    expect(await bob.take(1)).toEqual([{ eventOp: 'FileShareStopSvr', userId: ada.userId, roomId: ada.roomId }]);
  });

  it('end when the holder leaves', async () => {
    const [ada, bob] = await pair(ACME);
    await ada.ask({ eventOp: 'FileShareStart', ...ACME });
    ada.close();
    expect((await bob.take(3)).map((message) => message.action ?? nameOf(message))).toEqual([
      'FileShareStartSvr',
      'FileShareStopSvr',
      'exit',
    ]);
  });
});

describe('RecordStart and RecordStop', () => {
  it('tell where to put the recording, one at a time, and keep what is said about it', async () => {
    const [ada, bob] = await pair(ACME);
    const say = (client: KtClient, message: Message) => client.ask({ ...message, ...ACME });
    const stop = { eventOp: 'RecordStop', fileName: 'REC_1_20201204093000.webm', filePath: '/2020/12/04/1', fileSize: '0.1', note: '메모' };
    expect(await say(ada, stop)).toMatchObject({ code: '412' });
    const { recordingInfo, ...answer } = await say(ada, { eventOp: 'RecordStart', roomId: ada.roomId, userId: ada.userId });
    expect(answer).toEqual({ eventOp: 'RecordStart', ...OK });
    const info = recordingInfo as Record<string, unknown>;
    expect(info).toMatchObject({ recordingType: 'video', extension: 'webm', resolution: '960x540', framerate: 15, recordingNote: '' });
    expect(info.filePath).toMatch(new RegExp(`^/\\d{4}/\\d{2}/\\d{2}/${ada.roomId}$`, 'u'));
    expect(await bob.take(1)).toEqual([{ signalOp: 'Presence', action: 'Record', userId: ada.userId, who: ada.userId }]);
    expect(await say(bob, { eventOp: 'RecordStart' })).toMatchObject({ code: '440' });
    expect(await say(ada, { eventOp: 'RecordStart' })).toMatchObject({ code: '440' });
    expect(await say(bob, stop)).toMatchObject({ code: '412' });

    const bytes = bytesOf(CONTENT.webm, 4_000);
    const { status } = await upload(String(info.fileServerUrl), formOf(bytes, 'part.webm', { field: 'record', type: 'video/webm' }));
    expect(status).toBe(200);
    for (const field of ['fileName', 'filePath', 'fileSize']) {
      expect(await say(ada, { ...stop, [field]: undefined })).toMatchObject({ code: '421' });
    }
    expect(await say(ada, { ...stop, fileSize: 'large' })).toMatchObject({ code: '422' });
    expect(await say(ada, stop)).toEqual({ eventOp: 'RecordStop', ...OK });
    expect(await bob.take(1)).toEqual([{ signalOp: 'Presence', action: 'RecordStop', userId: ada.userId, who: ada.userId }]);
    expect(await say(ada, stop)).toMatchObject({ code: '412' });
    expect(await say(bob, { eventOp: 'RecordStart' })).toMatchObject(OK);

    await eventually('the recording is listed', async () => (await listOf('recordings')).some(({ note }) => note === '메모'));
    const found = (await listOf('recordings')).find(({ note }) => note === '메모');
    expect(found).toMatchObject({ room: ada.roomId, participant: ada.userId, fileName: stop.fileName, size: 4_000 });
  });
});

describe('calls', () => {
  it('are kept for the bill: stays, and calls within them, from member to member or through the media node', async () => {
    const [ada, bob] = await pair(ACME);
    await ada.ask({ eventOp: 'StartCall', ...ACME });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await ada.ask({ eventOp: 'EndCall', ...ACME });
    for (const client of [ada, bob]) await client.ask({ eventOp: 'ExitRoom', ...ACME });
    const ofRoom = async () => (await listOf('calls')).filter(({ room, to }) => room === ada.roomId && to !== null);
    await eventually('three records are closed', async () => (await ofRoom()).length === 3);
    const records = await ofRoom();
    expect(records.map(({ kind }) => kind).toSorted()).toEqual(['call', 'stay', 'stay']);
    expect(records.find(({ kind }) => kind === 'call')).toMatchObject({ participant: ada.userId, sfuSeconds: 0 });
    for (const { p2pSeconds } of records) expect(Number(p2pSeconds)).toBeGreaterThanOrEqual(1);
  });
});

async function listOf(what: 'recordings' | 'calls'): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${world.stack.edge.url}/api/tenant/${what}?limit=500`, { headers: basic('acme', KEY) });
  expect(response.status).toBe(200);
  return ((await response.json()) as { items: Record<string, unknown>[] }).items;
}

it('an address that clients are given is the one they came by', async () => {
  const [ada] = await pair(ACME);
  const { fileServerUrl } = await ada.ask({ eventOp: 'FileShareStart', ...ACME });
  expect(String(fileServerUrl)).toContain(world.stack.edge.url);
});
