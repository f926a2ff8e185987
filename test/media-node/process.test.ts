/** The media node as an operator runs it: a process with an environment, signals and an exit code. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client, pathTo } from './support/client.ts';
import { Edge } from './support/edge.ts';
import { environment, freshRoom, randomSecret } from './support/node.ts';
import { opus } from './support/parameters.ts';
import { expectRefused } from './support/refusals.ts';

const secret = randomSecret();
const children: ChildProcess[] = [];
let edge: Edge;
beforeEach(async () => {
  edge = await Edge.start(secret);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await edge.stop();
});

function run(
  settings: Record<string, string | undefined> = {},
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, ['--import', 'tsx', 'media-node/index.ts'], {
    env: { PATH: process.env.PATH, ...environment(secret, edge.url), LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

interface Running {
  readonly child: ChildProcess;
  readonly client: Client;
  readonly lines: string[];
}

async function start(settings: Record<string, string> = {}, connections?: number): Promise<Running> {
  const child = run(settings);
  const lines: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => {
      reject(new Error(lines.join('\n')));
    });
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      const entry = JSON.parse(line) as { msg: string; url?: string };
      if (entry.msg === 'the media node is listening') resolve(entry.url ?? '');
    });
  });
  return { child, lines, client: new Client(url, secret, connections) };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s: rooms are told, then it exits with 0', async (signal) => {
    const { child, client, lines } = await start({ MEDIA_WORKERS: '2' });
    const rooms = [freshRoom(), freshRoom(), freshRoom()];
    for (const path of rooms) {
      await client.call('openRoom', { path });
      await client.call('createTransport', { path });
    }
    const started = lines.flatMap((line) =>
      (JSON.parse(line) as { pid?: number; msg: string }).msg === 'SFU process started' ? [line] : [],
    );
    expect(started).toHaveLength(2);
    child.kill(signal);
    expect(await exitCode(child)).toBe(0);
    for (const { room } of rooms) expect(edge.eventsOf(room)).toEqual([{ type: 'room-closed', cause: 'shutting-down' }]);
    await expect(client.send({ method: 'GET', path: '/healthz' })).rejects.toThrow(/ECONNREFUSED/u);
    for (const line of started) {
      const { pid } = JSON.parse(line) as { pid: number };
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/u);
    }
    await client.close();
  });

  test('while it stops, calls are refused; a second signal stops it at once', async () => {
    // New connections are not taken any more, so all calls have to go through the one that is there.
    const { child, client } = await start({}, 1);
    const path = freshRoom();
    await client.call('openRoom', { path });
    edge.answers.push(...Array<number>(50).fill(503));
    child.kill('SIGTERM');
    await edge.until(() => edge.arrived.length > 0);
    await expectRefused(client.call('inspectRoom', { path }), 'shutting-down');
    expect((await client.send({ method: 'GET', path: '/healthz' })).status).toBe(200);
    expect((await client.send({ method: 'GET', path: '/readyz' })).status).toBe(503);
    child.kill('SIGTERM');
    expect(await exitCode(child)).toBe(1);
    await client.close();
  });

  test('an edge that is gone does not hold it up', async () => {
    const { child, client } = await start();
    await client.call('openRoom', { path: freshRoom() });
    await edge.stop();
    child.kill('SIGTERM');
    expect(await Promise.race([exitCode(child), sleep(10_000, 'too late')])).toBe(0);
    await client.close();
    await edge.restart();
  });
});

describe('starting', () => {
  test('wrong settings: exit code 1 and one line for each', async () => {
    const child = run({ PARLEY_MODE: 'production', MEDIA_NODE_SECRET: 'short', LOG_LEVEL: 'loud' });
    const [stderr, code] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      'The media node cannot start: wrong settings:',
      expect.stringContaining('  MEDIA_NODE_SECRET: is shorter than 32 characters'),
      expect.stringContaining('  LOG_LEVEL: must be one of'),
    ]);
    expect(stderr).not.toContain('    at ');
  });

  test('a broken binary: exit code 1 and what to do', async () => {
    const child = run({ MEDIASOUP_WORKER_BIN: '/bin/false' });
    const [stderr, code] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The media node cannot start: the SFU binary \/bin\/false ended at once .* run "npm run setup"/u);
  });

  test('development mode is loud', async () => {
    const { lines, client } = await start();
    expect(lines.join()).toContain('DEVELOPMENT MODE');
    await client.close();
  });
});

test('no secret, key or parameter reaches the log, whatever is sent', async () => {
  const turnSecret = randomSecret();
  const { child, client, lines } = await start({ LOG_LEVEL: 'trace', TURN_URLS: 'turn:127.0.0.1', TURN_SECRET: turnSecret });
  const path = freshRoom();
  await client.call('openRoom', { path });
  const { id: transport, iceParameters } = await client.call('createTransport', { path });
  const { iceServers } = await client.call('iceServers', { query: { policy: 'p2p' } });
  const wrong = { ...opus(), codecs: [{ ...opus().codecs[0], mimeType: 'audio/secret-codec' }] };
  const body = JSON.stringify({ transport, kind: 'audio', rtpParameters: wrong });
  expect((await client.sendSigned({ method: 'POST', path: pathTo('createProducer', path), body })).status).toBe(400);
  child.kill('SIGTERM');
  await exitCode(child);
  const log = lines.join('\n');
  expect(log).toContain(path.room);
  for (const hidden of [secret, turnSecret, iceParameters.password, iceServers[0]?.credential ?? '']) {
    expect(hidden).not.toBe('');
    expect(log).not.toContain(hidden);
  }
  await client.close();
});
