import type { RoomId } from '../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { FloorRecord } from './floor.ts';
import type { Message } from './message.ts';
import type { Participant, Time } from './participant.ts';
import type { Publication } from './publication.ts';
import type { StreamRecord } from './stream.ts';
import type { Subscription } from './subscription.ts';
import type { View } from './view.ts';

/**
 * - `direct`: at most two participants, and they exchange their media without the media node.
 * - `routed`: all media go through the media node. A room that is routed stays so.
 */
export type Topology = 'direct' | 'routed';

/** What the room knows of itself beside its members. */
export interface RoomRecord {
  readonly id: RoomId;
  /** When it was made, or had to begin anew because its media were lost. */
  readonly createdAt: Time;
  /** Number of the last event. */
  readonly sequence: number;
  /** Generation of the last participant that joined. */
  readonly lastGeneration: number;
  /** Whether anybody got further than asking for a seat since then. */
  readonly entered: boolean;
  readonly topology: Topology;
  /** Most participants at the same time, where whoever made the room wanted fewer than are possible. */
  readonly capacity?: number;
}

/** Everything that a room consists of, as it was stored. */
export interface RoomSnapshot {
  readonly room: RoomRecord;
  readonly participants: readonly Participant[];
  readonly publications: readonly Publication[];
  readonly streams: readonly StreamRecord[];
  readonly subscriptions: readonly Subscription[];
  readonly connections: readonly Connection[];
  readonly views: readonly View[];
  readonly floors: readonly FloorRecord[];
  readonly messages: readonly Message[];
}

export interface RoomOptions {
  /** Most participants at the same time. */
  readonly capacity?: number;
}

/** A new, empty room. */
export function newRoom(id: RoomId, now: Time, options: RoomOptions = {}): RoomSnapshot {
  const room: RoomRecord = { id, createdAt: now, sequence: 0, lastGeneration: 0, entered: false, topology: 'direct', ...options };
  return {
    room,
    participants: [],
    publications: [],
    streams: [],
    subscriptions: [],
    connections: [],
    views: [],
    floors: [],
    messages: [],
  };
}
