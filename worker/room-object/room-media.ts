import type { RoomId } from '../../shared/ids.ts';
import type { BodyInputOf, MediaErrorReason, QueryOf, ResultOf } from '../../shared/media-api.ts';
import { Refusal, type RefusalReason } from '../room/errors.ts';
import type { MediaPlane, ObjectOf, RoomOperation } from '../room/media-plane.ts';
import type { Time } from '../room/participant.ts';
import type { RecordStore } from '../room/records.ts';
import { MediaCallError, type MediaClient } from '../platform/media-client.ts';

/** The lease of 120 s is renewed three times before it runs out. */
const RENEWAL_INTERVAL: Time = 40_000;

/** After a renewal that got no answer. */
const RENEWAL_RETRY: Time = 5_000;

/** What must be known of the room's media after a restart of the edge. */
interface MediaRecord {
  /** Tells the lives of this room on the media node apart. Grows always, even from one room of this name to the next. */
  readonly generation: number;
  /** What the open room can route; `null` while it is not open. */
  readonly rtpCapabilities: ResultOf<'openRoom'>['rtpCapabilities'] | null;
  readonly renewAt: Time;
  /** Number of the last event of this generation that was taken. */
  readonly lastEvent: number;
}

/** Where that is kept. */
interface MediaStorage extends Pick<RecordStore, 'put'> {
  all<Item>(collection: string): Item[];
}

const CLOSED: MediaRecord = { generation: 0, rtpCapabilities: null, renewAt: 0, lastEvent: 0 };

const REFUSALS: Readonly<Record<MediaErrorReason | 'unreachable', RefusalReason>> = {
  'invalid-parameters': 'invalid-media-parameters',
  'invalid-sdp': 'invalid-media-parameters',
  'body-too-large': 'invalid-media-parameters',
  'transport-not-found': 'superseded',
  'producer-not-found': 'publication-not-found',
  'consumer-not-found': 'publication-not-found',
  'connection-not-found': 'superseded',
  'superseded-attempt': 'superseded',
  'section-not-found': 'cannot-subscribe',
  'needs-negotiation': 'cannot-subscribe',
  'cannot-consume': 'cannot-subscribe',
  'already-connected': 'already-connected',
  'room-not-found': 'media-unavailable',
  'stale-generation': 'media-unavailable',
  'route-not-found': 'media-unavailable',
  unauthorized: 'media-unavailable',
  internal: 'media-unavailable',
  'shutting-down': 'media-unavailable',
  overloaded: 'media-unavailable',
  'missing-program': 'media-unavailable',
  'no-picture': 'publication-not-found',
  'recording-not-found': 'media-unavailable',
  'recording-exists': 'media-unavailable',
  'recording-not-finished': 'media-unavailable',
  'cannot-record': 'invalid-media-parameters',
  'disk-full': 'media-unavailable',
  // No call of a room is refused for one of these.
  'document-not-found': 'media-unavailable',
  'page-not-found': 'media-unavailable',
  'invalid-document': 'media-unavailable',
  'encrypted-document': 'media-unavailable',
  'costly-document': 'media-unavailable',
  unreachable: 'media-unavailable',
};

/** The room's life on the media node: opened when it is first needed, kept by a lease, and opened anew in a new generation when it was lost. */
export class RoomMedia implements MediaPlane {
  readonly #room: RoomId;
  readonly #client: MediaClient;
  readonly #storage: MediaStorage;
  readonly #onLost: () => void;
  #record: MediaRecord;
  #opening: Promise<ResultOf<'openRoom'>> | undefined;

  /** @param onLost called when the media node has lost everything that belonged to the room. */
  constructor(room: RoomId, client: MediaClient, storage: MediaStorage, onLost: () => void) {
    this.#room = room;
    this.#client = client;
    this.#storage = storage;
    this.#onLost = onLost;
    this.#record = storage.all<MediaRecord>('media')[0] ?? CLOSED;
  }

