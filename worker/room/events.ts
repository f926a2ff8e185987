import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import type { Direction } from './connection.ts';
import type { Indication } from './participant.ts';
import type { Publication } from './publication.ts';

/**
 * - `left`: it said so, or closed its session cleanly.
 * - `vanished`: its lease ran out.
 * - `replaced`: the same identity joined anew.
 * - `media-lost`: the media node lost everything that it sent and received.
 */
export type LeaveReason = 'left' | 'vanished' | 'replaced' | 'media-lost';

type Happening =
  | {
      readonly type: 'participant-joined';
      readonly participantId: ParticipantId;
      readonly publications: readonly Publication[];
      readonly indication: Indication;
    }
  | { readonly type: 'participant-left'; readonly participantId: ParticipantId; readonly reason: LeaveReason }
  | { readonly type: 'publication-added'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-removed'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-paused'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-resumed'; readonly participantId: ParticipantId; readonly publication: Publication }
  /** Follows from the publications, or was declared anew (then also when it stays the same). */
  | { readonly type: 'indication-changed'; readonly participantId: ParticipantId; readonly kind: MediaKind; readonly on: boolean }
  | { readonly type: 'talking-changed'; readonly participantId: ParticipantId; readonly talking: boolean };

/** Something that happened in the room. `sequence` counts from 1 without gaps: one order for every member, whatever its protocol. */
export type RoomEvent = Happening & { readonly sequence: number };

/** An event before the room gave it its place in the order. */
export type UnnumberedRoomEvent = Happening;

/** What the media node has to do because of something that happened. Nobody waits for it. `participantId` is whose connection it concerns. */
export type MediaOrder =
  | { readonly type: 'close-transport'; readonly participantId: ParticipantId; readonly transport: MediaId }
  | {
      readonly type: 'close-connection';
      readonly participantId: ParticipantId;
      readonly direction: Direction;
      readonly connection: MediaId;
    }
  | {
      readonly type: 'attach-producer';
      readonly participantId: ParticipantId;
      readonly connection: MediaId;
      readonly mid: string;
      readonly producer: MediaId;
    }
  | { readonly type: 'detach-producer'; readonly participantId: ParticipantId; readonly connection: MediaId; readonly mid: string }
  | { readonly type: 'close-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'pause-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'resume-producer'; readonly participantId: ParticipantId; readonly producer: MediaId };
