import type { RoomId } from '../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { Participant, Time } from './participant.ts';
import type { Publication } from './publication.ts';
import type { Subscription } from './subscription.ts';
import type { View } from './view.ts';

/** What the room knows of itself beside its members. */
export interface RoomRecord {
  readonly id: RoomId;
  readonly createdAt: Time;
  /** Number of the last event. */
  readonly sequence: number;
  /** Generation of the last participant that joined. */
  readonly lastGeneration: number;
  /** Whether anybody ever got further than asking for a seat. */
  readonly entered: boolean;
}

/** Everything that a room consists of, as it was stored. */
export interface RoomSnapshot {
  readonly room: RoomRecord;
  readonly participants: readonly Participant[];
  readonly publications: readonly Publication[];
  readonly subscriptions: readonly Subscription[];
  readonly connections: readonly Connection[];
  readonly views: readonly View[];
}

/** A new, empty room. */
export function newRoom(id: RoomId, now: Time): RoomSnapshot {
  const room: RoomRecord = { id, createdAt: now, sequence: 0, lastGeneration: 0, entered: false };
  return { room, participants: [], publications: [], subscriptions: [], connections: [], views: [] };
}
