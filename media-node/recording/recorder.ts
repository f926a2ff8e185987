import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { MediaKind } from '../../shared/rtp.ts';
import { assumedTrack, FrameReader } from './frames.ts';
import type { Frame } from './frames.ts';
import { block, cluster, head } from './matroska.ts';
import type { Track } from './matroska.ts';
import type { Source } from './source.ts';

/** What is in memory when the process is killed is lost. */
const WRITE_INTERVAL_MS = 250;
const LONGEST_CLUSTER_MS = 1_000;
/** A camera that is switched off sends nothing to begin with. */
const PATIENCE_MS = 3_000;
/** Clocks of one client differ less than this; streams of different clients are not aligned. */
const LARGEST_CORRECTION_MS = 1_000;
const LONGEST_HEADSTART_MS = 10 * 60_000;
/** Sound that comes this little before the first picture, which had to be asked for, is left out: the file begins with both. */
const SHORT_HEADSTART_MS = 500;

interface Lane {
  source: Source;
  reader: FrameReader;
  track: Track | undefined;
  /** Of the last frame, in milliseconds of the recording. */
  last: number;
  /** Nothing is written of video until a key frame comes. */
  isStarted: boolean;
}

/**
 * Writes what sources send into a file, as it comes. There is one track for sound and one for pictures; which source is behind a track may change. A
 * source that pauses leaves a gap.
 */
export class Recorder {
  readonly #lanes = new Map<MediaKind, Lane>();
  readonly #onWritten: (bytes: number) => void;
  readonly #file: FileHandle;
  readonly #timer: NodeJS.Timeout;
  #early: { readonly kind: MediaKind; readonly frame: Frame }[] = [];
  readonly #openedAt = Date.now();
  /** When the recording began; `undefined` before the head is written. */
  #origin: number | undefined;
  #clusterTime = 0;
  #chunks: Buffer[] = [];
  #writing: Promise<void> = Promise.resolve();
  #duration = 0;
  #isClosed = false;

  /**
   * @param sources at most one of each kind.
   * @param onWritten called with the bytes of each write.
   */
  static async start(path: string, sources: readonly Source[], onWritten: (bytes: number) => void): Promise<Recorder> {
    const recorder = new Recorder(await open(path, 'wx'), onWritten);
    try {
      for (const source of sources) await recorder.record(source);
      return recorder;
    } catch (error) {
      await recorder.stop();
      throw error;
    }
  }

  private constructor(file: FileHandle, onWritten: (bytes: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
    this.#timer = setInterval(() => {
      this.#tick();
    }, WRITE_INTERVAL_MS).unref();
  }

  /** In milliseconds. */
  get duration(): number {
    return this.#duration;
  }

  /** What is behind the track of this kind; `undefined` where there is none. */
  sourceOf(kind: MediaKind): Source | undefined {
    return this.#lanes.get(kind)?.source;
  }

  /** Records this source from now on, in place of the one of its kind before. */
  async record(source: Source): Promise<void> {
    const before = this.#lanes.get(source.kind);
    const reader = new FrameReader(source, (frame) => {
      if (this.#lanes.get(source.kind)?.reader === reader) this.#take(source.kind, frame);
    });
    before?.reader.close();
    this.#lanes.set(source.kind, { source, reader, track: before?.track, last: before?.last ?? -1, isStarted: false });
    await reader.open(() => {
      this.#align();
    });
  }

  /** Finishes the file. */
  async stop(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { reader } of this.#lanes.values()) reader.close();
    // Where nothing came at all the file stays empty.
    if (this.#origin === undefined && this.#early.length > 0) this.#begin();
    this.#write();
    await this.#writing;
    await this.#file.close();
  }

  /** Sound and pictures of one client go together by what it says of its clock, not by when they came through the network. */
  #align(): void {
    const audio = this.#lanes.get('audio')?.reader.clock;
    const video = this.#lanes.get('video')?.reader.clock;
    if (audio?.lead === undefined || video?.lead === undefined) return;
    const correction = video.lead - audio.lead;
    if (Math.abs(correction) < LARGEST_CORRECTION_MS) video.correction = correction;
  }

  #take(kind: MediaKind, frame: Frame): void {
    if (this.#isClosed) return;
    const lane = this.#lanes.get(kind);
    if (lane === undefined) return;
    lane.track ??= frame.track;
    if (this.#origin !== undefined) {
      this.#add(lane, kind, frame);
      return;
    }
    this.#early.push({ kind, frame });
    const [first] = this.#early;
    if (first !== undefined && frame.time - first.frame.time > LONGEST_HEADSTART_MS) this.#early.shift();
    if ([...this.#lanes.values()].every(({ track }) => track !== undefined)) this.#begin();
  }

  /** Writes the head, as soon as all tracks are known, and what came before that. */
  #begin(): void {
    for (const lane of this.#lanes.values()) lane.track ??= assumedTrack(lane.source);
    const tracks = this.#tracks();
    if (tracks.length === 0) return;
    const origin = this.#beginning();
    this.#origin = origin;
    this.#chunks.push(head(tracks), cluster(0));
    for (const { kind, frame } of this.#early.filter((early) => early.frame.time >= origin)) {
      const lane = this.#lanes.get(kind);
      if (lane !== undefined) this.#add(lane, kind, frame);
    }
    this.#early = [];
  }

  /** The time at which the file begins. */
  #beginning(): number {
    const first = Math.min(...this.#early.map(({ frame }) => frame.time), Date.now());
    const picture = this.#early.find(({ kind, frame }) => kind === 'video' && frame.isKeyFrame)?.frame.time;
    return picture !== undefined && picture - first <= SHORT_HEADSTART_MS ? picture : first;
  }

  #tracks(): Track[] {
    return [...this.#lanes.values()].flatMap(({ track }) => track ?? []);
  }

  #add(lane: Lane, kind: MediaKind, { time, isKeyFrame, data }: Frame): void {
    if (lane.track === undefined || (!lane.isStarted && !isKeyFrame)) return;
    lane.isStarted = true;
    // Corrections of clocks must not turn time back.
    const at = Math.max(Math.round(time - (this.#origin ?? time)), lane.last + 1, 0);
    lane.last = at;
    this.#duration = Math.max(this.#duration, at);
    if (at - this.#clusterTime >= LONGEST_CLUSTER_MS || (kind === 'video' && isKeyFrame && at > this.#clusterTime)) {
      this.#clusterTime = at;
      this.#chunks.push(cluster(at));
    }
    const number = this.#tracks().indexOf(lane.track) + 1;
    // A frame may belong before the beginning of the cluster, because its packets were waited for.
    this.#chunks.push(block(number, at - this.#clusterTime, isKeyFrame, data));
  }

  #tick(): void {
    const isLate = Date.now() - this.#openedAt > PATIENCE_MS;
    const isReady = [...this.#lanes.values()].every(({ source, track }) => (track ?? assumedTrack(source)) !== undefined);
    if (this.#origin === undefined && isLate && isReady && this.#early.length > 0) this.#begin();
    this.#write();
  }

  #write(): void {
    if (this.#chunks.length === 0) return;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#writing = this.#writing
      .then(() => this.#file.appendFile(bytes))
      .then(() => {
        this.#onWritten(bytes.length);
      });
    // A full disk: whoever stops the recording finds out.
    this.#writing.catch(() => undefined);
  }
}
