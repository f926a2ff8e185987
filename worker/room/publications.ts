import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { Publication, Source } from './publication.ts';
import { Collection, type RecordStore } from './records.ts';
import type { Stream, StreamRecord } from './stream.ts';
import type { Subscription } from './subscription.ts';

/** What everybody publishes, in which streams, and who is subscribed to it. A subscription never outlives its publication. */
export class Publications {
  readonly #publications: Collection<Publication>;
  readonly #streams: Collection<StreamRecord>;
  readonly #subscriptions: Collection<Subscription>;

  constructor(
    stored: {
      readonly publications: readonly Publication[];
      readonly streams: readonly StreamRecord[];
      readonly subscriptions: readonly Subscription[];
    },
    store: RecordStore,
  ) {
    this.#publications = new Collection('publications', store, stored.publications);
    this.#streams = new Collection('streams', store, stored.streams);
    this.#subscriptions = new Collection('subscriptions', store, stored.subscriptions);
  }

  get(id: MediaId): Publication | undefined {
    return this.#publications.get(id);
  }

  of(participantId: ParticipantId): Publication[] {
    return this.#publications.filter((publication) => publication.participantId === participantId);
  }

  in(stream: StreamId): Publication[] {
    return this.#publications.filter((publication) => publication.stream === stream);
  }

  from(stream: StreamId, source: Source): Publication | undefined {
    return this.in(stream).find((publication) => publication.source === source);
  }

  /** A stream that was opened, whether or not it has begun. */
  streamRecord(id: StreamId): StreamRecord | undefined {
    return this.#streams.get(id);
  }

  /** Those that were opened, whether or not they have begun. */
  streamRecords(): StreamRecord[] {
    return this.#streams.values();
  }

  setStream(stream: StreamRecord): StreamRecord {
    return this.#streams.set(stream);
  }

  deleteStream(id: StreamId): void {
    this.#streams.delete(id);
  }

  /** The streams that have begun. */
  streams(): Stream[] {
    return this.#begun(this.streamRecords());
  }

  streamsOf(participantId: ParticipantId): Stream[] {
    return this.#begun(this.#streams.filter((stream) => stream.participantId === participantId));
  }

  #begun(records: readonly StreamRecord[]): Stream[] {
    const streams = records.map((stream) => ({ ...stream, publications: this.in(stream.id) }));
    return streams.filter(({ publications }) => publications.length > 0);
  }

  /** Those that end with a negotiated connection. */
  over(connectionId: MediaId): Publication[] {
    return this.#publications.filter((publication) => publication.connectionId === connectionId);
  }

  set(publication: Publication): Publication {
    return this.#publications.set(publication);
  }

  subscribe(subscription: Subscription): Subscription {
    return this.#subscriptions.set(subscription);
  }

  subscriptionsOf(participantId: ParticipantId): Subscription[] {
    return this.#subscriptions.filter((subscription) => subscription.participantId === participantId);
  }

  forget({ id }: Publication): void {
    this.#publications.delete(id);
    for (const subscription of this.#subscriptions.filter((one) => one.publicationId === id)) this.#subscriptions.delete(subscription.id);
  }

  /** Forgets all that a participant publishes and is subscribed to. */
  forgetAllOf(participantId: ParticipantId): void {
    for (const publication of this.of(participantId)) this.forget(publication);
    for (const stream of this.#streams.filter((one) => one.participantId === participantId)) this.#streams.delete(stream.id);
    for (const { id } of this.subscriptionsOf(participantId)) this.#subscriptions.delete(id);
  }
}
