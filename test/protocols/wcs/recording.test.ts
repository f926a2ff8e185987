import { mkdtempSync } from 'node:fs';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MediaNode } from '../../../media-node/media-node.ts';
import { Edge } from '../../harness/edge.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestMediaNode } from '../../harness/media-node.ts';
import { Peer } from '../../harness/peer.ts';
import { freePort } from '../../harness/ports.ts';
import { lookAt } from '../../harness/recorded.ts';
import { basic, makeTenant } from '../../services/tenant.ts';
import { Member } from '../group-call/member.ts';
import { KtClient } from '../knowledgetalk/client.ts';
import { Caller, type StatusEvent } from './caller.ts';
import { MediaGate } from './media-gate.ts';
import { Sender } from './sender.ts';

const KEY = 'key of the tenant that records';
const SECRET = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c';

/** An edge and a media node, each of which can be started again where it was, with a gate between them. */
class Place {
  edge!: Edge;
  mediaNode!: MediaNode;
  readonly folder = mkdtempSync(join(tmpdir(), 'parley-test-recordings-'));
  readonly gate: MediaGate;
  readonly #port: number;
  readonly #settings: Readonly<Record<string, string>>;

  static async open(settings: Readonly<Record<string, string>> = {}): Promise<Place> {
    const place = new Place(await MediaGate.open(), await freePort(), settings);
    await place.startMediaNode();
    await place.startEdge();
    await makeTenant(place.edge, 'default', KEY, { recording: 'server', credentials: 'code' });
    return place;
  }

  private constructor(gate: MediaGate, port: number, settings: Readonly<Record<string, string>>) {
    this.gate = gate;
    this.#port = port;
    this.#settings = settings;
  }

  async startMediaNode(): Promise<void> {
    this.mediaNode = await startTestMediaNode(`http://127.0.0.1:${this.#port}`, { RECORDINGS_DIR: this.folder });
    this.gate.target = this.mediaNode.url;
  }

