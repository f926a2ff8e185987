import type { ParticipantId, RoomId } from '../../../shared/ids.ts';
import type { ServerCandidate } from '../../../shared/sdp.ts';

/** What clients say. */
export type ClientMessage =
  | {
      readonly id: 'joinRoom';
      readonly token?: string;
      readonly userId: ParticipantId;
      /** As the client names the room; `room` is the same room's full name. */
      readonly roomId: string;
      readonly room: RoomId;
      readonly video: boolean;
      readonly audio: boolean;
    }
  /** The user's own id: here is what I send. Somebody else's: I want to receive what that one sends. */
  | { readonly id: 'receiveVideoFrom'; readonly userId: ParticipantId; readonly sdpOffer: string }
  | { readonly id: 'onIceCandidate' }
  | { readonly id: 'videoStateFrom'; readonly video: boolean }
  | { readonly id: 'audioStateFrom'; readonly audio: boolean }
  | { readonly id: 'leaveRoom' };

/** A member as the others are told of it. */
export interface Member {
  readonly userId: ParticipantId;
  readonly video: boolean;
  readonly audio: boolean;
}

/** What the server says. */
export type ServerMessage =
  | { readonly id: 'existingParticipants'; readonly members: readonly Member[] }
  | { readonly id: 'newParticipantArrived'; readonly member: Member }
  | { readonly id: 'receiveVideoAnswer'; readonly userId: ParticipantId; readonly sdpAnswer: string }
  | { readonly id: 'iceCandidate'; readonly userId: ParticipantId; readonly candidate: ServerCandidate }
  | { readonly id: 'participantLeft'; readonly userId: ParticipantId }
  | { readonly id: 'videoStateAnswer'; readonly userId: ParticipantId; readonly video: boolean }
  | { readonly id: 'audioStateAnswer'; readonly userId: ParticipantId; readonly audio: boolean }
  | { readonly id: 'limitJoinAnswer'; readonly roomId: string };
