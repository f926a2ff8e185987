import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { RecordingContainer } from '../../shared/media-api.ts';
import { startFfmpeg } from './program.ts';

/** Longest for the largest recording; it is copied, not encoded. */
const TIMEOUT_MS = 30 * 60_000;

const FORMATS: Readonly<Record<RecordingContainer, readonly string[]>> = {
  webm: ['-f', 'webm'],
  matroska: ['-f', 'matroska'],
  // Players can begin before they have it all.
  mp4: ['-movflags', '+faststart', '-f', 'mp4'],
};

/**
 * Makes a file in which players can jump out of one that was written as it came, however it ended.
 *
 * @returns its duration in seconds; `undefined` when nothing can be made of it.
 * @throws MediaError `missing-program`
 */
export async function remux(program: string, from: string, to: string, container: RecordingContainer): Promise<number | undefined> {
  const parameters = ['-v', 'error', '-nostats', '-y', '-i', from, '-map', '0', '-c', 'copy', ...FORMATS[container], to];
  const child = await startFfmpeg(program, parameters, { stdio: 'ignore', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
  await once(child, 'close');
  return child.exitCode === 0 ? durationOf(program, to) : undefined;
}

/** In seconds, as the file itself says it. What ffmpeg counts while it copies stops at the beginning of a last packet that nothing follows. */
async function durationOf(program: string, file: string): Promise<number> {
  // It describes the file, and then complains that it is to do nothing with it.
  const child = await startFfmpeg(program, ['-i', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (child.stderr === null) throw new Error('ffmpeg was started without a pipe');
  const [description] = await Promise.all([text(child.stderr), once(child, 'close')]);
  const [, hours = 0, minutes = 0, seconds = 0] = /^ +Duration: (\d+):(\d\d):(\d\d\.\d+),/mu.exec(description) ?? [];
  return (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
}

/**
 * Finds out whether ffmpeg is there.
 *
 * @throws MediaError `missing-program`
 */
export async function assertFfmpeg(program: string): Promise<void> {
  const child = await startFfmpeg(program, ['-version'], { stdio: 'ignore' });
  await once(child, 'close');
}
