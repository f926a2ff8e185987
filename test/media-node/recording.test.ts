/** Recordings of what a real Chromium sends, looked at with ffprobe and decoded by ffmpeg. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BodyInputOf, MediaEvent } from '../../shared/media-api.ts';
import { eventually } from '../harness/eventually.ts';
import { Client } from './support/client.ts';
import { run } from './support/ffmpeg.ts';
import { environment, freshRoom, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { opus } from './support/parameters.ts';
import { expectRefused } from './support/refusals.ts';
import { PeerBrowser } from './sdp/support/peer.ts';
import type { Peer, SentTracks } from './sdp/support/peer.ts';

let t: TestNode;
let chromium: PeerBrowser;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-test-recordings-'));
  [t, chromium] = await Promise.all([startTestNode({ RECORDINGS_DIR: folder }), PeerBrowser.chromium()]);
});
afterAll(async () => {
  await chromium.close();
  expect(t.edge.faults).toEqual([]);
  await t.close();
});

let path: { room: string; generation: string };
let recording: string;
let recordings = 0;
let peers: Peer[];
beforeEach(async () => {
  path = freshRoom();
  recordings += 1;
  recording = `recording-${recordings}`;
  peers = [];
  await t.client.call('openRoom', { path });
});
afterEach(async () => {
  for (const peer of peers) await peer.close();
});

async function publish(connection: string, tracks: SentTracks, codec = 'VP8', client = t.client) {
  const peer = await chromium.peer();
  peers.push(peer);
  await peer.send(tracks);
  await peer.prefer(codec, 'opus');
  const body = { attempt: 1, sdp: await peer.offer(), plan: [{ use: 'publish' as const }] };
  const { sdp, sections } = await client.call('answerOffer', { path: { ...path, connection }, body });
  await peer.take(sdp);
  await peer.connected();
  const idOf = (kind: string) => sections.find((section) => section.kind === kind)?.producer;
  return { peer, audio: idOf('audio'), video: idOf('video') };
}

function start(producers: { audio?: string | undefined; video?: string | undefined }, more: Partial<BodyInputOf<'startRecording'>> = {}) {
  const { audio, video } = producers;
  const named = { ...(audio !== undefined && { audio }), ...(video !== undefined && { video }) };
  return t.client.call('startRecording', { path, body: { recording, producers: named, ...more } });
}

type Finished = Extract<MediaEvent, { type: 'recording-finished' }>;

async function stop(): Promise<Finished> {
  await t.client.call('stopRecording', { path: { ...path, recording } });
  const finished = () =>
    t.edge.eventsOf(path.room).find((event): event is Finished => event.type === 'recording-finished' && event.recording === recording);
  await eventually('the file is ready', () => Promise.resolve(finished() !== undefined), 15_000);
  const event = finished();
  if (event === undefined) throw new Error('it has just been there');
  return event;
}

async function download(client = t.client): Promise<Buffer> {
  const { bytes } = await client.call('inspectRecording', { path: { recording } });
  const parts: Uint8Array[] = [];
  const length = Math.max(1, Math.ceil(bytes / 3));
  for (let offset = 0; offset < bytes; offset += length) {
    parts.push(await client.call('recordingFile', { path: { recording }, query: { offset, length } }));
  }
  return Buffer.concat(parts);
}

interface Probe {
  readonly format: { readonly format_name: string; readonly duration: string };
  readonly streams: readonly { readonly codec_name: string; readonly width?: number; readonly height?: number }[];
}

async function probe(file: string): Promise<Probe> {
  return JSON.parse((await run('ffprobe', ['-show_format', '-show_streams', '-of', 'json', file])).toString()) as Probe;
}

async function saved(client = t.client): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), 'parley-test-file-')), 'file');
  writeFileSync(file, await download(client));
  return file;
}

/** Brightness of each picture, with its time in seconds; decoding has to succeed without a complaint. */
async function brightness(file: string): Promise<{ time: number; value: number }[]> {
  const filter = 'scale=320:180,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-';
  const printed = (await run('ffmpeg', ['-xerror', '-i', file, '-map', '0:v', '-vf', filter, '-f', 'null', '-'])).toString();
  return [...printed.matchAll(/pts_time:([\d.]+)\n.*YAVG=([\d.]+)/gu)].map(([, time, value]) => ({
    time: Number(time),
    value: Number(value),
  }));
}

/** Loudness of each 10 ms, with its time in seconds. */
async function loudness(file: string): Promise<{ time: number; value: number }[]> {
  const filter = 'aresample=async=1:first_pts=0';
  const pcm = await run('ffmpeg', ['-i', file, '-map', '0:a', '-af', filter, '-ac', '1', '-ar', '16000', '-f', 's16le', '-']);
  return Array.from({ length: Math.floor(pcm.length / 320) }, (_, index) => {
    let sum = 0;
    for (let at = 0; at < 320; at += 2) sum += Math.abs(pcm.readInt16LE(index * 320 + at));
    return { time: index / 100, value: sum / 160 };
  });
}

