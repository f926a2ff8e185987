/** SFU processes that die, and binaries that are none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../media-node/config.ts';
import { startMediaNode } from '../../media-node/media-node.ts';
import { locateWorkerBinary } from '../../media-node/worker-binary/locate.ts';
import { Client } from './support/client.ts';
import { environment, freshRoom, randomSecret, startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { opus, vp8 } from './support/parameters.ts';
import { expectRefused } from './support/refusals.ts';

describe('a worker that is killed', () => {
  let t: TestNode;
  beforeEach(async () => {
    t = await startTestNode({ MEDIA_WORKERS: '2' });
  });
  afterEach(() => t.close());

  async function fill(path: { room: string; generation: string }): Promise<void> {
    const { rtpCapabilities } = await t.client.call('openRoom', { path });
    const { id: transport } = await t.client.call('createTransport', { path });
    const producer = await t.client.call('createProducer', { path, body: { transport, kind: 'video', rtpParameters: vp8() } });
    await t.client.call('createConsumer', { path, body: { transport, producer: producer.id, rtpCapabilities } });
  }

  async function untilReplaced(): Promise<void> {
    await t.edge.until(() => t.node.workerPids().length === 2);
  }

  test('its rooms are told, the others go on, and a new one serves', async () => {
    const rooms = [freshRoom(), freshRoom()];
    for (const path of rooms) await fill(path);
    const [victim, survivor] = t.node.workerPids();
    process.kill(victim ?? 0, 'SIGKILL');
    await t.edge.until(() => t.edge.taken.length === 1);
    await untilReplaced();

    const [lost, kept] = rooms.sort((a, b) => t.edge.eventsOf(b.room).length - t.edge.eventsOf(a.room).length);
    if (lost === undefined || kept === undefined) throw new Error('there are two rooms');
    expect(t.edge.eventsOf(lost.room)).toEqual([{ type: 'room-closed', cause: 'worker-died' }]);
    expect(t.edge.eventsOf(kept.room)).toEqual([]);
    expect(await t.client.call('inspectRoom', { path: kept })).toEqual({ transports: 1, producers: 1, consumers: 1 });
    await expectRefused(t.client.call('inspectRoom', { path: lost }), 'room-not-found');
    await expectRefused(t.client.call('openRoom', { path: lost }), 'stale-generation');
    await fill({ ...lost, generation: '2' });
    expect(t.node.workerPids()).toContain(survivor);
    expect(t.node.workerPids()).not.toContain(victim);
  });

  test('orders that are under way are refused, not lost', async () => {
    const path = freshRoom();
    await t.client.call('openRoom', { path });
    const { id: transport } = await t.client.call('createTransport', { path });
    const orders = Array.from({ length: 30 }, () =>
      t.client.call('createProducer', { path, body: { transport, kind: 'audio', rtpParameters: opus() } }),
    );
    for (const pid of t.node.workerPids()) process.kill(pid, 'SIGKILL');
    for (const outcome of await Promise.allSettled(orders)) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: expect.stringMatching(/-not-found$/u) as string });
    }
  });

  test('rooms can be opened even while there is no worker', async () => {
    for (const pid of t.node.workerPids()) process.kill(pid, 'SIGKILL');
    await t.edge.until(() => t.node.workerPids().length === 0);
    await fill(freshRoom());
    await untilReplaced();
  });

  test('dying again and again is survived', async () => {
    for (let i = 0; i < 5; i += 1) {
      await untilReplaced();
      for (const pid of t.node.workerPids()) process.kill(pid, 'SIGKILL');
      await t.edge.until(() => t.node.workerPids().length === 0);
    }
    await fill(freshRoom());
    const { text } = await t.client.send({ method: 'GET', path: '/metrics' });
    expect(text).toMatch(/^parley_media_worker_deaths_total 10$/mu);
  });
});

test('rooms spread over the workers', async () => {
  const t = await startTestNode({ MEDIA_WORKERS: '2' });
  const rooms = Array.from({ length: 10 }, () => freshRoom());
  await Promise.all(rooms.map((path) => t.client.call('openRoom', { path })));
  process.kill(t.node.workerPids()[0] ?? 0, 'SIGKILL');
  await t.edge.until(() => t.edge.taken.length === 5);
  for (const path of rooms.filter(({ room }) => t.edge.eventsOf(room).length === 0)) await t.client.call('inspectRoom', { path });
  await t.close();
});

describe('start-up is refused', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-worker-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function start(settings: Record<string, string>) {
    return startMediaNode(loadConfig({ ...environment(randomSecret(), 'http://127.0.0.1:1'), ...settings }));
  }

  function script(name: string, text: string, mode = 0o755): string {
    const path = join(folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  test.each<[name: string, binary: () => string, message: RegExp]>([
    ['does not exist', () => join(folder, 'nothing'), /does not exist or may not be executed/u],
    ['may not be executed', () => script('plain', 'x', 0o644), /does not exist or may not be executed/u],
    ['is a folder', () => folder, /is not a file/u],
    ['is no program', () => script('text', '\u0000\u0001 not a program'), /ended at once|cannot be started/u],
    ['ends at once', () => script('ends', '#!/bin/sh\nexit 3\n'), /ended at once \(exit code 3\)/u],
    ['says nothing', () => script('silent', '#!/bin/sh\nexec sleep 60\n'), /said nothing within \d+ ms/u],
    // The process that mediasoup started is not the one that speaks, so nothing of what it says is meant for this mediasoup.
    [
      'is of another version',
      () => script('other', `#!/bin/sh\n"${locateWorkerBinary() ?? ''}" "$@" &\nwait\n`),
      /does not answer in the language of this version/u,
    ],
  ])('when the binary %s', async (_name, binary, message) => {
    const starting = start({ MEDIASOUP_WORKER_BIN: binary() });
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.toThrow(/mediasoup 3\.27\.1 needs .* run "npm run setup", or set MEDIASOUP_WORKER_BIN/u);
  });

  test('when a port is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const port = String((blocker.address() as AddressInfo).port);
    await expect(start({ MEDIA_NODE_PORT: port })).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+; choose other/u);
    await expect(start({ RTC_BASE_PORT: port })).rejects.toThrow(new RegExp(`cannot listen for media .*${port}.*RTC_BASE_PORT`, 'u'));
    blocker.close();
  });

  test('but not when the port was in use a moment ago', async () => {
    const secret = randomSecret();
    const first = await start({ MEDIA_NODE_SECRET: secret });
    const client = new Client(first.url, secret);
    await client.call('openRoom', { path: freshRoom() });
    await first.close();
    const second = await start({ MEDIA_NODE_SECRET: secret, MEDIA_NODE_PORT: String(first.port) });
    await client.call('openRoom', { path: freshRoom() });
    await client.close();
    await second.close();
  });

  test('when another node has the port', async () => {
    const first = await start({});
    await expect(start({ MEDIA_NODE_PORT: String(first.port) })).rejects.toThrow(/cannot listen on/u);
    await first.close();
  });
});
