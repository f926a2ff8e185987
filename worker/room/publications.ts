import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { Publication, Source } from './publication.ts';
import { Collection, type RecordStore } from './records.ts';
import type { Subscription } from './subscription.ts';

/** What everybody publishes, and who is subscribed to it. A subscription never outlives its publication. */
export class Publications {
  readonly #publications: Collection<Publication>;
  readonly #subscriptions: Collection<Subscription>;

  constructor(
    stored: { readonly publications: readonly Publication[]; readonly subscriptions: readonly Subscription[] },
    store: RecordStore,
  ) {
    this.#publications = new Collection('publications', store, stored.publications);
    this.#subscriptions = new Collection('subscriptions', store, stored.subscriptions);
  }

  get(id: MediaId): Publication | undefined {
    return this.#publications.get(id);
  }

  of(participantId: ParticipantId): Publication[] {
    return this.#publications.filter((publication) => publication.participantId === participantId);
  }

  from(participantId: ParticipantId, source: Source): Publication | undefined {
    return this.of(participantId).find((publication) => publication.source === source);
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
    for (const { id } of this.subscriptionsOf(participantId)) this.#subscriptions.delete(id);
  }
}
