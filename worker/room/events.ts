import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { Layers } from '../../shared/media-api.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import type { Connection, ConnectionDirection } from './connection.ts';
import type { Floor } from './floor.ts';
import type { Indication, Participant } from './participant.ts';
import type { Publication } from './publication.ts';
import type { Topology } from './snapshot.ts';
import type { Stream } from './stream.ts';
import type { View } from './view.ts';

/**
 * - `left`: it said so, or closed its session cleanly.
 * - `vanished`: its lease ran out.
 * - `replaced`: the same identity joined anew.
 * - `media-lost`: the media node lost everything that it sent and received.
 * - `expelled`: somebody who may do so put it out.
 * - `room-ended`: somebody who may do so ended the room.
 */
export type LeaveReason = 'left' | 'vanished' | 'replaced' | 'media-lost' | 'expelled' | 'room-ended';

type Happening =
  | {
      readonly type: 'participant-joined';
      readonly participantId: ParticipantId;
      readonly participant: Participant;
      readonly publications: readonly Publication[];
      readonly streams: readonly Stream[];
      readonly indication: Indication;
      readonly topology: Topology;
      /** Whether this arrival made the room `routed`. */
      readonly turned: boolean;
    }
  | {
      readonly type: 'participant-left';
      readonly participantId: ParticipantId;
      /** As it was. */
      readonly participant: Participant;
      readonly reason: LeaveReason;
    }
  | { readonly type: 'publication-added'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-removed'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-paused'; readonly participantId: ParticipantId; readonly publication: Publication }
  | { readonly type: 'publication-resumed'; readonly participantId: ParticipantId; readonly publication: Publication }
  /** Told after what is told of its publications, once for everything that changed together. */
  | { readonly type: 'stream-started'; readonly participantId: ParticipantId; readonly stream: Stream }
  | { readonly type: 'stream-changed'; readonly participantId: ParticipantId; readonly stream: Stream }
  /** The stream as it was. Whoever watches it still does while this is told. Told also when its owner leaves, before that. */
  | { readonly type: 'stream-ended'; readonly participantId: ParticipantId; readonly stream: Stream }
  /** Follows from the publications, or was declared anew (then also when it stays the same). */
  | { readonly type: 'indication-changed'; readonly participantId: ParticipantId; readonly kind: MediaKind; readonly on: boolean }
  | { readonly type: 'talking-changed'; readonly participantId: ParticipantId; readonly talking: boolean }
  | { readonly type: 'participant-renamed'; readonly participantId: ParticipantId; readonly name: string }
  | { readonly type: 'blur-changed'; readonly participantId: ParticipantId; readonly on: boolean }
  /** A line of chat, for everybody or for one. */
  | { readonly type: 'message-sent'; readonly participantId: ParticipantId; readonly text: string; readonly to?: ParticipantId }
  /** Something that only the clients understand, for everybody or for one; it may be about a stream. */
  | {
      readonly type: 'data-sent';
      readonly participantId: ParticipantId;
      readonly data: unknown;
      readonly to?: ParticipantId;
      readonly stream?: StreamId;
    }
  /** A stroke on the board, in words that only the clients understand. */
  | { readonly type: 'stroke-drawn'; readonly participantId: ParticipantId; readonly stroke: string; readonly clears: boolean }
  | { readonly type: 'floor-taken'; readonly participantId: ParticipantId; readonly floor: Floor }
  /** Given back, or its holder is about to be gone. */
  | { readonly type: 'floor-released'; readonly participantId: ParticipantId; readonly floor: Floor };

/** Something that happened in the room. `sequence` counts from 1 without gaps: one order for every member, whatever its protocol. */
export type RoomEvent = Happening & { readonly sequence: number };

/** An event before the room gave it its place in the order. */
export type UnnumberedRoomEvent = Happening;

/**
 * What concerns only one participant. It has no place in the room's order.
 *
 * Nothing is noticed of a negotiated connection before it is established. One that is connected by then shows it in its `state`.
 */
export type Notice =
  | { readonly type: 'connection-changed'; readonly participantId: ParticipantId; readonly connection: Connection }
  /** It had been established, and was not replaced by another for its purpose. */
  | { readonly type: 'connection-closed'; readonly participantId: ParticipantId; readonly connection: Connection }
  /** Something else stands in a view's sections than before. */
  | { readonly type: 'view-changed'; readonly participantId: ParticipantId; readonly view: View };

/** What the media node has to do because of something that happened. Nobody waits for it. `participantId` is whose connection it concerns. */
export type MediaOrder =
  | { readonly type: 'close-transport'; readonly participantId: ParticipantId; readonly transport: MediaId }
  | {
      readonly type: 'close-connection';
      readonly participantId: ParticipantId;
      readonly direction: ConnectionDirection;
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
  | {
      readonly type: 'pause-section';
      readonly participantId: ParticipantId;
      readonly connection: MediaId;
      readonly mid: string;
      readonly paused: boolean;
    }
  | {
      readonly type: 'choose-layers';
      readonly participantId: ParticipantId;
      readonly connection: MediaId;
      readonly mid: string;
      readonly layers: Layers;
    }
  | { readonly type: 'close-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'pause-producer'; readonly participantId: ParticipantId; readonly producer: MediaId }
  | { readonly type: 'resume-producer'; readonly participantId: ParticipantId; readonly producer: MediaId };
