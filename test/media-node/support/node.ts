/** Starts real media nodes for tests, on free ports. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../media-node/config.ts';
import { startMediaNode } from '../../../media-node/media-node.ts';
import type { MediaNode, MediaNodeOptions } from '../../../media-node/media-node.ts';
import { Client } from './client.ts';
import { Edge } from './edge.ts';

export interface TestNode {
  readonly node: MediaNode;
  readonly edge: Edge;
  readonly client: Client;
  readonly secret: string;
  close(): Promise<void>;
}

export function randomSecret(): string {
  return randomBytes(32).toString('hex');
}

/** Settings of a node that disturbs nobody on this machine. */
export function environment(secret: string, edgeUrl: string): Record<string, string | undefined> {
  return {
    PARLEY_MODE: 'development',
    MEDIA_NODE_PORT: '0',
    MEDIA_NODE_SECRET: secret,
    EDGE_URL: edgeUrl,
    RTC_BASE_PORT: '0',
    MEDIA_WORKERS: '1',
    MEDIASOUP_WORKER_BIN: process.env.MEDIASOUP_WORKER_BIN,
    FFMPEG_BIN: process.env.FFMPEG_BIN,
    RECORDINGS_DIR: mkdtempSync(join(tmpdir(), 'parley-test-recordings-')),
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

export async function startTestNode(settings: Record<string, string> = {}, options: MediaNodeOptions = {}): Promise<TestNode> {
  const secret = randomSecret();
  const edge = await Edge.start(secret);
  const node = await startMediaNode(loadConfig({ ...environment(secret, edge.url), ...settings }), options);
  const client = new Client(node.url, secret);
  return {
    node,
    edge,
    client,
    secret,
    async close() {
      await client.close();
      await node.close();
      await edge.stop();
    },
  };
}

let rooms = 0;

/** Path parameters of a room that no other test uses. */
export function freshRoom(generation = 1): { room: string; generation: string } {
  rooms += 1;
  return { room: `default/room ${rooms} ü/${randomBytes(4).toString('hex')}`, generation: String(generation) };
}
