import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { Publication } from './publication.ts';

/**
 * - `left`: it said so, or closed its session cleanly.
 * - `vanished`: its lease ran out.
 * - `replaced`: the same identity joined anew.
 * - `media-lost`: the media node lost everything that it sent and received.
 */
export type LeaveReason = 'left' | 'vanished' | 'replaced' | 'media-lost';

type Happening =
  | { readonly type: 'participant-joined'; readonly participantId: ParticipantId; readonly publications: readonly Publication[] }
  | { readonly type: 'participant-left'; readonly participantId: ParticipantId; readonly reason: LeaveReason }
  | { readonly type: 'publication-added'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-removed'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-paused'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-resumed'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'talking-changed'; readonly participantId: ParticipantId; readonly talking: boolean };

/** Something that happened in the room. `sequence` counts from 1 without gaps: one order for every member, whatever its protocol. */
export type RoomEvent = Happening & { readonly sequence: number };

/** An event before the room gave it its place in the order. */
export type UnnumberedRoomEvent = Happening;

/** What the media node has to do because of something that happened. Nobody waits for it. */
export type MediaOrder =
  | { readonly type: 'close-transport'; readonly participantId: ParticipantId; readonly transport: MediaId }
  | { readonly type: 'close-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'pause-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'resume-producer'; readonly participantId: ParticipantId; readonly producer: MediaId };
