import type { ParticipantId } from '../../shared/ids.ts';
import type { Time } from './participant.ts';

/** A line of the room's chat. */
export interface Message {
  /** Ids of later messages are greater in the order of texts. */
  readonly id: string;
  readonly from: ParticipantId;
  /** Its only reader; absent where it is for everybody. */
  readonly to?: ParticipantId;
  readonly text: string;
  readonly at: Time;
}

/** So many of the latest messages are kept. */
export const KEPT_MESSAGES = 500;

/** @param sequence number of the event that tells it. */
export function messageIdOf(sequence: number): string {
  return String(sequence).padStart(16, '0');
}
