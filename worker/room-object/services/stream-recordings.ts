import { type MediaId, type StreamId, tenantOf } from '../../../shared/ids.ts';
import { logger } from '../../platform/logger.ts';
import type { NewStreamRecording, StreamRecording } from '../../protocols/services.ts';
import type { Recording } from '../../recordings/store.ts';
import { Refusal } from '../../room/errors.ts';
import type { RoomEvent } from '../../room/events.ts';
import type { MediaPlane } from '../../room/media-plane.ts';
import type { Time } from '../../room/participant.ts';
import { kindOf, type Publication } from '../../room/publication.ts';
import { Collection, type RecordStore } from '../../room/records.ts';
import type { Room } from '../../room/room.ts';
import type { Stream } from '../../room/stream.ts';
import type { Ledger } from './ledger.ts';
import { fileNameOf, filePathOf } from './recording-names.ts';

/** A recording that is being started is collected only when the call that starts it has certainly come to its end. */
const STARTING: Time = 5_000;

/** The producers that are recorded, at most one of each kind. */
interface Producers {
  readonly audio?: MediaId;
  readonly video?: MediaId;
}

/** A stream that the media node records. */
export interface RecordedStream extends Recording {
  readonly stream: StreamId;
  readonly producers: Producers;
  /** Of the room on the media node. */
  readonly generation: number;
  /** The recording of the whole room that it belongs to. */
  readonly parent?: string;
}

/** The room's life on the media node. */
export interface Recorder extends Pick<MediaPlane, 'call'> {
  readonly generation: number;
}

/**
 * The recordings that the media node makes of a room's streams. Each is kept among the room's records while it goes on, and handed to the ledger when it
 * is over, in the same transaction: from then on it needs the room no more.
 */
export class StreamRecordings {
  readonly #room: Room;
  readonly #media: Recorder;
  readonly #ledger: Ledger;
  readonly #open: Collection<RecordedStream>;
  readonly #starting = new Set<string>();

  constructor(room: Room, media: Recorder, { store, open }: { store: RecordStore; open: readonly RecordedStream[] }, ledger: Ledger) {
    this.#room = room;
    this.#media = media;
    this.#ledger = ledger;
    this.#open = new Collection('stream-recordings', store, open);
    // Whatever ended while nobody looked.
    for (const recording of open) if (!room.stream(recording.stream)) this.#stop(recording);
  }

