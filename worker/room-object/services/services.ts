import type { Settings } from '../../platform/settings.ts';
import type { RoomServices } from '../../protocols/services.ts';
import type { RoomEvent } from '../../room/events.ts';
import type { Room } from '../../room/room.ts';
import type { Topology } from '../../room/snapshot.ts';
import type { RoomStorage } from '../storage.ts';
import { Files } from './files.ts';
import type { Ledger } from './ledger.ts';
import { type BroughtRecording, Recordings } from './recordings.ts';
import { type RecordedStream, type Recorder, StreamRecordings } from './stream-recordings.ts';
import { type OpenRecord, Usage } from './usage.ts';

interface LifeRecord {
  readonly life: string;
  /** Whether an address for uploads was ever given out, so that there may be files. */
  readonly hasGranted: boolean;
}

/**
 * What a room offers beside the conference, for one life of the room: from its making to its end. It follows the room's events, and what it
 * leaves behind goes through the ledger.
 */
export class Services implements RoomServices {
  readonly files: Files;
  readonly recordings: Recordings;
  readonly usage: Usage;
  readonly #storage: RoomStorage;
  readonly #ledger: Ledger;
  #life: LifeRecord;
  #topology: Topology;

  constructor(room: Room, media: Recorder, storage: RoomStorage, settings: Settings, ledger: Ledger) {
    this.#storage = storage;
    this.#ledger = ledger;
    this.#topology = room.topology;
    this.#life = storage.all<LifeRecord>('life')[0] ?? { life: crypto.randomUUID(), hasGranted: false };
    storage.put('life', 'life', this.#life);
    const { life } = this.#life;
    this.files = new Files(room.id, life, settings, () => {
      this.#mayHaveFiles();
    });
    const recorded = { store: storage, open: storage.all<RecordedStream>('stream-recordings') };
    const streams = new StreamRecordings(room, media, recorded, ledger);
    const recordings = { store: storage, open: storage.all<BroughtRecording>('recordings') };
    this.recordings = new Recordings(room.id, settings, recordings, ledger, streams);
    const usage = { store: storage, open: storage.all<OpenRecord>('usage') };
    this.usage = new Usage({ room: room.id, life }, room.topology, usage, ledger);
  }

  /** Names this life of the room. Nobody can guess it. */
  get life(): string {
    return this.#life.life;
  }

  /** Something happened in the room. */
  follow(event: RoomEvent): void {
    this.recordings.follow(event);
    switch (event.type) {
      case 'participant-joined':
        this.#setTopology(event.topology);
        this.usage.joined(event.participantId, event.participant.name ?? null);
        return;
      case 'participant-renamed':
        this.usage.renamed(event.participantId, event.name);
        return;
      case 'participant-left':
        this.usage.left(event.participantId);
        return;
      default:
    }
  }

  /** The room is over: nothing goes on any more, and its files are deleted. */
  end(): void {
    this.usage.end();
    this.recordings.end();
    if (this.#life.hasGranted) this.#ledger.deleteFiles(this.life);
  }

  #setTopology(topology: Topology): void {
    if (topology === this.#topology) return;
    this.#topology = topology;
    this.usage.topologyChanged(topology);
  }

  #mayHaveFiles(): void {
    if (this.#life.hasGranted) return;
    this.#life = { ...this.#life, hasGranted: true };
    this.#storage.put('life', 'life', this.#life);
  }
}
