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
  const parameters = [
    '-v',
    'error',
    '-nostats',
    '-progress',
    'pipe:1',
    '-y',
    '-i',
    from,
    '-map',
    '0',
    '-c',
    'copy',
    ...FORMATS[container],
    to,
  ];
  const child = await startFfmpeg(program, parameters, { stdio: ['ignore', 'pipe', 'ignore'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
  if (child.stdout === null) throw new Error('ffmpeg was started without a pipe');
  const [progress] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (child.exitCode !== 0) return undefined;
  const microseconds = [...progress.matchAll(/^out_time_us=(\d+)$/gmu)].at(-1)?.[1];
  return Number(microseconds ?? 0) / 1_000_000;
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
