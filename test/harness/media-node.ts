import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MediaNode, startMediaNode } from '../../media-node/media-node.ts';
import { loadConfig } from '../../media-node/config.ts';
import { TEST_SECRET } from './secrets.ts';

/** A real media node with one SFU process, on free ports. */
export function startTestMediaNode(edgeUrl: string, settings: Readonly<Record<string, string>> = {}): Promise<MediaNode> {
  return startMediaNode(
    loadConfig({
      PARLEY_MODE: 'development',
      MEDIA_NODE_PORT: '0',
      MEDIA_NODE_SECRET: TEST_SECRET,
      EDGE_URL: edgeUrl,
      RTC_BASE_PORT: '0',
      MEDIA_WORKERS: '1',
      MEDIASOUP_WORKER_BIN: process.env.MEDIASOUP_WORKER_BIN,
      RECORDINGS_DIR: mkdtempSync(join(tmpdir(), 'parley-test-recordings-')),
      LOG_LEVEL: 'error',
      ...settings,
    }),
  );
}