  async startEdge(storage?: string): Promise<void> {
    const place = { port: this.#port, mediaNodeUrl: this.gate.url, settings: this.#settings };
    this.edge = await Edge.start({ ...place, ...(storage !== undefined && { storage }) });
  }

  /** What the media node keeps. */
  files(): Promise<string[]> {
    return readdir(this.folder);
  }

  async close(): Promise<void> {
    await Promise.all([this.edge.stop(), this.mediaNode.close()]);
    this.gate.close();
  }
}

interface Listed {
  readonly id: string;
  readonly fileName: string;
  readonly status: string;
  readonly size: number;
  readonly [field: string]: unknown;
}

let place: Place;
let room: string;
let rooms = 0;
let sender: Sender;
const open: { close(): void }[] = [];
const peers: Peer[] = [];

beforeAll(async () => {
  [place, sender] = await Promise.all([Place.open(), Sender.start()]);
});

afterAll(async () => {
  sender.stop();
  await place.close();
});

beforeEach(() => {
  room = `w-recording-${++rooms}`;
  place.gate.admitsFiles = () => true;
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
  for (const peer of peers.splice(0)) void peer.close();
});

async function connected(login?: string, tracks = sender.tracks): Promise<Caller> {
  const caller = await Caller.open(place.edge.url, { path: `/wcs/${room}`, connection: login === undefined ? {} : { custom: { login } } });
  open.push(caller);
  caller.tracks = tracks;
  await caller.next('getVersion');
  return caller;
}

async function recorded(caller: Caller, seconds: number, fields: object = {}): Promise<string> {
  const id = await caller.stream('publish', 'cam', { record: true, ...fields });
  expect(await caller.status(id)).toMatchObject({ status: 'PUBLISHING', record: true, streamInfo: { recordStarted: true } });
  await sleep(seconds * 1000);
  return id;
}

async function listed(): Promise<Listed[]> {
  const response = await fetch(`${place.edge.url}/api/tenant/recordings`, { headers: basic('default', KEY) });
  const { items } = (await response.json()) as { items: Listed[] };
  return items.filter((item) => item.room === room);
}

/** Waits until the only recording of the room is stored. */
async function stored(): Promise<Listed> {
  await eventually('the recording is stored', async () => (await listed()).some(({ status }) => status === 'stopped'), 30_000);
  const [recording, ...others] = await listed();
  if (!recording || others.length > 0) throw new Error(`there are ${others.length + 1} recordings`);
  return recording;
}

async function download(path: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const response = await fetch(place.edge.url + path, { headers });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

function ownFile({ id }: Listed): Promise<Buffer> {
  return download(`/api/tenant/recordings/${id}/file`, basic('default', KEY));
}

describe('a stream with `record`', () => {
  it('has its file when it is unpublished: under its name, whole, sound and pictures together', async () => {
    const ada = await connected('ada');
    const id = await recorded(ada, 4);
    ada.say('unPublishStream', { mediaSessionId: id });
    const final = await ada.status(id);
    const recordName = `stream-${id}-ada.webm`;
    expect(final).toMatchObject({ status: 'UNPUBLISHED', info: 'Stopped by publisher stop', record: true, recordName });

    const bytes = await download(`/client/records/${recordName}`);
    const { tracks, duration, frames } = await lookAt(bytes);
    expect(tracks.map(({ codec }) => codec)).toEqual(['opus', 'vp8']);
    // This encoder makes a key frame every second, and none when it is asked for one.
    expect(Math.abs((tracks[0]?.start ?? 0) - (tracks[1]?.start ?? 9))).toBeLessThan(1.1);
    expect(duration).toBeGreaterThan(3);
    expect(duration).toBeLessThan(7);
    expect(frames).toBeGreaterThan(30);

    const item = await stored();
    expect(item).toMatchObject({
      room,
      subject: 'cam',
      name: 'ada',
      participant: expect.stringMatching(/^ada-/u) as string,
      fileName: recordName,
      maker: 'media-node',
      size: bytes.length,
      type: 'video/webm',
      container: 'webm',
      codecs: ['opus', 'VP8'],
      duration: expect.closeTo(duration, 1) as number,
    });
    const seconds = (Date.parse(String(item.to)) - Date.parse(String(item.from))) / 1000;
    expect(seconds).toBeCloseTo(duration, 1);
    expect((await ownFile(item)).equals(bytes)).toBe(true);
    const { status, headers } = await fetch(`${place.edge.url}/client/records/${recordName}`, { headers: { range: 'bytes=10-19' } });
    expect([status, headers.get('content-range'), headers.get('content-type')]).toEqual([206, `bytes 10-19/${bytes.length}`, 'video/webm']);
    // What is stored is not kept on the media node.
    expect(await place.files()).toEqual([]);
  });

  it('has its file when its media is lost, and when its member leaves', async () => {
    const ada = await connected('ada');
    const id = await recorded(ada, 2);
    await ada.hangUp(id);
    const final = await ada.status(id);
    expect(final).toMatchObject({ status: 'FAILED', info: 'Failed by ICE keep alive', record: true, recordName: `stream-${id}-ada.webm` });
    expect((await lookAt(await download(`/client/records/${String(final.recordName)}`))).frames).toBeGreaterThan(10);

    room = `${room}-api`;
    const bob = await connected('bob');
    await bob.join(room);
    const own = await recorded(bob, 2, { name: `${room}-bob-1`, custom: { name: room } });
    expect(await bob.operate({ command: 'leave', options: { name: room } })).toMatchObject({ status: 'ACCEPTED' });
    expect(await bob.status(own)).toMatchObject({ status: 'UNPUBLISHED', record: true, recordName: `stream-${own}-bob.webm` });
    await stored();
  });

  it('is unpublished at once without a file where nothing came, and nothing is listed', async () => {
    const ada = await connected('ada', []);
    const id = await recorded(ada, 0);
    ada.say('unPublishStream', { mediaSessionId: id });
    const final: StatusEvent = await ada.status(id);
    expect(final).toMatchObject({ status: 'UNPUBLISHED', record: false });
    expect(final).not.toHaveProperty('recordName');
    await eventually('nothing is listed', async () => (await listed()).length === 0);
    await sleep(1_500);
    expect(await listed()).toEqual([]);
  });

  it('of a client that makes up its own ids has a name that nobody guesses all the same', async () => {
    const ada = await connected('../ada');
    const id = await ada.stream('publish', 'cam', { record: true }, 'one/two');
    await ada.status(id);
    await sleep(1_000);
    ada.say('unPublishStream', { mediaSessionId: id });
    const { recordName } = await ada.status(id);
    expect(recordName).toMatch(/^stream-one_two-[\da-f-]{36}-\.\._ada\.webm$/u);
    await download(`/client/records/${String(recordName)}`);
    expect((await fetch(`${place.edge.url}/client/records/stream-one_two-.._ada.webm`)).status).toBe(404);
  });

  it('is what everybody publishes while somebody is in the room who has joined it with `record`', async () => {
    const [ada, bob] = [await connected('ada'), await connected('bob')];
    await ada.join(room, { record: true });
    await bob.join(room, { record: 'yes, please' });
    const name = `${room}-bob-1`;
    const own = { name, custom: { name: room } };
    const id = await recorded(bob, 2, { ...own, record: false });
    bob.say('unPublishStream', { mediaSessionId: id });
    expect(await bob.status(id)).toMatchObject({ status: 'UNPUBLISHED', record: true, recordName: `stream-${id}-bob.webm` });
    expect((await lookAt(await ownFile(await stored()))).frames).toBeGreaterThan(10);
    await ada.operate({ command: 'leave', options: { name: room } });
    const later = await bob.stream('publish', name, own);
    expect(await bob.status(later)).toMatchObject({ status: 'PUBLISHING', record: false });
  });

  it('whose publisher is killed, alone in its room, still has its file', async () => {
    const ada = await connected('ada');
    const id = await recorded(ada, 3);
    ada.cut();
    const item = await stored();
    expect(item).toMatchObject({ fileName: `stream-${id}-ada.webm`, participant: expect.stringMatching(/^ada-/u) as string });
    const { duration, frames } = await lookAt(await ownFile(item));
    expect(duration).toBeGreaterThan(2);
    expect(frames).toBeGreaterThan(20);
    expect(await place.files()).toEqual([]);
  });
});

describe('nothing that was recorded is lost', () => {
  it('when the SFU process dies', async () => {
    const ada = await connected('ada');
    await recorded(ada, 3);
    for (const pid of place.mediaNode.workerPids()) process.kill(pid, 'SIGKILL');
    const { frames } = await lookAt(await ownFile(await stored()));
    expect(frames).toBeGreaterThan(20);
  });

  it('when the media node stops and is started again', async () => {
    const ada = await connected('ada');
    await recorded(ada, 3);
    await place.mediaNode.close();
    await eventually('the client is closed', () => ada.closed !== undefined);
    await place.startMediaNode();
    const { frames } = await lookAt(await ownFile(await stored()));
    expect(frames).toBeGreaterThan(20);
    expect(await place.files()).toEqual([]);
  });

  it('when the edge is started again before the file is moved, which takes several pieces and several tries', async () => {
    place.gate.admitsFiles = () => false;
    const ada = await connected('ada');
    const id = await recorded(ada, 2);
    ada.say('unPublishStream', { mediaSessionId: id });
    const isReady = async () => (await place.files()).some((name) => name.endsWith('.webm'));
    await eventually('the file is ready on the media node', isReady);
    await eventually('the edge has asked for it', () => place.gate.asked > 0);
    expect((await fetch(`${place.edge.url}/client/records/stream-${id}-ada.webm`)).status).toBe(503);
    await eventually('it is listed as it is', async () => (await listed()).some(({ status, size }) => status === 'storing' && size === 0));
    // It would have been told without its file after some time.
    expect(ada.messages.some(({ message }) => message === 'notifyStreamStatusEvent')).toBe(false);
    await place.edge.crash();
    await place.mediaNode.close();

    const whole = await lengthen(20_000_000);
    let calls = 0;
    place.gate.admitsFiles = () => (calls += 1) % 2 === 0;
    await place.startMediaNode();
    await place.startEdge(place.edge.storage);
    const item = await stored();
    expect(item.size).toBe(whole.length);
    expect((await ownFile(item)).equals(whole)).toBe(true);
    expect(calls).toBeGreaterThanOrEqual(6);
    expect((await (await place.edge.bucket()).list({ prefix: `recordings/${item.id}/` })).objects).toHaveLength(3);
    expect((await lookAt(whole)).frames).toBeGreaterThan(10);
    expect(await place.files()).toEqual([]);
  });
});

/** Makes the only file of the media node larger, by an element that players skip (RFC 8794, section 11.3.2). */
async function lengthen(bytes: number): Promise<Buffer> {
  const name = (await place.files()).find((one) => one.endsWith('.webm')) ?? '';
  const head = Buffer.alloc(9);
  head.writeUInt8(0xec);
  head.writeBigUInt64BE((1n << 56n) | BigInt(bytes), 1);
  const file = join(place.folder, name);
  await appendFile(file, Buffer.concat([head, Buffer.alloc(bytes, 7)]));
  const whole = await readFile(file);
  const description = file.replace(/\.webm$/u, '.json');
  const info = JSON.parse(await readFile(description, 'utf8')) as object;
  await writeFile(description, JSON.stringify({ ...info, bytes: whole.length }));
  return whole;
}

it('a member of another protocol has the room recorded, as its tenant wants it', async () => {
  const bob = await KtClient.open(place.edge.url);
  open.push(bob);
  room = await bob.create();
  // The demo tenant is open to every code only as long as it has no key of its own.
  await bob.join(room, 'VideoRoomJoin');
  const ada = await connected('ada');
  await ada.publish('cam');
  const answer = await bob.ask({ eventOp: 'RecordStart' });
  expect(answer).toMatchObject({
    code: '200',
    recordingInfo: { extension: 'webm', fileServerUrl: expect.stringContaining('/recordings?grant=') as string },
  });
  await sleep(1_500);
  const eve = await connected('eve');
  await eve.publish('late');
  await sleep(2_000);
  const { fileName, filePath } = answer.recordingInfo as { fileName: string; filePath: string };
  expect(await bob.ask({ eventOp: 'RecordStop', fileName, filePath, fileSize: 0 })).toMatchObject({ code: '200' });
  const ofStreams = async () => (await listed()).filter(({ maker, status }) => maker === 'media-node' && status === 'stopped');
  await eventually('both streams are stored', async () => (await ofStreams()).length === 2, 20_000);
  expect((await ofStreams()).map(({ subject }) => subject).toSorted()).toEqual(['cam', 'late']);
  for (const item of await ofStreams()) expect((await lookAt(await ownFile(item))).frames).toBeGreaterThan(8);
  // Both streams go on.
  expect((await ada.settled()).concat(await eve.settled()).filter(({ message }) => message === 'notifyStreamStatusEvent')).toEqual([]);
});

it('a publisher that negotiates anew is recorded into the same file, from one connection after the other', async () => {
  const bob = await KtClient.open(place.edge.url);
  open.push(bob);
  room = await bob.create();
  await bob.join(room, 'VideoRoomJoin');
  const ada = await Member.open(place.edge.url, 'ada');
  open.push(ada);
  await ada.join(room);
  /** Publishes, in place of what was published before, for some seconds. */
  const publish = async (seconds: number): Promise<void> => {
    const peer = new Peer();
    peers.push(peer);
    ada.say({ id: 'receiveVideoFrom', userId: 'ada', sdpOffer: await peer.offer('sendonly', sender.tracks) });
    await peer.take(String((await ada.next('receiveVideoAnswer')).sdpAnswer));
    await sleep(seconds * 1000);
  };
  await publish(1);
  const answer = await bob.ask({ eventOp: 'RecordStart' });
  await sleep(3_000);
  await publish(4);
  const { fileName, filePath } = answer.recordingInfo as { fileName: string; filePath: string };
  await bob.ask({ eventOp: 'RecordStop', fileName, filePath, fileSize: 0 });
  const ofStreams = async () => (await listed()).filter(({ maker }) => maker === 'media-node');
  await eventually('the file is stored', async () => (await ofStreams()).some(({ status }) => status === 'stopped'), 20_000);
  const [item, ...others] = await ofStreams();
  expect(others).toEqual([]);
  if (!item) throw new Error('nothing is listed');
  const { tracks, duration, frames } = await lookAt(await ownFile(item));
  expect(tracks.map(({ codec }) => codec)).toEqual(['opus', 'vp8']);
  // Each of the two parts alone is shorter, and has fewer pictures.
  expect(duration).toBeGreaterThan(6);
  expect(frames).toBeGreaterThan(65);
});

describe('in production mode', () => {
  let before: Place;

  beforeEach(async () => {
    before = place;
    place = await Place.open({ PARLEY_MODE: 'production', ACCESS_TOKEN_SECRET: SECRET });
  });

  afterEach(async () => {
    await place.close();
    place = before;
  });

  function tokenFor(fullName: string): Promise<string> {
    const key = new TextEncoder().encode(SECRET);
    return new SignJWT({ room: fullName }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(key);
  }

  /** Publishes for two seconds, and stops. @returns the file's path. */
  async function recordedWith(token: string): Promise<string> {
    const ada = await Caller.open(place.edge.url, { path: `/wcs/${room}`, connection: { custom: { login: 'ada', token } } });
    open.push(ada);
    ada.tracks = sender.tracks;
    await ada.next('getVersion');
    const id = await recorded(ada, 2);
    ada.say('unPublishStream', { mediaSessionId: id });
    return `/client/records/${String((await ada.status(id)).recordName)}`;
  }

  async function listedFor(tenant: string, key: string): Promise<Listed[]> {
    const response = await fetch(`${place.edge.url}/api/tenant/recordings`, { headers: basic(tenant, key) });
    return ((await response.json()) as { items: Listed[] }).items;
  }

  it('a file is for those who may be in its room', async () => {
    const [fitting, other] = [await tokenFor(`default/${room}`), await tokenFor('default/other')];
    const path = await recordedWith(fitting);
    for (const query of ['', `?token=${other}`, '?token=x']) expect((await fetch(place.edge.url + path + query)).status).toBe(404);
    expect((await lookAt(await download(`${path}?token=${fitting}`))).frames).toBeGreaterThan(10);
    await download(path, { cookie: `parley_access=${fitting}` });
  });

  it('a file belongs to the tenant of the access token, and to nobody else', async () => {
    await makeTenant(place.edge, 'acme', `${KEY} too`);
    const token = await tokenFor(`acme/${room}`);
    const path = await recordedWith(token);
    const isStored = async () => (await listedFor('acme', `${KEY} too`)).some(({ status }) => status === 'stopped');
    await eventually('it is listed for its tenant', isStored, 30_000);
    const [item] = await listedFor('acme', `${KEY} too`);
    const own = await download(`/api/tenant/recordings/${item?.id ?? ''}/file`, basic('acme', `${KEY} too`));
    expect((await lookAt(own)).frames).toBeGreaterThan(10);
    expect((await download(`${path}?token=${token}`)).equals(own)).toBe(true);
    expect(await listedFor('default', KEY)).toEqual([]);
    for (const other of [`default/${room}`, 'acme/other', '*']) {
      expect((await fetch(`${place.edge.url}${path}?token=${await tokenFor(other)}`)).status).toBe(404);
    }
  });
});
