import type { ParticipantId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';

/** Times are milliseconds since the epoch throughout the room. */
export type Time = number;

/** Names one connection of a client. Never used twice. */
export type SessionId = string;

/**
 * How the room knows that a participant is there. Presence is a lease with a deadline, never the state of a socket: a socket of a
 * client that has vanished can look open for ever.
 *
 * - `entering`: has a seat but no session yet; the others have not been told.
 * - `present`: has a session. `until` is set while its media connection is lost.
 * - `away`: its session was cut; it may come back silently until the deadline.
 */
export type Presence =
  | { readonly state: 'entering'; readonly until: Time }
  | { readonly state: 'present'; readonly session: SessionId; readonly until: Time | null }
  | { readonly state: 'away'; readonly until: Time };

/** What the others are shown of a participant's microphone and camera. It says nothing of whether media flows. */
export type Indication = Readonly<Record<MediaKind, boolean>>;

export interface Participant {
  readonly id: ParticipantId;
  /** Tells this stay from earlier stays of the same id: what belongs to an earlier one never touches this one. */
  readonly generation: number;
  readonly joinedAt: Time;
  readonly presence: Presence;
  /** Whether anybody was told of it while it was still entering. */
  readonly disclosed: boolean;
  /** As the participant declares it, and on where it has said nothing of a kind; absent where its publications tell it. */
  readonly indication?: Partial<Indication>;
  /** A newcomer that gives the same word takes this place over; nobody does where there is none. */
  readonly takeover?: string;
  /** The protocol that it speaks. The room keeps the word and never reads it. */
  readonly origin?: string;
  /** What it is to its protocol, likewise. */
  readonly role?: string;
  /** As the others are to call it. */
  readonly name?: string;
  /** Whether its camera's background is blurred, where it has said so. */
  readonly blurred?: boolean;
  /** Sees and hears everything, and nobody is told of it: neither counted nor listed. */
  readonly observer?: true;
  /** Can exchange media with one other such participant without the media node. */
  readonly direct?: true;
  /** Vanishes at this time unless it gives a sign of life, whatever its session looks like. */
  readonly lease?: Time;
}

/** When the participant vanishes if nothing happens, and `null` where it does not. */
export function deadlineOf({ presence, lease }: Participant): Time | null {
  if (lease === undefined) return presence.until;
  return presence.until === null ? lease : Math.min(presence.until, lease);
}
