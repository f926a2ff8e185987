import type { MediaId, ParticipantId, StreamId } from '../../../shared/ids.ts';
import type { MediaKind } from '../../../shared/rtp.ts';
import type { Conference } from '../../room/conference.ts';
import type { PictureSize } from '../../room/publication.ts';
import type { Collection } from '../../room/records.ts';
import type { Room } from '../../room/room.ts';
import type { RoomHost } from '../protocol.ts';
import type { Attributes, Form, PublishedTrack, Revision, Role, SubscribedTrack } from './messages.ts';

/** Somebody who speaks this protocol. */
export interface Member {
  readonly id: ParticipantId;
  /** Its id in this protocol. */
  readonly memberId: string;
  readonly user: string;
  readonly role: Role;
  readonly revision: Revision;
  /** Signs the tickets with which the member comes back. */
  readonly ticketKey: string;
}

/** A PeerConnection of a member. It has the id of the first session that was made on it: clients tell transports by sessions. */
export interface Transport {
  readonly id: string;
  readonly participantId: ParticipantId;
  /** The form of the request that made it, and whether that was to publish. */
  readonly form: Form;
  readonly isForPublishing: boolean;
  /** What it is in the room; `null` until an offer has been answered. */
  readonly connectionId: MediaId | null;
  /** Whether the client was told that it is connected. */
  readonly isReady: boolean;
}

/**
 * - `new`: an offer has to come.
 * - `answered`: there was an answer with something in it for this session.
 * - `ready`: media can flow, and the client was told so.
 * - `ended`: remembered, because clients end once more what has ended by itself.
 */
type State = 'new' | 'answered' | 'ready' | 'ended';

interface SessionBase {
  readonly id: string;
  readonly participantId: ParticipantId;
  readonly transportId: string;
  readonly state: State;
}

/** What a member publishes with one request. The room's stream has the same id. */
export interface PublicationSession extends SessionBase {
  readonly type: 'publication';
  readonly tracks: readonly PublishedTrack[];
  readonly attributes: Attributes;
}

/** What a member subscribes to with one request. */
export interface SubscriptionSession extends SessionBase {
  readonly type: 'subscription';
  readonly tracks: readonly WantedTrack[];
  /** The media sections that carry it, as they were negotiated. */
  readonly sections: readonly { readonly mid: string; readonly kind: MediaKind }[];
}

/** A track that somebody subscribed to: of which announced stream. */
export interface WantedTrack extends Omit<SubscribedTrack, 'from'> {
  readonly streamId: string;
}

export type SessionRecord = PublicationSession | SubscriptionSession;

/** What appeared together in a stream of the room, and is a stream for the members. Its tracks may get fewer, never more. */
export interface AnnouncedStream {
  readonly id: string;
  readonly stream: StreamId;
  readonly participantId: ParticipantId;
  readonly publications: readonly MediaId[];
  /** Of its pictures at their best, as soon as the first has come. */
  readonly size?: PictureSize;
}

/** The protocol's own records in a room, and the room itself. */
export interface Ledger {
  readonly host: RoomHost;
  readonly room: Room;
  readonly conference: Conference;
  readonly members: Collection<Member>;
  readonly transports: Collection<Transport>;
  readonly sessions: Collection<SessionRecord>;
  readonly streams: Collection<AnnouncedStream>;
}

/** @returns `undefined` while there is no room. */
export function ledgerOf(host: RoomHost): Ledger | undefined {
  const live = host.live();
  return (
    live && {
      host,
      ...live,
      members: host.records<Member>('members'),
      transports: host.records<Transport>('transports'),
      sessions: host.records<SessionRecord>('sessions'),
      streams: host.records<AnnouncedStream>('streams'),
    }
  );
}

/** Forgets what belonged to somebody who has left. */
export function forget({ members, transports, sessions }: Ledger, participantId: ParticipantId): void {
  members.delete(participantId);
  for (const { id } of transports.filter((transport) => transport.participantId === participantId)) transports.delete(id);
  for (const { id } of sessions.filter((session) => session.participantId === participantId)) sessions.delete(id);
}
