import { type ParticipantId, type RoomId, type StreamId, tenantOf } from '../../../shared/ids.ts';
import { seal } from '../../platform/grants.ts';
import type { Settings } from '../../platform/settings.ts';
import type {
  NewRecording,
  NewStreamRecording,
  OpenRecording,
  RecordingRemarks,
  RoomRecordings,
  StreamRecording,
} from '../../protocols/services.ts';
import type { Recording } from '../../recordings/store.ts';
import type { RoomEvent } from '../../room/events.ts';
import { Collection, type RecordStore } from '../../room/records.ts';
import { plainName } from '../../transfer/plain-name.ts';
import type { Ledger } from './ledger.ts';
import { fileNameOf, filePathOf } from './recording-names.ts';
import type { StreamRecordings } from './stream-recordings.ts';

/** Longer remarks are cut, in characters. */
const MAX_REMARK = 1000;

/** A recording that is going on; with `everyStream` the media node's recordings of all streams belong to it. */
export interface BroughtRecording extends Recording {
  readonly everyStream?: true;
}

/** The recordings of a room: those that its members bring, and through {@link StreamRecordings} those that the media node makes. */
export class Recordings implements RoomRecordings {
  readonly #room: RoomId;
  readonly #settings: Settings;
  /** What is going on is kept among the room's records. */
  readonly #open: Collection<BroughtRecording>;
  readonly #ledger: Ledger;
  readonly #streams: StreamRecordings;

  constructor(
    room: RoomId,
    settings: Settings,
    { store, open }: { store: RecordStore; open: readonly BroughtRecording[] },
    ledger: Ledger,
    streams: StreamRecordings,
  ) {
    this.#room = room;
    this.#settings = settings;
    this.#open = new Collection('recordings', store, open);
    this.#ledger = ledger;
    this.#streams = streams;
  }

  recordStream(recording: NewStreamRecording): Promise<StreamRecording> {
    return this.#streams.record(recording);
  }

  hasFile(id: string): Promise<boolean> {
    return this.#streams.hasFile(id);
  }

  async start({ participantId, name, subject, fileName, note, everyStream }: NewRecording, origin: string): Promise<OpenRecording> {
    const now = Date.now();
    const given = plainName(fileName ?? '');
    const recording: BroughtRecording = {
      id: crypto.randomUUID(),
      tenant: tenantOf(this.#room),
      room: this.#room,
      participant: participantId,
      name: name ?? null,
      subject: subject ?? null,
      fileName: given === '' ? fileNameOf(this.#room, now) : given,
      filePath: filePathOf(this.#room, now),
      note: remark(note) ?? null,
      startedAt: now,
      stoppedAt: null,
      maker: 'participant',
      durationMs: null,
      container: null,
      codecs: null,
      ...(everyStream && { everyStream }),
    };
    this.#open.set(recording);
    this.#ledger.writeRecording(recording);
    if (everyStream) this.#streams.recordAll(recording.id);
    const grant = await seal(this.#settings, 'recordings', { room: this.#room, recording: recording.id });
    return {
      id: recording.id,
      uploadUrl: `${origin}/recordings?grant=${grant}`,
      fileName: recording.fileName,
      filePath: recording.filePath,
    };
  }

  stop(id: string, { fileName, filePath, note }: RecordingRemarks = {}): boolean {
    const recording = this.#open.get(id);
    if (!recording) return false;
    const given = plainName(fileName ?? '');
    this.#open.delete(id);
    this.#streams.stopAll(id);
    this.#ledger.writeRecording({
      ...recording,
      fileName: given === '' ? recording.fileName : given,
      filePath: remark(filePath) ?? recording.filePath,
      note: remark(note) ?? recording.note,
      stoppedAt: Date.now(),
    });
    return true;
  }

  /** Something happened in the room. */
  follow(event: RoomEvent): void {
    this.#streams.follow(event);
    if (event.type === 'participant-joined') for (const { id } of event.streams) this.#streamStarted(id);
    if (event.type === 'stream-started') this.#streamStarted(event.stream.id);
    if (event.type === 'participant-left') this.#left(event.participantId);
  }

  /** The media node says that the file of a recording is ready. */
  finished(id: string): void {
    this.#streams.finished(id);
  }

  /** The room is over. */
  end(): void {
    for (const { id } of this.#open.values()) this.stop(id);
    this.#streams.end();
  }

  #streamStarted(stream: StreamId): void {
    for (const { id } of this.#open.filter(({ everyStream }) => everyStream === true)) this.#streams.recordFor(id, stream);
  }

  /** Somebody who may have been recording is gone. */
  #left(participant: ParticipantId): void {
    for (const { id } of this.#open.filter((recording) => recording.participant === participant)) this.stop(id);
  }
}

/** Free text of a client, without control characters. */
function remark(text: string | undefined): string | undefined {
  const plain = text
    ?.replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, MAX_REMARK)
    .trim();
  return plain === '' ? undefined : plain;
}
