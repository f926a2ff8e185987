import type { Room } from '../../room/room.ts';
import { Refusal } from '../../room/errors.ts';
import type { SessionId } from '../../room/participant.ts';
import type { Admission, RoomHost } from '../protocol.ts';
import { type Admittance, ROLES, type RoomCall, type RoomCallResult } from './admittance.ts';
import { replay } from './board.ts';
import type { Answer, Context, SessionData } from './context.ts';
import { type Code, CODES, errorOf, OperationError } from './errors.ts';
import { feedsFor, presence, receiveFeed, startSession } from './announcements.ts';
import { membersOf, newUserId, ORIGIN, participantOf, roomIdIn, userIdOf } from './identity.ts';
import type { Contents, Fields } from './messages.ts';
import { headOf } from './parse.ts';
import { sharedFiles } from './sharing.ts';

type Refused = Extract<Admission, { admitted: false }>;

/** What a newcomer waits for: where the room uses the media node with it, or begins to, the media node must be there (reference 3). */
export async function prepare({ operation }: Admittance, host: RoomHost): Promise<Refused | undefined> {
  const live = host.live();
  if (!live) return refused(CODES.noRoom);
  const role = ROLES[operation];
  if (role === 'observer') return live.room.topology === 'direct' ? refused(CODES.notInThisMode) : undefined;
  try {
    if (!live.room.staysDirect({ direct: role === 'member' })) await live.conference.prepare();
    return undefined;
  } catch (error) {
    return refusedBy(error);
  }
}

export function admit(admittance: Admittance, session: SessionId, host: RoomHost): Admission {
  const room = host.live()?.room;
  if (!room) return refused(CODES.noRoom);
  const wasRouted = room.topology === 'routed';
  const role = ROLES[admittance.operation];
  if (role === 'observer' && !wasRouted) return refused(CODES.notInThisMode);
  try {
    const id = newUserId(room);
    const { name } = admittance;
    room.join(id, host.now(), host.now(), {
      origin: ORIGIN,
      indication: {},
      ...(role === 'member' && { direct: true }),
      ...(role === 'observer' && { observer: true }),
      ...(name !== undefined && { name }),
    });
    room.openSession(id, session);
    const files = sharedFiles(room, host).map((message) => JSON.stringify(message));
    const greeting = [...greetingOf(id, admittance, room, wasRouted), ...files, ...boardOf(id, room, host)];
    const data: SessionData = { origin: admittance.origin, recordsOnServer: admittance.recordsOnServer };
    return { admitted: true, participantId: id, greeting, data };
  } catch (error) {
    return refusedBy(error);
  }
}

/** The order on the wire is that of the reference (5.2). */
function greetingOf(id: string, { operation, reqNo }: Admittance, room: Room, wasRouted: boolean): string[] {
  const userId = userIdOf(room.require(id));
  const head = headOf({ operation, ...(reqNo !== undefined && { reqNo }) });
  const messages: Fields[] = [{ ...head, code: CODES.ok, message: 'OK', roomId: roomIdIn(room), userId, members: membersOf(room) }];
  if (operation === 'RoomJoinAsObserver') {
    const feeds = feedsFor(id, room);
    if (feeds.length > 0) messages.push(receiveFeed(room, feeds));
  } else if (room.topology === 'routed') {
    const turns = !wasRouted && Object.keys(membersOf(room)).length > 2;
    messages.push(startSession(room, userId, turns ? { host: true, changeView: true } : { host: !wasRouted }));
  }
  return messages.map((message) => JSON.stringify(message));
}

/** A newcomer sees the board as it stands. */
function boardOf(id: string, room: Room, host: RoomHost): string[] {
  const holder = room.floorHolder('whiteboard');
  const start = { eventOp: 'WhiteBoardStartSvr', roomId: roomIdIn(room) };
  const started = holder === undefined ? [] : [JSON.stringify({ ...start, userId: userIdOf(room.require(holder)) })];
  return [...started, ...replay(id, room, host)];
}

/** Only the one who has been there longest may put others out. */
export function kickOut({ userId }: Contents['KickOut'], { room, session, head }: Context): Answer {
  if (room.host()?.id !== session.participantId) throw new OperationError(CODES.notPermitted, 'Only the admin of the room may do that');
  const target = participantOf(userId, room);
  if (!target) throw new OperationError(CODES.userNotInRoom, 'The user is not in the room');
  // It may be the admin itself, which could not be told afterwards.
  session.send(JSON.stringify({ ...head, code: CODES.ok, message: 'OK' }));
  room.expel(target.id);
  return undefined;
}

/** Asked for by a member: everybody is told to leave, as if they were put out one by one. */
export function destroyRoom(_contents: Contents['DestroyRoom'], { room, session, host, head }: Context): Answer {
  if (room.host()?.id !== session.participantId) throw new OperationError(CODES.notPermitted, 'Only the admin of the room may do that');
  for (const participant of [...room.participants(), ...room.observers()]) {
    const isTold = participant.origin === ORIGIN && participant.id !== session.participantId;
    if (isTold) host.sendTo(participant.id, JSON.stringify(presence('kick', userIdOf(participant))));
  }
  // Afterwards nobody can be told anything.
  session.send(JSON.stringify({ ...head, code: CODES.ok, message: 'OK' }));
  room.end();
  return undefined;
}

/** What a lobby asks for a client that is not in this room. */
export function answerCall(call: RoomCall, host: RoomHost): RoomCallResult {
  if (call.call === 'create') {
    const isNew = host.create({ capacity: call.capacity });
    return isNew ? { code: CODES.ok, message: 'OK' } : { code: CODES.roomExists, message: 'The room exists already' };
  }
  const room = host.live()?.room;
  if (!room) return { code: CODES.noRoom, message: 'No such room' };
  if (room.participants().length > 0) return { code: CODES.notPermitted, message: 'The room is not empty' };
  room.end();
  return { code: CODES.ok, message: 'OK' };
}

function refused(code: Code): Refused {
  return { admitted: false, status: Number(code), message: code };
}

function refusedBy(error: unknown): Refused {
  const known = error instanceof Refusal ? errorOf(error) : undefined;
  if (!known) throw error;
  return refused(known.code);
}
