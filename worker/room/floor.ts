import type { ParticipantId } from '../../shared/ids.ts';

/** What only one participant at a time may do for everybody to see. */
export type Floor = 'screen' | 'whiteboard' | 'files' | 'recording';

/** Who has a floor. A floor that nobody has is not there. */
export interface FloorRecord {
  readonly id: Floor;
  readonly participantId: ParticipantId;
}
