import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { setPriority } from 'node:os';
import { MediaError } from '../errors.ts';

/** Media that people wait for is more urgent. */
const NICENESS = 5;

/**
 * Starts ffmpeg. What it reads comes from clients and may be hostile: it finds no secret in its environment.
 *
 * @param program name in `PATH`, or path.
 * @throws MediaError `missing-program` when it is not there.
 */
export async function startFfmpeg(program: string, parameters: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  const child = spawn(program, ['-hide_banner', '-nostdin', ...parameters], { ...options, env: { PATH: process.env.PATH } });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', () => {
      reject(
        new MediaError('missing-program', `${program} cannot be started: install Debian's package ffmpeg, or set FFMPEG_BIN to its path`),
      );
    });
  });
  if (child.pid !== undefined) setPriority(child.pid, NICENESS);
  return child;
}