  /** @throws Refusal `stream-not-found`, `invalid-media-parameters`, `media-unavailable` */
  async record({ stream: id, subject, fileName }: NewStreamRecording, parent?: string): Promise<StreamRecording> {
    const stream = this.#room.stream(id);
    if (!stream) throw new Refusal('stream-not-found');
    const container = containerOf(stream);
    const recording = this.#open.set({
      ...this.#describe(stream, subject, fileName(container)),
      container,
      ...(parent !== undefined && { parent }),
    });
    this.#starting.add(recording.id);
    try {
      await this.#media.call('startRecording', {}, { recording: recording.id, producers: recording.producers, container });
    } catch (error) {
      // Only a clear refusal says that nothing is being recorded.
      if (error instanceof Refusal && error.reason !== 'media-unavailable') this.#open.delete(recording.id);
      else this.#stop(recording);
      throw error;
    } finally {
      this.#starting.delete(recording.id);
    }
    if (this.#open.get(recording.id)) this.#ledger.writeRecording(recording);
    return { id: recording.id, fileName: recording.fileName };
  }

  /** Records a stream as a part of the recording of the whole room. */
  recordFor(parent: string, stream: StreamId): void {
    const now = Date.now();
    const fileName = (extension: string) => fileNameOf(this.#room.id, now, `_${crypto.randomUUID()}`, extension);
    this.record({ stream, fileName }, parent).catch((error: unknown) => {
      logger.warn('a stream is not recorded', { room: this.#room.id, stream, error: String(error) });
    });
  }

  /** Records all streams that there are as parts of the recording of the whole room. */
  recordAll(parent: string): void {
    for (const { id } of this.#room.streams()) this.recordFor(parent, id);
  }

  /** The recording of the whole room is over. */
  stopAll(parent: string): void {
    for (const recording of this.#open.filter((one) => one.parent === parent)) this.#stop(recording);
  }

  follow(event: RoomEvent): void {
    if (event.type !== 'stream-changed' && event.type !== 'stream-ended') return;
    for (const recording of this.#open.filter(({ stream }) => stream === event.stream.id)) {
      if (event.type === 'stream-ended') this.#stop(recording);
      else this.#streamChanged(recording, event.stream);
    }
  }

  /** The media node says that the file of a recording is ready; it may have ended it by itself. */
  finished(id: string): void {
    const recording = this.#open.get(id);
    if (recording) this.#stop(recording);
    else this.#ledger.hasten(id);
  }

  async hasFile(id: string): Promise<boolean> {
    const isOver = !this.#open.get(id) && !this.#ledger.isCollecting(id);
    return isOver || (await this.#ledger.collected(id)) !== 'empty';
  }

  /** The room is over. */
  end(): void {
    for (const recording of this.#open.values()) this.#stop(recording);
  }

  #stop({ id }: RecordedStream): void {
    const recording = this.#open.get(id);
    if (!recording) return;
    const now = Date.now();
    this.#open.delete(id);
    const stopped = { ...recording, stoppedAt: now };
    this.#ledger.writeRecording(stopped);
    this.#ledger.collect({ recording: stopped, generation: recording.generation }, this.#starting.has(id) ? now + STARTING : now);
  }

  /** Other producers of the same kinds and codecs go on in the same file. Of the recording of a whole room, what cannot go on does so in another file. */
  #streamChanged(recording: RecordedStream, stream: Stream): void {
    const { id, parent, producers: before } = recording;
    const after = producersOf(stream);
    const changed = {
      ...(after.audio !== before.audio && pick(after, 'audio')),
      ...(after.video !== before.video && pick(after, 'video')),
    };
    if (Object.keys(changed).length === 0) return;
    this.#open.set({ ...recording, producers: { ...before, ...changed } });
    this.#media.call('replaceRecorded', { recording: id }, changed).catch((error: unknown) => {
      logger.warn('a recording cannot go on with what is published now', { room: this.#room.id, recording: id, error: String(error) });
      if (parent === undefined || !this.#open.get(id)) return;
      this.#stop(recording);
      this.recordFor(parent, stream.id);
    });
  }

  #describe(stream: Stream, subject: string | undefined, fileName: string): Omit<RecordedStream, 'container'> {
    const { id: room } = this.#room;
    const now = Date.now();
    const codecs = recordedOf(stream).flatMap(({ codec }) => codec ?? []);
    return {
      id: crypto.randomUUID(),
      tenant: tenantOf(room),
      room,
      participant: stream.participantId,
      name: this.#room.participant(stream.participantId)?.name ?? null,
      subject: subject ?? stream.label ?? null,
      fileName,
      filePath: filePathOf(room, now),
      note: null,
      startedAt: now,
      stoppedAt: null,
      maker: 'media-node',
      durationMs: null,
      codecs: codecs.join(','),
      stream: stream.id,
      producers: producersOf(stream),
      generation: this.#media.generation,
    };
  }
}

/** The first publication of each kind: a file has one track for sound and one for pictures. */
function recordedOf({ publications }: Stream): Publication[] {
  return (['audio', 'video'] as const).flatMap((kind) => publications.find(({ source }) => kindOf(source) === kind) ?? []);
}

function producersOf(stream: Stream): Producers {
  return Object.fromEntries(recordedOf(stream).map(({ source, id }) => [kindOf(source), id]));
}

function pick(producers: Producers, kind: keyof Producers): Producers {
  const { [kind]: id } = producers;
  return id === undefined ? {} : { [kind]: id };
}

/** WebM does not take H264. */
function containerOf(stream: Stream): 'webm' | 'mp4' {
  return recordedOf(stream).some(({ codec }) => codec?.toUpperCase() === 'H264') ? 'mp4' : 'webm';
}
