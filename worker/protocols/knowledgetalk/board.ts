import type { ParticipantId } from '../../../shared/ids.ts';
import type { Room } from '../../room/room.ts';
import type { Collection } from '../../room/records.ts';
import type { RoomHost, Session } from '../protocol.ts';
import { continuation } from './admittance.ts';
import type { Answer, Context } from './context.ts';
import { roomIdIn, userIdOf } from './identity.ts';
import type { Contents } from './messages.ts';

/** What a lobby sends to get the next part of the board. Strokes that it has had are not told again. */
export interface BoardRequest {
  readonly boardAfter: string;
}

export interface Boardgoer {
  readonly id: ParticipantId;
}

/** The order counts: whoever erases something wants to erase what was there before. */
export function draw({ fields, clears }: Contents['Draw'], { room, session }: Context): Answer {
  const stroke = { signalOp: 'Draw', ...fields, userId: userIdOf(room.require(session.participantId)), roomId: roomIdIn(room) };
  room.draw(session.participantId, JSON.stringify(stroke), clears);
  return undefined;
}

/**
 * Members to whom the board is being replayed. What is drawn meanwhile they get in its place, not before. A client on a slow line takes its time,
 * in which the room may sleep.
 */
export function boardgoersIn(host: RoomHost): Collection<Boardgoer> {
  return host.records('boardgoers');
}

/** There is nothing left to replay. */
export function endReplays(boardgoers: Collection<Boardgoer>): void {
  for (const { id } of boardgoers.values()) boardgoers.delete(id);
}

/** The board as it stands, for a newcomer: the first part, and the rest when the lobby asks for it. */
export function replay(id: ParticipantId, room: Room, host: RoomHost, after?: string): string[] {
  const { strokes, next } = room.boardFrom(after);
  const boardgoers = boardgoersIn(host);
  if (next === undefined) boardgoers.delete(id);
  else if (!boardgoers.get(id)) boardgoers.set({ id });
  return next === undefined ? [...strokes] : [...strokes, continuation(JSON.stringify({ boardAfter: next } satisfies BoardRequest))];
}

/** Nobody is told of a board that has been cleared, or has ended, since it was asked for. */
export function continueReplay({ boardAfter }: BoardRequest, session: Session, room: Room, host: RoomHost): void {
  const { participantId } = session;
  if (!boardgoersIn(host).get(participantId)) return;
  for (const frame of replay(participantId, room, host, boardAfter)) session.send(frame);
}

export function startBoard(_contents: Contents['WhiteBoardStart'], { room, session }: Context): Answer {
  room.takeFloor('whiteboard', session.participantId);
  return {};
}

export function stopBoard(_contents: Contents['WhiteBoardStop'], { room, session }: Context): Answer {
  room.releaseFloor('whiteboard', session.participantId);
  return {};
}
