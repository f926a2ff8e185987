import type { MediaId, ParticipantId } from '../../shared/ids.ts';

/** One publication that a participant receives. */
export interface Subscription {
  /** The id of the consumer that carries it on the media node. */
  readonly id: MediaId;
  readonly participantId: ParticipantId;
  readonly publicationId: MediaId;
}
