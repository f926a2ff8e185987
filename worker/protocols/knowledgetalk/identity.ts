import type { ParticipantId } from '../../../shared/ids.ts';
import type { Participant } from '../../room/participant.ts';
import type { Room } from '../../room/room.ts';
import type { Stream } from '../../room/stream.ts';
import type { Feed, Member, Members, Usage } from './messages.ts';

/** The word by which the room knows this protocol's participants. */
export const ORIGIN = 'knowledgetalk';

const ANONYMOUS = '익명';

/** `u` and seven digits, the first of which is 0 only for members of other protocols. */
const OWN_USER_ID = /^u[1-9]\d{6}$/u;

/** An id for a newcomer that nobody in the room has. */
export function newUserId(room: Room): ParticipantId {
  for (;;) {
    const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
    const id = `u${1_000_000 + (number % 9_000_000)}`;
    if (!room.participant(id)) return id;
  }
}

/**
 * How clients of this protocol know a participant. It must be usable as an HTML id (reference 4); members of other protocols have ids of their
 * own choice, and are told apart by the number of their stay.
 */
export function userIdOf({ id, generation }: Pick<Participant, 'id' | 'generation'>): string {
  return OWN_USER_ID.test(id) ? id : `u0${String(generation).padStart(6, '0')}`;
}

/** @returns `undefined` when nobody in the room is known as this. */
export function participantOf(userId: string, room: Room): Participant | undefined {
  return announcedMembers(room).find((participant) => userIdOf(participant) === userId);
}

/** In the order in which they joined. Observers are not among them. */
export function announcedMembers(room: Room): Participant[] {
  return room.participants().filter(({ presence }) => presence.state !== 'entering');
}

export function membersOf(room: Room): Members {
  return Object.fromEntries(announcedMembers(room).map((participant) => [userIdOf(participant), memberOf(participant, room)]));
}

export function countOf(room: Room): number {
  return announcedMembers(room).length;
}

/**
 * Clients take it for the id of the member's socket, and look for it in what is displayed. It is made from the userId instead: the id of a
 * socket of Socket.IO 2 is the secret of its connection.
 */
function sessionIdOf(participant: Participant): string {
  return `/SignalServer#${userIdOf(participant)}`;
}

/**
 * Members of this protocol have said what they have switched off; of others it is known from what they send. Those of others who have no name are
 * called by the ids by which the rest of the room knows them: here their ids are numbers, which say nothing to people.
 */
function memberOf(participant: Participant, room: Room): Member {
  const { id, name = OWN_USER_ID.test(id) ? ANONYMOUS : id, indication = room.indicationOf(id), blurred } = participant;
  return {
    NAME: name,
    sessionId: sessionIdOf(participant),
    ...(indication.video !== undefined && { VIDEO: !indication.video }),
    ...(indication.audio !== undefined && { AUDIO: !indication.audio }),
    ...(blurred !== undefined && { BLUR: blurred }),
  };
}

export function usageOf({ publications }: Pick<Stream, 'publications'>): Usage {
  return publications.some(({ source }) => source === 'screen') ? 'screen' : 'cam';
}

/** Only screens have `_screen` in what is displayed: clients tell them apart by that (reference 5.5). */
export function feedOf(stream: Stream, owner: Participant): Feed {
  const sessionId = sessionIdOf(owner);
  const display = usageOf(stream) === 'screen' ? `${sessionId}_screen` : sessionId;
  return { id: stream.id, feedId: stream.id, display, displayId: userIdOf(owner) };
}

/** By what a client finds the element for a feed's pictures (reference 6.4). */
export function displayIdOf(stream: Stream, owner: Participant): string {
  return usageOf(stream) === 'screen' ? `${sessionIdOf(owner)}_screen` : userIdOf(owner);
}

/** The room's name as clients of this protocol know it: without the tenant. */
export function roomIdIn(room: Room): string {
  return room.id.slice(room.id.indexOf('/') + 1);
}
