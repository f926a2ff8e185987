import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewRecording, OpenRecording } from '../../worker/protocols/services.ts';
import { Edge } from '../harness/edge.ts';
import { eventually } from '../harness/eventually.ts';
import { bytesOf, CONTENT, formOf, upload } from './content.ts';
import { Member, startProbedEdge } from './member.ts';
import { basic, makeTenant } from './tenant.ts';

const run = promisify(execFile);
const KEY = 'key of the recording tenant';

let edge: Edge;
let webm: Buffer<ArrayBuffer>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-recordings-'));
  const file = join(folder, 'made.webm');
  const video = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-f', 'lavfi', '-i', 'sine=frequency=440'];
  // As a browser records it: pieces that were never put in order afterwards.
  await run('ffmpeg', [
    '-y',
    ...video,
    '-t',
    '6',
    '-c:v',
    'libvpx',
    '-g',
    '10',
    '-b:v',
    '200k',
    '-c:a',
    'libopus',
    '-live',
    '1',
    '-cluster_time_limit',
    '1000',
    file,
  ]);
  webm = await readFile(file);
  edge = await startProbedEdge();
  await makeTenant(edge, 'recorder', KEY, { recordingQuota: 3_000_000 });
  await makeTenant(edge, 'other', KEY);
});

afterAll(async () => {
  await edge.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly size: number;
  readonly [field: string]: unknown;
}

let people = 0;

/** Somebody with a recording that has just begun, in a room of the recording tenant. */
async function recorder(room: string, recording: Partial<NewRecording> = {}): Promise<OpenRecording & { readonly member: Member }> {
  const participantId = `person ${(people += 1)}`;
  const member = await Member.join(edge, `recorder/${room}/${participantId}`);
  return { ...(await member.startRecording({ participantId, ...recording })), member };
}

async function listed(id: string, tenant = 'recorder'): Promise<Listed | undefined> {
  const response = await fetch(`${edge.url}/api/tenant/recordings/${id}`, { headers: basic(tenant, KEY) });
  return response.status === 200 ? ((await response.json()) as Listed) : undefined;
}

/** A recording is listed a moment after it began. */
async function untilListed(id: string): Promise<void> {
  await eventually('it is listed', async () => (await listed(id)) !== undefined);
}

async function download(id: string, headers: Record<string, string> = {}): Promise<{ response: Response; bytes: Buffer }> {
  const response = await fetch(`${edge.url}/api/tenant/recordings/${id}/file`, { headers: { ...basic('recorder', KEY), ...headers } });
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** How much of a recording a player can play, in seconds and decoded frames. */
async function played(bytes: Buffer): Promise<{ frames: number; seconds: number }> {
  const file = join(folder, 'downloaded.webm');
  await writeFile(file, bytes);
  const { stdout } = await run('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-select_streams',
    'v',
    '-show_entries',
    'stream=nb_read_frames:frame=pts_time',
    '-of',
    'json',
    file,
  ]);
  const { frames, streams } = JSON.parse(stdout) as { frames: { pts_time: string }[]; streams: { nb_read_frames: string }[] };
  return { frames: Number(streams[0]?.nb_read_frames), seconds: Number(frames.at(-1)?.pts_time) };
}

function piece(from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(webm.subarray(from, to));
}

describe('a recording', () => {
  it('in one form is kept, listed with what its maker said, and plays', async () => {
    const { member, ...recording } = await recorder('12345678', { name: 'Ada' });
    expect(recording.fileName).toMatch(/^REC_12345678_\d{14}\.webm$/u);
    expect(recording.filePath).toMatch(/^\/\d{4}\/\d\d\/\d\d\/12345678$/u);
    await eventually('it is listed while it goes on', async () => (await listed(recording.id))?.status === 'recording');

    const { status, answer } = await upload(
      recording.uploadUrl,
      formOf(piece(0, webm.length), 'blob', { field: 'record', type: 'video/webm' }),
    );
    expect([status, answer.code, answer.part, answer.received]).toEqual([200, '200', 1, webm.length]);
    expect(await member.stopRecording(recording.id, { fileName: 'REC_12345678_20260101120000.webm', note: 'the\nbudget' })).toBe(true);
    expect(await member.stopRecording(recording.id)).toBe(false);
    await eventually('it is listed as stopped', async () => (await listed(recording.id))?.status === 'stopped');
    expect(await listed(recording.id)).toMatchObject({
      room: '12345678',
      participant: expect.stringMatching(/^person \d+$/u) as string,
      name: 'Ada',
      subject: null,
      fileName: 'REC_12345678_20260101120000.webm',
      filePath: recording.filePath,
      note: 'the budget',
      size: webm.length,
      type: 'video/webm',
    });

    const { response, bytes } = await download(recording.id);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/webm',
      'content-disposition': "attachment; filename*=UTF-8''REC_12345678_20260101120000.webm",
      'content-length': String(webm.length),
    });
    expect(bytes.equals(webm)).toBe(true);
    expect((await played(bytes)).frames).toBe(60);
  });

  it('in parts is whole again, in whatever order they came, however often, however large', async () => {
    const { id, uploadUrl } = await recorder('parts');
    const borders = [0, 3, 5_000, 5_001, 70_000, webm.length];
    const parts = borders.slice(1).map((to, index) => ({ number: index + 1, bytes: piece(borders[index] ?? 0, to) }));
    // A first part of a few bytes is too short to be recognised.
    expect((await upload(`${uploadUrl}&part=1`, parts[0]?.bytes ?? '')).answer.code).toBe('422');
    const [first, second, ...others] = parts;
    const joined = { number: 1, bytes: new Uint8Array(Buffer.concat([first?.bytes ?? Buffer.of(), second?.bytes ?? Buffer.of()])) };
    const renumbered = others.map(({ bytes }, index) => ({ number: index + 2, bytes }));
    for (const { number, bytes } of [...renumbered.reverse(), joined, ...renumbered]) {
      const { answer } = await upload(`${uploadUrl}&part=${number}`, bytes);
      expect(answer).toMatchObject({ code: '200', part: number });
    }
    await untilListed(id);
    const progress = (await (await fetch(uploadUrl)).json()) as unknown;
    expect(progress).toMatchObject({
      received: webm.length,
      parts: [joined, ...renumbered.toSorted((one, other) => one.number - other.number)].map(({ number, bytes }) => ({
        number,
        size: bytes.length,
      })),
    });
    expect((await download(id)).bytes.equals(webm)).toBe(true);
    const objects = (await (await edge.bucket()).list({ prefix: `recordings/${id}/` })).objects;
    expect(objects).toHaveLength(4);
  });

  it('in parts without numbers is put together in the order in which they came', async () => {
    const { id, uploadUrl } = await recorder('pieces');
    for (let from = 0; from < webm.length; from += 20_000) {
      const { status } = await upload(uploadUrl, formOf(piece(from, Math.min(from + 20_000, webm.length)), 'blob', { field: 'record' }));
      expect(status).toBe(200);
    }
    await untilListed(id);
    expect((await download(id)).bytes.equals(webm)).toBe(true);
  });

  it('whose maker vanished plays as far as it was acknowledged, and can still be gone on with', async () => {
    const { member, id, uploadUrl } = await recorder('vanished');
    await Member.join(edge, 'recorder/vanished/somebody else');
    const half = webm.length >> 1;
    await upload(`${uploadUrl}&part=1`, piece(0, half));
    member.vanish();
    await eventually('it was stopped', async () => (await listed(id))?.status === 'stopped');
    const { frames, seconds } = await played((await download(id)).bytes);
    expect(frames).toBeGreaterThan(20);
    expect(seconds).toBeGreaterThan(2);

    expect((await upload(`${uploadUrl}&part=2`, piece(half, webm.length))).status).toBe(200);
    expect((await download(id)).bytes.equals(webm)).toBe(true);
  });

  it('with a gap is played up to the gap', async () => {
    const { id, uploadUrl } = await recorder('gap');
    await upload(`${uploadUrl}&part=1`, piece(0, 30_000));
    await upload(`${uploadUrl}&part=3`, piece(60_000, 70_000));
    await eventually('it is listed', async () => (await listed(id))?.size === 30_000);
    expect((await download(id)).bytes.equals(webm.subarray(0, 30_000))).toBe(true);
  });

  it('can be downloaded from anywhere in it, across its parts', async () => {
    const { id, uploadUrl } = await recorder('ranges');
    for (const [from, to] of [
      [0, 10_000],
      [10_000, 20_000],
      [20_000, webm.length],
    ] as const)
      await upload(uploadUrl, piece(from, to));
    await untilListed(id);
    for (const [from, to] of [
      [0, 0],
      [9_999, 10_000],
      [5_000, 25_000],
      [10_000, 19_999],
      [20_000, webm.length - 1],
    ] as const) {
      const { response, bytes } = await download(id, { range: `bytes=${from}-${to}` });
      expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to}/${webm.length}`]);
      expect(bytes.equals(webm.subarray(from, to + 1))).toBe(true);
    }
  });

  it('is stopped with its room, and outlives it', async () => {
    const { member, id, uploadUrl } = await recorder('ended', { subject: 'camera', fileName: '../camera 1.webm' });
    await upload(uploadUrl, piece(0, webm.length));
    await member.endRoom();
    await eventually('it was stopped', async () => (await listed(id))?.status === 'stopped');
    expect(await listed(id)).toMatchObject({ subject: 'camera', fileName: 'camera 1.webm', size: webm.length });
    expect((await download(id)).bytes.equals(webm)).toBe(true);
  });

  it('of MP4 is one too', async () => {
    const { id, uploadUrl } = await recorder('mp4');
    expect((await upload(uploadUrl, bytesOf(CONTENT.mp4, 1000))).status).toBe(200);
    await eventually('it is listed', async () => (await listed(id))?.type === 'video/mp4');
  });

  it('is nobody else\u2019s, and gone when its tenant deletes it', async () => {
    const { member, id, uploadUrl } = await recorder('deleted');
    await upload(uploadUrl, piece(0, webm.length));
    await untilListed(id);
    const url = `${edge.url}/api/tenant/recordings/${id}`;
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/file'],
      ['DELETE', ''],
    ] as const) {
      expect((await fetch(url + path, { method, headers: basic('other', KEY) })).status).toBe(404);
    }
    expect((await fetch(url, { method: 'DELETE', headers: basic('recorder', KEY) })).status).toBe(204);
    expect((await download(id)).response.status).toBe(404);
    expect((await (await edge.bucket()).list({ prefix: `recordings/${id}/` })).objects).toEqual([]);
    expect((await upload(uploadUrl, piece(0, 1000))).status).toBe(404);
    await member.stopRecording(id);
    expect(await listed(id)).toBeUndefined();
  });
});

describe('what is refused', () => {
  it.each([
    ['garbage', bytesOf([1, 2, 3, 4], 1_000_000), '', [422, '422']],
    ['a page', '<html></html>', '', [422, '422']],
    ['nothing', '', '', [422, '422']],
    ['a part zero', bytesOf(CONTENT.webm), '&part=0', [422, '422']],
    ['a part of no number', bytesOf(CONTENT.webm), "&part=1'%20OR%201", [422, '422']],
    ['a part without end', bytesOf(CONTENT.webm), '&part=10001', [422, '422']],
    ['more than the tenant may keep', bytesOf(CONTENT.webm, 3_000_001), '', [413, '445']],
  ] as [string, BodyInit, string, [number, string]][])('%s, and nothing is left of it', async (_what, body, query, refusal) => {
    const { id, uploadUrl } = await recorder('refused');
    const { status, answer } = await upload(uploadUrl + query, body);
    expect([status, answer.code]).toEqual(refusal);
    expect((await (await edge.bucket()).list({ prefix: `recordings/${id}/` })).objects).toEqual([]);
  });

  it('a grant that is missing, altered or for something else', async () => {
    const { member, uploadUrl } = await recorder('refused');
    const grant = new URL(await member.fileUploadUrl()).searchParams.get('grant') ?? '';
    for (const url of [`${edge.url}/recordings`, `${edge.url}/recordings?grant=${grant}`, uploadUrl.slice(0, -3)]) {
      expect((await upload(url, piece(0, 1000))).status).toBe(403);
      expect((await fetch(url)).status).toBe(403);
    }
  });

  it('what comes after the tenant\u2019s quota, in parts or side by side', async () => {
    const { uploadUrl } = await recorder('quota');
    await upload(uploadUrl, bytesOf(CONTENT.webm, 1_000_000));
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => upload(uploadUrl, bytesOf(CONTENT.webm, 900_000))));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 200, 413, 413]);
    // The same part again takes the place of the one before.
    expect((await upload(`${uploadUrl}&part=1`, bytesOf(CONTENT.webm, 1_100_000))).status).toBe(200);
  });
});

it('what was acknowledged is there after a crash of the edge', async () => {
  const { id, uploadUrl } = await recorder('crash');
  await upload(uploadUrl, piece(0, webm.length));
  const { storage, url } = edge;
  await edge.crash();
  edge = await Edge.start({ port: Number(new URL(url).port), mediaNodeUrl: 'http://127.0.0.1:1', storage });
  await untilListed(id);
  expect((await download(id)).bytes.equals(webm)).toBe(true);
});
