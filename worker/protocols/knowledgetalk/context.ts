import type { StreamId } from '../../../shared/ids.ts';
import type { Participant } from '../../room/participant.ts';
import type { Room } from '../../room/room.ts';
import type { LiveRoom, RoomHost, Session } from '../protocol.ts';
import { ORIGIN } from './identity.ts';
import type { Fields } from './messages.ts';
import type { Policy } from './policy.ts';

/** What the adapter remembers of the room beyond single requests, and need not survive its sleep. */
export interface Memory {
  /** Answers to offers that the media node is working on, by the stream that will begin: they stand before what follows from it. */
  readonly publishing: Map<StreamId, string>;
  readonly policy: Policy;
  /** What the announcements of a change that is being made are to say beside what the room knows of it. */
  remark: Remark;
}

export interface Remark {
  /** The client's own time of a request, which goes on with it. */
  readonly reqDate?: string;
  /** The others hear of the end of a screen share in another way, or there was none. */
  readonly isShareEndTold?: boolean;
}

/** What an operation finds when it begins. */
export interface Context {
  readonly live: LiveRoom;
  readonly room: Room;
  readonly host: RoomHost;
  readonly session: Session;
  readonly memory: Memory;
  /** How the answer begins. */
  readonly head: Fields;
}

/** What an answer says beside operation and code; `undefined` where an operation has no answer, or has given it already. */
export type Answer = Fields | undefined;

/** Makes a change, while its announcements carry a remark. */
export function withRemark(memory: Memory, remark: Remark, change: () => void): void {
  memory.remark = remark;
  try {
    change();
  } finally {
    memory.remark = {};
  }
}

/** Tells something that is no event of the room to all members of this protocol but one. */
export function tellOthers({ host, room, session }: Context, message: Fields): void {
  const frame = JSON.stringify(message);
  for (const { id } of ownParticipants(room)) if (id !== session.participantId) host.sendTo(id, frame);
}

/** Those who speak this protocol, observers among them. */
function ownParticipants(room: Room): Participant[] {
  return [...room.participants(), ...room.observers()].filter(({ origin }) => origin === ORIGIN);
}

/** What is remembered of each session, in {@link Session.data}. */
export interface SessionData {
  readonly origin: string;
  readonly recordsOnServer: boolean;
  /** The recording that the member makes. */
  readonly recording?: string;
}

/** What was put there by this adapter. */
export function dataOf({ data }: Pick<Session, 'data'>): SessionData {
  return data as SessionData;
}
