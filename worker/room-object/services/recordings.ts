import { type ParticipantId, type RoomId, roomNameOf, tenantOf } from '../../../shared/ids.ts';
import { seal } from '../../platform/grants.ts';
import type { Settings } from '../../platform/settings.ts';
import type { NewRecording, OpenRecording, RecordingRemarks, RoomRecordings } from '../../protocols/services.ts';
import type { Recording } from '../../recordings/store.ts';
import type { Time } from '../../room/participant.ts';
import { Collection, type RecordStore } from '../../room/records.ts';
import { plainName } from '../../transfer/plain-name.ts';
import type { Ledger } from './ledger.ts';

/** Longer remarks are cut, in characters. */
const MAX_REMARK = 1000;

/** The recordings of a room. Those that are going on are kept among the room's records. */
export class Recordings implements RoomRecordings {
  readonly #room: RoomId;
  readonly #settings: Settings;
  readonly #open: Collection<Recording>;
  readonly #ledger: Ledger;

  constructor(room: RoomId, settings: Settings, { store, open }: { store: RecordStore; open: readonly Recording[] }, ledger: Ledger) {
    this.#room = room;
    this.#settings = settings;
    this.#open = new Collection('recordings', store, open);
    this.#ledger = ledger;
  }

  async start({ participantId, name, subject, fileName, note }: NewRecording, origin: string): Promise<OpenRecording> {
    const now = Date.now();
    const given = plainName(fileName ?? '');
    const recording: Recording = {
      id: crypto.randomUUID(),
      tenant: tenantOf(this.#room),
      room: this.#room,
      participant: participantId,
      name: name ?? null,
      subject: subject ?? null,
      fileName: given === '' ? defaultFileName(this.#room, now) : given,
      filePath: filePathOf(this.#room, now),
      note: remark(note) ?? null,
      startedAt: now,
      stoppedAt: null,
    };
    this.#open.set(recording);
    this.#ledger.writeRecording(recording);
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
    this.#ledger.writeRecording({
      ...recording,
      fileName: given === '' ? recording.fileName : given,
      filePath: remark(filePath) ?? recording.filePath,
      note: remark(note) ?? recording.note,
      stoppedAt: Date.now(),
    });
    return true;
  }

  /** Somebody who may have been recording is gone. */
  left(participant: ParticipantId): void {
    for (const { id } of this.#open.filter((recording) => recording.participant === participant)) this.stop(id);
  }

  /** The room is over. */
  end(): void {
    for (const { id } of this.#open.values()) this.stop(id);
  }
}

/** Year, month, day, hour, minute and second (UTC), two digits each but for the year. */
function digitsOf(now: Time): string[] {
  return new Date(now).toISOString().split(/\D/u).slice(0, 6);
}

function defaultFileName(room: RoomId, now: Time): string {
  return `REC_${plainName(roomNameOf(room))}_${digitsOf(now).join('')}.webm`;
}

function filePathOf(room: RoomId, now: Time): string {
  return `/${digitsOf(now).slice(0, 3).join('/')}/${roomNameOf(room)}`;
}

/** Free text of a client, without control characters. */
function remark(text: string | undefined): string | undefined {
  const plain = text
    ?.replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, MAX_REMARK)
    .trim();
  return plain === '' ? undefined : plain;
}
