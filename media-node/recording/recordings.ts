import { EventEmitter } from 'node:events';
import { stat } from 'node:fs/promises';
import type { BodyOf, RecordingContainer, RecordingInfo } from '../../shared/media-api.ts';
import type { RecordingsConfig } from '../config.ts';
import { MediaError } from '../errors.ts';
import { assertFfmpeg, remux } from '../ffmpeg/remux.ts';
import type { Logger } from '../log.ts';
import { isRecordable } from './frames.ts';
import { Recorder } from './recorder.ts';
import { Shelf } from './shelf.ts';
import type { Source } from './source.ts';

/** The rest of the machine needs some of its disk too. */
const LEAST_FREE_BYTES = 500_000_000;

/** The room that is recorded. */
export interface RecordedRoom {
  readonly id: string;
  readonly generation: number;
  readonly closed: boolean;
  /** @throws MediaError `producer-not-found` */
  source(producer: string): Source;
}

type Cause = NonNullable<RecordingInfo['cause']>;

interface Running {
  readonly room: RecordedRoom;
  readonly recorder: Recorder;
  readonly timer: NodeJS.Timeout;
  bytes: number;
}

interface RecordingsEvents {
  /** The file is ready, or it turned out that there was nothing to record: then it has no bytes. */
  finished: [RecordedRoom, RecordingInfo];
}

/** All recordings of this node: those that go on, and the files of those that are finished until somebody deletes them. */
export class Recordings extends EventEmitter<RecordingsEvents> {
  readonly #config: RecordingsConfig;
  readonly #ffmpeg: string;
  readonly #log: Logger;
  readonly #shelf: Shelf;
  readonly #running = new Map<string, Running>();
  readonly #starting = new Set<string>();
  readonly #finishing = new Map<string, Promise<void>>();

  /** Finds what an earlier life of the node has left behind, and finishes what was going on. */
  static async open(config: RecordingsConfig, ffmpeg: string, log: Logger): Promise<Recordings> {
    const recordings = new Recordings(config, ffmpeg, log, await Shelf.open(config.folder));
    recordings.#recover();
    return recordings;
  }

  private constructor(config: RecordingsConfig, ffmpeg: string, log: Logger, shelf: Shelf) {
    super();
    this.#config = config;
    this.#ffmpeg = ffmpeg;
    this.#log = log.child({ class: 'Recordings' });
    this.#shelf = shelf;
  }

  /** How many go on. */
  get running(): number {
    return this.#running.size;
  }

