import type { ParticipantId } from '../../../shared/ids.ts';
import type { Room } from '../../room/room.ts';
import { framesOf } from './admittance.ts';
import type { Answer, Context, Memory } from './context.ts';
import { roomIdIn, userIdOf } from './identity.ts';
import type { Contents } from './messages.ts';

/** What a lobby sends to get the next part of the board. Strokes that it has had are not told again. */
export interface BoardRequest {
  readonly boardAfter: string;
}

/** The order counts: whoever erases something wants to erase what was there before. */
export function draw({ fields, clears }: Contents['Draw'], { room, session }: Context): Answer {
  const stroke = { signalOp: 'Draw', ...fields, userId: userIdOf(room.require(session.participantId)), roomId: roomIdIn(room) };
  room.draw(session.participantId, JSON.stringify(stroke), clears);
  return undefined;
}

/** The board as it stands, for a newcomer: the first part, and the rest when the lobby asks for it. */
export function replay(participantId: ParticipantId, room: Room, boardgoers: Memory['boardgoers'], after?: string): string[] {
  const { strokes, next } = room.boardFrom(after);
  if (next === undefined) boardgoers.delete(participantId);
  else boardgoers.add(participantId);
  return framesOf(strokes, next === undefined ? undefined : JSON.stringify({ boardAfter: next } satisfies BoardRequest));
}

export function startBoard(_contents: Contents['WhiteBoardStart'], { room, session }: Context): Answer {
  room.takeFloor('whiteboard', session.participantId);
  return {};
}

export function stopBoard(_contents: Contents['WhiteBoardStop'], { room, session }: Context): Answer {
  room.releaseFloor('whiteboard', session.participantId);
  return {};
}
