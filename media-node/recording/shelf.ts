import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RecordingInfoSchema } from '../../shared/media-api.ts';
import type { RecordingInfo } from '../../shared/media-api.ts';

const EXTENSIONS = { webm: 'webm', matroska: 'mkv', mp4: 'mp4' } as const;
const RecordFileSchema = z.string().transform((text, context) => {
  try {
    return RecordingInfoSchema.parse(JSON.parse(text));
  } catch {
    context.addIssue('is not the description of a recording');
    return z.NEVER;
  }
});

/** The folder of recordings: of each, its description, what is being written, and the finished file. */
export class Shelf {
  readonly #folder: string;
  readonly #infos = new Map<string, RecordingInfo>();

  /** Opens the folder and reads what is there. */
  static async open(folder: string): Promise<Shelf> {
    await mkdir(folder, { recursive: true });
    const shelf = new Shelf(folder);
    for (const name of await readdir(folder)) {
      if (name.endsWith('.json')) await shelf.#read(name);
    }
    return shelf;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  get infos(): RecordingInfo[] {
    return [...this.#infos.values()];
  }

  info(recording: string): RecordingInfo | undefined {
    return this.#infos.get(recording);
  }

  /** Where it is written to while it goes on. */
  rawFile(recording: string): string {
    return join(this.#folder, `${recording}.raw.mkv`);
  }

  /** Where its finished file is made, before it takes its name. */
  draftFile(recording: string): string {
    return join(this.#folder, `${recording}.draft`);
  }

  /** Bytes that the disk has left. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  /** Describes a recording, or describes it anew. A description is never half written. */
  async describe(info: RecordingInfo): Promise<void> {
    this.#infos.set(info.recording, info);
    const path = join(this.#folder, `${info.recording}.json`);
    await writeFile(`${path}.new`, JSON.stringify(info));
    await rename(`${path}.new`, path);
  }

  /** The draft becomes the finished file. @returns its bytes. */
  async finish({ recording, container }: RecordingInfo): Promise<number> {
    const path = this.#finishedFile(recording, container);
    await rename(this.draftFile(recording), path);
    await rm(this.rawFile(recording), { force: true });
    return (await stat(path)).size;
  }

  /** A part of the finished file; shorter at its end. */
  async read({ recording, container }: RecordingInfo, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#finishedFile(recording, container), 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async remove(recording: string): Promise<void> {
    const info = this.#infos.get(recording);
    if (info === undefined) return;
    this.#infos.delete(recording);
    const files = [
      this.rawFile(recording),
      this.draftFile(recording),
      this.#finishedFile(recording, info.container),
      join(this.#folder, `${recording}.json`),
    ];
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }

  async #read(name: string): Promise<void> {
    const parsed = RecordFileSchema.safeParse(await readFile(join(this.#folder, name), 'utf8'));
    // Whatever else lies in the folder is not ours.
    if (parsed.success && `${parsed.data.recording}.json` === name) this.#infos.set(parsed.data.recording, parsed.data);
  }

  #finishedFile(recording: string, container: RecordingInfo['container']): string {
    return join(this.#folder, `${recording}.${EXTENSIONS[container]}`);
  }
}