/** When something rises above a threshold, in seconds. */
function rises(samples: readonly { time: number; value: number }[], threshold: number): number[] {
  return samples.flatMap(({ time, value }, index) => (value > threshold && (samples[index - 1]?.value ?? 1e9) <= threshold ? [time] : []));
}

describe('files', () => {
  test.each([
    ['VP8', 'matroska,webm', 'vp8'],
    ['VP9', 'matroska,webm', 'vp9'],
    ['H264', 'mov,mp4,m4a,3gp,3g2,mj2', 'h264'],
  ])('%s with sound: the right container, size, duration, and sound and pictures together', async (codec, format, name) => {
    const { audio, video } = await publish('sender', { audio: true, video: 320, beat: true }, codec);
    await sleep(2_000);
    const begin = Date.now();
    await start({ audio, video });
    await sleep(9_000);
    const event = await stop();
    const seconds = (Date.now() - begin) / 1000;
    const file = await saved();
    const { format: found, streams } = await probe(file);
    expect(found.format_name).toBe(format);
    expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual([name, 'opus'].sort());
    expect(streams.find(({ width }) => width !== undefined)).toMatchObject({ width: 320, height: 180 });
    expect(Number(found.duration)).toBeGreaterThan(7);
    expect(Number(found.duration)).toBeLessThan(seconds + 0.5);
    expect(Math.abs(event.duration - Number(found.duration))).toBeLessThan(0.2);
    expect(event).toMatchObject({ cause: 'stopped', bytes: readFileSync(file).length });

    const pictures = await brightness(file);
    expect(pictures[0]?.time).toBeLessThan(2);
    const flashes = rises(pictures, 120);
    const beeps = rises(await loudness(file), 800);
    expect(flashes.length).toBeGreaterThanOrEqual(4);
    const distances = flashes.map((flash) => beeps.map((beep) => beep - flash).sort((a, b) => Math.abs(a) - Math.abs(b))[0] ?? 9);
    const median = distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 9;
    expect(Math.abs(median)).toBeLessThan(0.15);
  });

  test('pause, resume, another size and another producer', async () => {
    const first = await publish('first', { audio: true, video: 320, beat: true });
    const second = await publish('second', { audio: true, video: 480, beat: true });
    await start(first);
    await sleep(3_000);
    await t.client.call('pauseProducer', { path: { ...path, producer: first.video ?? '' } });
    await sleep(2_000);
    await t.client.call('resumeProducer', { path: { ...path, producer: first.video ?? '' } });
    await sleep(2_000);
    await first.peer.resize(640);
    await sleep(2_500);
    const producers = { audio: second.audio ?? '', video: second.video ?? '' };
    await t.client.call('replaceRecorded', { path: { ...path, recording }, body: producers });
    await sleep(2_500);
    await t.client.call('closeProducer', { path: { ...path, producer: first.video ?? '' } });
    await sleep(500);
    await stop();
    const file = await saved();
    const pictures = await brightness(file);
    const gaps = pictures.map(({ time }, index) => time - (pictures[index - 1]?.time ?? time));
    expect(gaps.filter((gap) => gap > 1.5)).toHaveLength(1);
    expect(Math.max(...gaps)).toBeLessThan(3.5);
    expect(pictures.at(-1)?.time).toBeGreaterThan(11);
    const sizes = (await run('ffprobe', ['-select_streams', 'v', '-show_entries', 'frame=width', '-of', 'csv=p=0', file])).toString();
    expect([...new Set(sizes.match(/\d+/gu))]).toEqual(['320', '640', '480']);
    expect(rises(await loudness(file), 800).length).toBeGreaterThanOrEqual(8);
  });

  test('sound only, and pictures that begin late', async () => {
    const { audio, video } = await publish('sender', { audio: true, video: 320 });
    await t.client.call('pauseProducer', { path: { ...path, producer: video ?? '' } });
    await start({ audio, video });
    const only = `${recording}-sound`;
    await t.client.call('startRecording', { path, body: { recording: only, producers: { audio: audio ?? '' } } });
    await sleep(5_000);
    await t.client.call('resumeProducer', { path: { ...path, producer: video ?? '' } });
    await sleep(2_500);
    await t.client.call('stopRecording', { path: { ...path, recording: only } });
    await stop();
    const pictures = await brightness(await saved());
    expect(pictures[0]?.time).toBeGreaterThan(4);
    expect(pictures.length).toBeGreaterThan(10);
    recording = only;
    const { streams, format } = await probe(await saved());
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['opus']);
    expect(Number(format.duration)).toBeGreaterThan(6);
  });

  test('a room that is closed finishes its recording, and the file is there afterwards', async () => {
    const { audio, video } = await publish('sender', { audio: true, video: 320 });
    await start({ audio, video });
    await sleep(2_500);
    await t.client.call('closeRoom', { path });
    await eventually(
      'the file is ready',
      async () => (await t.client.call('inspectRecording', { path: { recording } })).state === 'finished',
      10_000,
    );
    const listed = (await t.client.call('listRecordings', { query: { room: path.room } })).recordings;
    expect(listed).toEqual([expect.objectContaining({ recording, cause: 'room-closed', container: 'webm' })]);
    expect((await brightness(await saved())).length).toBeGreaterThan(10);
    await t.client.call('deleteRecording', { path: { recording } });
    await expectRefused(t.client.call('inspectRecording', { path: { recording } }), 'recording-not-found');
    expect(readdirSync(folder).filter((name) => name.startsWith(`${recording}.`))).toEqual([]);
  });

  test('of what never comes there is no file', async () => {
    const { id: transport } = await t.client.call('createTransport', { path });
    const { id } = await t.client.call('createProducer', { path, body: { transport, kind: 'audio', rtpParameters: opus() } });
    await start({ audio: id });
    await sleep(500);
    expect(await stop()).toMatchObject({ bytes: 0, duration: 0, cause: 'stopped' });
    await expectRefused(t.client.call('inspectRecording', { path: { recording } }), 'recording-not-found');
  });

  test('of simulcast, the highest layer', async () => {
    const { video } = await publish('sender', { video: 640, rids: ['l', 'h'] });
    await sleep(3_000);
    await start({ video });
    await sleep(5_000);
    await stop();
    const file = await saved();
    expect((await brightness(file)).length).toBeGreaterThan(20);
    const sizes = (await run('ffprobe', ['-select_streams', 'v', '-show_entries', 'frame=width', '-of', 'csv=p=0', file])).toString();
    expect(sizes.match(/\d+/gu)?.at(-1)).toBe('640');
  });
});

