import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../media-node/support/ffmpeg.ts';

/** What a recorded file is, as ffprobe and a decoder see it. */
export interface Recorded {
  /** Codec and beginning in seconds of each track, sound first. */
  readonly tracks: readonly { readonly codec: string; readonly start: number }[];
  /** In seconds. */
  readonly duration: number;
  /** Pictures that were decoded. */
  readonly frames: number;
}

interface Probe {
  readonly format: { readonly duration: string };
  readonly streams: readonly {
    readonly codec_type: string;
    readonly codec_name: string;
    readonly start_time: string;
    readonly nb_read_frames: string;
  }[];
}

/** Looks at a file, and decodes all of it. @throws Error at anything that the decoder complains about. */
export async function lookAt(bytes: Uint8Array): Promise<Recorded> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-recorded-'));
  const file = join(folder, 'file');
  try {
    await writeFile(file, bytes);
    await run('ffmpeg', ['-xerror', '-i', file, '-f', 'null', '-']);
    const probed = await run('ffprobe', ['-count_frames', '-show_format', '-show_streams', '-of', 'json', file]);
    const { format, streams } = JSON.parse(probed.toString()) as Probe;
    const sorted = streams.toSorted((one, other) => one.codec_type.localeCompare(other.codec_type));
    return {
      tracks: sorted.map(({ codec_name: codec, start_time: start }) => ({ codec, start: Number(start) })),
      duration: Number(format.duration),
      frames: Number(sorted.find(({ codec_type: kind }) => kind === 'video')?.nb_read_frames ?? 0),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