  /** Of all files together. */
  get bytes(): number {
    const finished = this.#shelf.infos.reduce((sum, { bytes }) => sum + bytes, 0);
    return [...this.#running.values()].reduce((sum, { bytes }) => sum + bytes, finished);
  }

  get infos(): RecordingInfo[] {
    return this.#shelf.infos;
  }

  /** @throws MediaError `recording-not-found` */
  info(recording: string): RecordingInfo {
    const info = this.#shelf.info(recording);
    if (info === undefined) throw new MediaError('recording-not-found', `there is no recording ${recording}`);
    return info;
  }

  /**
   * Begins a recording.
   *
   * @throws MediaError `recording-exists`, `producer-not-found`, `cannot-record`, `disk-full`, `missing-program`
   */
  async start(room: RecordedRoom, { recording, producers, container }: BodyOf<'startRecording'>): Promise<RecordingInfo> {
    if (this.#starting.has(recording) || this.#shelf.info(recording) !== undefined) {
      throw new MediaError('recording-exists', `there is a recording ${recording} already`);
    }
    const sources = sourcesOf(room, producers);
    if (sources.length === 0) throw new MediaError('invalid-parameters', 'there is nothing to record');
    const info: RecordingInfo = {
      recording,
      room: room.id,
      container: containerFor(sources, container),
      state: 'running',
      startedAt: Date.now(),
      duration: 0,
      bytes: 0,
    };
    this.#starting.add(recording);
    try {
      await assertFfmpeg(this.#ffmpeg);
      await this.#assertSpace();
      await this.#shelf.describe(info);
      await this.#begin(room, info, sources);
      return info;
    } finally {
      this.#starting.delete(recording);
    }
  }

  /**
   * Records other producers from now on. Kinds that are not named go on as they are.
   *
   * @throws MediaError `recording-not-found`, `producer-not-found`; `cannot-record` for a kind that was not recorded before, or another codec.
   */
  async replace(room: RecordedRoom, recording: string, producers: BodyOf<'replaceRecorded'>): Promise<void> {
    const { recorder } = this.#runningIn(room, recording);
    const sources = sourcesOf(room, producers);
    for (const { kind, mimeType } of sources) {
      if (recorder.sourceOf(kind)?.mimeType.toLowerCase() === mimeType.toLowerCase()) continue;
      throw new MediaError('cannot-record', `the recording has no track of ${mimeType} for ${kind}`);
    }
    for (const source of sources) await recorder.record(source);
  }

  /**
   * Ends a recording; `finished` tells when its file is ready.
   *
   * @throws MediaError `recording-not-found` when it does not go on in this room.
   */
  stop(room: RecordedRoom, recording: string): void {
    this.#runningIn(room, recording);
    this.#end(recording, 'stopped');
  }

  /** Ends what goes on in a room. */
  endRoom({ id, generation }: Pick<RecordedRoom, 'id' | 'generation'>): void {
    for (const [recording, { room }] of this.#running) {
      if (room.id === id && room.generation === generation) this.#end(recording, 'room-closed');
    }
  }

  /**
   * A part of a finished file.
   *
   * @throws MediaError `recording-not-found`, `recording-not-finished`
   */
  read(recording: string, offset: number, length: number): Promise<Uint8Array> {
    const info = this.info(recording);
    if (info.state === 'running') throw new MediaError('recording-not-finished', 'the file is not ready; an event tells when it is');
    return this.#shelf.read(info, offset, length);
  }

  /** @throws MediaError `recording-not-found`, `recording-not-finished` */
  async remove(recording: string): Promise<void> {
    if (this.info(recording).state === 'running') throw new MediaError('recording-not-finished', 'it has to be stopped first');
    await this.#shelf.remove(recording);
  }

  /** Writes what there is; the next life of the node makes the finished files. */
  async shutDown(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((recording) => this.#halt(recording)));
    await Promise.race([Promise.all(this.#finishing.values()), new Promise((resolve) => setTimeout(resolve, 2_000))]);
  }

  async #begin(room: RecordedRoom, info: RecordingInfo, sources: readonly Source[]): Promise<void> {
    const { recording } = info;
    let running: Running | undefined;
    try {
      const recorder = await Recorder.start(this.#shelf.rawFile(recording), sources, (bytes) => {
        if (running !== undefined) this.#written(recording, running, bytes);
      });
      const timer = setTimeout(() => {
        this.#end(recording, 'too-long');
      }, this.#config.maxSeconds * 1000).unref();
      running = { room, recorder, timer, bytes: 0 };
      this.#running.set(recording, running);
      // It may have been closed a moment ago, when there was nothing to end yet.
      if (room.closed) this.#end(recording, 'room-closed');
    } catch (error) {
      await this.#shelf.remove(recording);
      throw error;
    }
  }

  #written(recording: string, running: Running, bytes: number): void {
    running.bytes += bytes;
    if (this.bytes > this.#config.maxBytes) this.#end(recording, 'disk-full');
  }

  #end(recording: string, cause: Cause): void {
    const running = this.#running.get(recording);
    if (running === undefined) return;
    this.#follow(
      recording,
      this.#halt(recording).then(() => this.#finish(recording, cause, running.room)),
    );
  }

  async #halt(recording: string): Promise<void> {
    const running = this.#running.get(recording);
    if (running === undefined) return;
    this.#running.delete(recording);
    clearTimeout(running.timer);
    try {
      await running.recorder.stop();
    } catch (error) {
      // What reached the disk before is still worth having.
      this.#log.error({ recording, error: String(error) }, 'the end of a recording could not be written');
    }
  }

  #follow(recording: string, finishing: Promise<void>): void {
    const followed = finishing
      .catch((error: unknown) => {
        this.#log.error({ recording, error: String(error) }, 'a recording could not be finished; the next start tries again');
      })
      .finally(() => this.#finishing.delete(recording));
    this.#finishing.set(recording, followed);
  }

  async #finish(recording: string, cause: Cause, room?: RecordedRoom): Promise<void> {
    const info = this.info(recording);
    const duration = await this.#make(info);
    const bytes = duration === undefined ? 0 : await this.#shelf.finish(info);
    const finished: RecordingInfo = { ...info, state: 'finished', cause, duration: duration ?? 0, bytes };
    if (bytes === 0) await this.#shelf.remove(recording);
    else await this.#shelf.describe(finished);
    this.#log.info({ recording, cause, duration, bytes }, 'recording finished');
    if (room !== undefined) this.emit('finished', room, finished);
  }

  /** @returns the duration in seconds; `undefined` where nothing was recorded. */
  async #make({ recording, container }: RecordingInfo): Promise<number | undefined> {
    const raw = this.#shelf.rawFile(recording);
    const size = await stat(raw).then(
      (file) => file.size,
      () => 0,
    );
    return size === 0 ? undefined : remux(this.#ffmpeg, raw, this.#shelf.draftFile(recording), container);
  }

  #recover(): void {
    for (const { recording, state } of this.#shelf.infos) {
      if (state === 'running') this.#follow(recording, this.#finish(recording, 'interrupted'));
    }
  }

  async #assertSpace(): Promise<void> {
    if (this.bytes >= this.#config.maxBytes) {
      throw new MediaError('disk-full', 'recordings fill what they may; delete some, or set RECORDINGS_MAX_GB higher');
    }
    if ((await this.#shelf.freeBytes()) < LEAST_FREE_BYTES) {
      throw new MediaError('disk-full', `the disk of ${this.#config.folder} is nearly full`);
    }
  }

  #runningIn(room: RecordedRoom, recording: string): Running {
    const running = this.#running.get(recording);
    if (running?.room !== room) throw new MediaError('recording-not-found', `recording ${recording} does not go on in this room`);
    return running;
  }
}

function sourcesOf(room: RecordedRoom, producers: BodyOf<'replaceRecorded'>): Source[] {
  return (['audio', 'video'] as const).flatMap((kind) => {
    const producer = producers[kind];
    if (producer === undefined) return [];
    const source = room.source(producer);
    if (source.kind !== kind) throw new MediaError('invalid-parameters', `producer ${producer} does not send ${kind}`);
    if (!isRecordable(source)) throw new MediaError('cannot-record', `${source.mimeType} cannot be recorded`);
    return [source];
  });
}

function containerFor(sources: readonly Source[], wanted: RecordingContainer | undefined): RecordingContainer {
  const isAvc = sources.some(({ mimeType }) => mimeType.toLowerCase() === 'video/h264');
  const isVpx = sources.some(({ mimeType }) => /^video\/vp[89]$/iu.test(mimeType));
  const container = wanted ?? (isAvc ? 'mp4' : 'webm');
  if ((container === 'webm' && isAvc) || (container === 'mp4' && isVpx)) {
    throw new MediaError('cannot-record', `${container} does not take this codec; matroska takes all of them`);
  }
  return container;
}