  /** When the lease is to be renewed; `null` while there is none. */
  get renewAt(): Time | null {
    return this.isOpen ? this.#record.renewAt : null;
  }

  /** Of the room's present or last life on the media node. */
  get generation(): number {
    return this.#record.generation;
  }

  get isOpen(): boolean {
    return this.#record.rtpCapabilities !== null;
  }

  async open(): Promise<ResultOf<'openRoom'>> {
    const { rtpCapabilities } = this.#record;
    if (rtpCapabilities !== null) return { rtpCapabilities };
    this.#opening ??= this.#openAnew().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async call<Operation extends RoomOperation>(
    operation: Operation,
    object: ObjectOf<Operation>,
    body: BodyInputOf<Operation>,
  ): Promise<ResultOf<Operation>> {
    const { generation } = this.#record;
    if (!this.isOpen && operation !== 'openRoom') throw new Refusal('media-unavailable', 'the room has no media');
    try {
      // What is missing from `object` is exactly what is added here, but TypeScript does not see through the generic `Omit`.
      return await this.#client.call(operation, { path: { ...object, ...this.#path() } as never, body });
    } catch (error) {
      throw this.#understand(error, generation);
    }
  }

  async iceServers(query: QueryOf<'iceServers'>): Promise<ResultOf<'iceServers'>> {
    try {
      return await this.#client.call('iceServers', { path: {}, query });
    } catch (error) {
      throw this.#understand(error, this.#record.generation);
    }
  }

  /** Renews the lease if it is time, which also finds out whether the media node still has the room. */
  async renew(now: Time): Promise<void> {
    if (!this.isOpen || now < this.#record.renewAt) return;
    const renewed = await this.call('renewRoom', {}, {}).then(
      () => true,
      () => false,
    );
    // The call itself may have found out that the room is lost.
    if (this.renewAt !== null) this.#save({ renewAt: now + (renewed ? RENEWAL_INTERVAL : RENEWAL_RETRY) });
  }

  /** Ends the room on the media node. What cannot be reached now ends there with its lease. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.#save({ rtpCapabilities: null });
    await this.#client.call('closeRoom', { path: this.#path() }).catch(() => undefined);
  }

  /**
   * Takes note of events.
   *
   * @returns how many of them, from the end, are new; `undefined` when they belong to a life of the room that is over.
   */
  newEvents(generation: number, first: number, count: number): number | undefined {
    if (generation !== this.#record.generation || !this.isOpen) return undefined;
    const last = first + count - 1;
    const fresh = Math.min(count, Math.max(0, last - this.#record.lastEvent));
    if (fresh > 0) this.#save({ lastEvent: last });
    return fresh;
  }

  /** The media node has lost the room: everything in it is gone, and the next `open` begins a new generation. */
  lost(): void {
    if (!this.isOpen) return;
    this.#save({ rtpCapabilities: null });
    this.#onLost();
  }

  async #openAnew(): Promise<ResultOf<'openRoom'>> {
    const now = Date.now();
    this.#save({ generation: Math.max(now, this.#record.generation + 1), lastEvent: 0 });
    const opened = await this.call('openRoom', {}, {});
    this.#save({ rtpCapabilities: opened.rtpCapabilities, renewAt: now + RENEWAL_INTERVAL });
    return opened;
  }

  #understand(error: unknown, generation: number): unknown {
    if (!(error instanceof MediaCallError)) return error;
    const isCurrent = generation === this.#record.generation;
    if (isCurrent && (error.reason === 'room-not-found' || error.reason === 'stale-generation')) this.lost();
    return new Refusal(REFUSALS[error.reason], error.message);
  }

  #path(): { room: string; generation: string } {
    return { room: this.#room, generation: String(this.#record.generation) };
  }

  #save(change: Partial<MediaRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#storage.put('media', 'media', this.#record);
  }
}