describe('accidents', () => {
  async function runNode(settings: Record<string, string | undefined>) {
    const child = spawn(process.execPath, ['--import', 'tsx', 'media-node/index.ts'], {
      env: { PATH: process.env.PATH, ...environment(t.secret, t.edge.url), LOG_LEVEL: 'info', ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve) => {
      createInterface(child.stdout).on('line', (line) => {
        const { msg, url: found } = JSON.parse(line) as { msg: string; url?: string };
        if (msg === 'the media node is listening') resolve(found ?? '');
      });
    });
    return { child, client: new Client(url, t.secret) };
  }

  test.each(['VP8', 'H264'])('%s: a media node that is killed loses less than two seconds', async (codec) => {
    const settings = { RECORDINGS_DIR: mkdtempSync(join(tmpdir(), 'parley-test-recordings-')) };
    const node = await runNode(settings);
    await node.client.call('openRoom', { path });
    const { audio, video } = await publish('sender', { audio: true, video: 320, beat: true }, codec, node.client);
    await sleep(1_000);
    const begin = Date.now();
    await node.client.call('startRecording', { path, body: { recording, producers: { audio: audio ?? '', video: video ?? '' } } });
    await sleep(6_000);
    node.child.kill('SIGKILL');
    const seconds = (Date.now() - begin) / 1000;
    await once(node.child, 'exit');
    const raw = join(settings.RECORDINGS_DIR, `${recording}.raw.mkv`);
    const left = await brightness(raw);
    expect(left.at(-1)?.time).toBeGreaterThan(seconds - 2);

    const next = await runNode(settings);
    await eventually(
      'the file is ready',
      async () => (await next.client.call('inspectRecording', { path: { recording } })).state === 'finished',
      10_000,
    );
    const info = await next.client.call('inspectRecording', { path: { recording } });
    expect(info).toMatchObject({ cause: 'interrupted', room: path.room });
    const file = await saved(next.client);
    expect(Number((await probe(file)).format.duration)).toBeGreaterThan(seconds - 2);
    expect((await brightness(file)).at(-1)?.time).toBeGreaterThan(seconds - 2);
    next.child.kill('SIGTERM');
    await once(next.child, 'exit');
    await Promise.all([node.client.close(), next.client.close()]);
  });

  test('a recording that is too long is finished', async () => {
    const short = await startTestNode({ RECORDING_MAX_SECONDS: '2' });
    await short.client.call('openRoom', { path });
    const { audio } = await publish('sender', { audio: true }, 'VP8', short.client);
    await short.client.call('startRecording', { path, body: { recording, producers: { audio: audio ?? '' } } });
    const finished = () => short.edge.eventsOf(path.room).find(({ type }) => type === 'recording-finished');
    await eventually('it is finished', () => Promise.resolve(finished() !== undefined), 10_000);
    expect(finished()).toMatchObject({ recording, cause: 'too-long' });
    await short.close();
  });

  test('where recordings fill what they may, no other is begun', async () => {
    const full = mkdtempSync(join(tmpdir(), 'parley-test-recordings-'));
    const info = { recording: 'large', room: 'a/b', container: 'webm', state: 'finished', startedAt: 1, duration: 9, bytes: 2e9 };
    writeFileSync(join(full, 'large.json'), JSON.stringify(info));
    const node = await startTestNode({ RECORDINGS_DIR: full, RECORDINGS_MAX_GB: '1' });
    await node.client.call('openRoom', { path });
    const { id: transport } = await node.client.call('createTransport', { path });
    const { id } = await node.client.call('createProducer', { path, body: { transport, kind: 'audio', rtpParameters: opus() } });
    const order = () => node.client.call('startRecording', { path, body: { recording, producers: { audio: id } } });
    await expectRefused(order(), 'disk-full');
    await node.client.call('deleteRecording', { path: { recording: 'large' } });
    expect(await order()).toMatchObject({ state: 'running', container: 'webm' });
    await node.close();
  });

  test('descriptions that are damaged or strange do not stop the node', async () => {
    const strange = mkdtempSync(join(tmpdir(), 'parley-test-recordings-'));
    writeFileSync(join(strange, 'broken.json'), '{');
    writeFileSync(join(strange, 'other.json'), '{"a":1}');
    writeFileSync(join(strange, 'notes.txt'), 'hello');
    const node = await startTestNode({ RECORDINGS_DIR: strange });
    expect((await node.client.call('listRecordings', {})).recordings).toEqual([]);
    await node.close();
  });
});

describe('refusals', () => {
  test('what makes no sense changes nothing', async () => {
    const { audio, video } = await publish('sender', { audio: true, video: 320 });
    await expectRefused(start({}), 'invalid-parameters');
    await expectRefused(start({ audio: 'none' }), 'producer-not-found');
    await expectRefused(start({ audio: video }), 'invalid-parameters');
    await expectRefused(start({ video }, { container: 'mp4' }), 'cannot-record');
    await expectRefused(start({ video }, { recording: '../x' }), 'invalid-parameters');
    await start({ audio, video });
    await expectRefused(start({ audio, video }), 'recording-exists');
    const order = { path: { ...path, recording } };
    await expectRefused(t.client.call('replaceRecorded', { ...order, body: { audio: 'none' } }), 'producer-not-found');
    const h264 = await publish('other', { video: 320 }, 'H264');
    await expectRefused(t.client.call('replaceRecorded', { ...order, body: { video: h264.video ?? '' } }), 'cannot-record');
    const file = { path: { recording }, query: { offset: 0, length: 10 } };
    await expectRefused(t.client.call('recordingFile', file), 'recording-not-finished');
    await expectRefused(t.client.call('deleteRecording', { path: { recording } }), 'recording-not-finished');
    const elsewhere = freshRoom();
    await t.client.call('openRoom', { path: elsewhere });
    await expectRefused(t.client.call('stopRecording', { path: { ...elsewhere, recording } }), 'recording-not-found');
    await sleep(1_500);
    await stop();
    await expectRefused(t.client.call('stopRecording', order), 'recording-not-found');
    await expectRefused(t.client.call('recordingFile', { ...file, query: { offset: 0, length: 1e9 } }), 'invalid-parameters');
    expect((await t.client.call('recordingFile', { ...file, query: { offset: 1e12, length: 10 } })).length).toBe(0);
    expect((await t.client.call('recordingFile', file)).length).toBe(10);
    expect((await t.client.send({ method: 'GET', path: '/metrics' })).text).toMatch(/parley_media_recording_bytes [1-9]/u);
  });

  test('without ffmpeg nothing is begun', async () => {
    const bare = await startTestNode({ FFMPEG_BIN: '/nowhere/ffmpeg' });
    await bare.client.call('openRoom', { path });
    const { id: transport } = await bare.client.call('createTransport', { path });
    const { id } = await bare.client.call('createProducer', { path, body: { transport, kind: 'audio', rtpParameters: opus() } });
    const order = bare.client.call('startRecording', { path, body: { recording, producers: { audio: id } } });
    await expectRefused(order, 'missing-program');
    expect((await bare.client.call('listRecordings', {})).recordings).toEqual([]);
    await bare.close();
  });
});
