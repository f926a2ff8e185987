import type { ParticipantId, StreamId } from '../../shared/ids.ts';
import type { Participant } from './participant.ts';
import type { Publication, Source } from './publication.ts';

/**
 * What a participant sends as one unit: a camera with its microphone, a shared screen, a named broadcast. It has begun as soon as anything is
 * published in it, and ends with the last publication in it.
 */
export interface StreamRecord {
  readonly id: StreamId;
  readonly participantId: ParticipantId;
  /** Its name, where the protocol of its owner gives streams names. No two streams of a room have the same. */
  readonly label?: string;
  /** What its owner wants the others to know of it; anything that JSON can hold. */
  readonly attributes?: unknown;
}

/** A stream with what is published in it. */
export interface Stream extends StreamRecord {
  readonly publications: readonly Publication[];
}

/** The stream of what a participant publishes without naming one: one for camera and microphone, one for the screen. */
export function defaultStreamOf({ generation }: Participant, source: Source): StreamId {
  return source === 'screen' ? `${generation}-screen` : `${generation}-main`;
}
