/** The media node as a process: settings from the environment, signals, exit codes. */
import { loadConfig } from './config.ts';
import { createLog } from './log.ts';
import type { Logger } from './log.ts';
import { startMediaNode } from './media-node.ts';
import type { MediaNode } from './media-node.ts';

function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The media node cannot start: ${message}\n`);
  process.exit(1);
}

function stopOnSignals(starting: Promise<MediaNode>, log: Logger): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, 'stopping; a second signal stops at once');
    void starting.then((node) => node.close()).then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

try {
  const config = loadConfig(process.env);
  const starting = startMediaNode(config);
  stopOnSignals(starting, createLog(config.logLevel));
  await starting;
} catch (error) {
  fail(error);
}
