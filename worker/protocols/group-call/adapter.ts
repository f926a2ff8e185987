import { assertNever } from '../../../shared/assert-never.ts';
import type { ParticipantId } from '../../../shared/ids.ts';
import type { Description } from '../../../shared/sdp.ts';
import { logger } from '../../platform/logger.ts';
import { Refusal } from '../../room/errors.ts';
import type { LeaveReason, RoomEvent } from '../../room/events.ts';
import type { Indication, SessionId } from '../../room/participant.ts';
import type { Room } from '../../room/room.ts';
import type { Adapter, Admission, Announcement, Closing, LiveRoom, RoomClaim, RoomHost, Session } from '../protocol.ts';
import { FAREWELLS, statusOf } from './errors.ts';
import type { ClientMessage, Member, ServerMessage } from './messages.ts';
import { parseMessage, readAdmittance } from './parse.ts';

/** Members of this protocol take over the place of an earlier member of the same id, if that one speaks this protocol too. */
const ORIGIN = { origin: 'group-call', takeover: 'group-call' };

/** The group-call protocol in the room object. A member's whole stay is one socket: it enters with it and leaves with it. */
export class GroupCallAdapter implements Adapter {
  readonly #capacity: number;

  /** @param capacity most participants of a room that this protocol's members still enter: everyone connects to everyone else. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  admit(_claim: RoomClaim, url: URL, session: SessionId, host: RoomHost): Admission {
    const { userId, video, audio } = readAdmittance(url);
    host.create();
    const room = host.live()?.room;
    if (!room) throw new Error('a room that has just been made is not there');
    try {
      if (!room.participant(userId) && room.participants().length >= this.#capacity) throw new Refusal('room-full');
      room.join(userId, host.now(), host.now(), { ...ORIGIN, indication: { video, audio } });
    } catch (error) {
      if (error instanceof Refusal) return { admitted: false, status: statusOf(error.reason), message: error.message };
      throw error;
    }
    room.openSession(userId, session);
    const existing = frameOf({ id: 'existingParticipants', members: othersThan(userId, room) });
    return { admitted: true, participantId: userId, greeting: [existing] };
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> | undefined {
    const live = host.live();
    const parsed = typeof frame === 'string' ? parseMessage(frame) : undefined;
    if (!live || !parsed?.ok) return undefined;
    const { message } = parsed;
    switch (message.id) {
      case 'receiveVideoFrom':
        return answer(message, session, live);
      case 'videoStateFrom':
        declare(session, live.room, 'video', message.video);
        return undefined;
      case 'audioStateFrom':
        declare(session, live.room, 'audio', message.audio);
        return undefined;
      case 'onIceCandidate':
        // The media node is ICE-lite: it learns where the client is from the client's connectivity checks.
        return undefined;
      case 'joinRoom':
      case 'leaveRoom':
        // The lobby knows what to do about them.
        return undefined;
      default:
        return assertNever(message);
    }
  }

  closed(_code: number, { id, participantId }: Session, host: RoomHost): void {
    host.live()?.room.endSession(participantId, id);
  }

  present(event: RoomEvent): Announcement[] {
    const message = messageOf(event);
    return message ? [{ frame: frameOf(message) }] : [];
  }

  farewell(reason: LeaveReason): Closing {
    return FAREWELLS[reason];
  }
}

/** Answers an offer, about the member's own media or another's. What cannot be answered has no answer. */
async function answer(
  { userId, sdpOffer }: Extract<ClientMessage, { id: 'receiveVideoFrom' }>,
  session: Session,
  { room, conference }: LiveRoom,
): Promise<void> {
  const { participantId } = session;
  try {
    const description =
      userId === participantId
        ? await conference.publishByOffer(participantId, { sdp: sdpOffer, purpose: 'publish' })
        : await conference.viewByOffer(participantId, { participant: userId }, { sdp: sdpOffer, purpose: `view ${userId}` });
    sendDescription(session, userId, description);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logger.warn('group-call: an offer was not answered', { room: room.id, reason: error.reason });
  }
}

/** The candidates stand in the answer, too; some clients wait for the messages. */
function sendDescription(session: Session, userId: ParticipantId, { sdp, candidates }: Description): void {
  session.send(frameOf({ id: 'receiveVideoAnswer', userId, sdpAnswer: sdp }));
  for (const candidate of candidates) session.send(frameOf({ id: 'iceCandidate', userId, candidate }));
}

/** The member that changes is always the sender; everybody is told, the sender too. */
function declare(session: Session, room: Room, kind: keyof Indication, on: boolean): void {
  room.declare(session.participantId, kind, on);
  session.send(frameOf(stateOf(session.participantId, kind, on)));
}

/** Whoever has not been announced yet will be. */
function othersThan(self: ParticipantId, room: Room): Member[] {
  const others = room.participants().filter(({ id, presence }) => id !== self && presence.state !== 'entering');
  return others.map(({ id }) => ({ userId: id, ...room.indicationOf(id) }));
}

function messageOf(event: RoomEvent): ServerMessage | undefined {
  const userId = event.participantId;
  switch (event.type) {
    case 'participant-joined':
      return { id: 'newParticipantArrived', member: { userId, ...event.indication } };
    case 'participant-left':
      return { id: 'participantLeft', userId };
    case 'indication-changed':
      return stateOf(userId, event.kind, event.on);
    case 'publication-added':
    case 'publication-removed':
    case 'publication-paused':
    case 'publication-resumed':
    case 'talking-changed':
    case 'stream-started':
    case 'stream-changed':
    case 'stream-ended':
    case 'participant-renamed':
    case 'blur-changed':
    case 'message-sent':
    case 'data-sent':
    case 'stroke-drawn':
    case 'floor-taken':
    case 'floor-released':
      return undefined;
    default:
      return assertNever(event);
  }
}

function stateOf(userId: ParticipantId, kind: keyof Indication, on: boolean): ServerMessage {
  return kind === 'video' ? { id: 'videoStateAnswer', userId, video: on } : { id: 'audioStateAnswer', userId, audio: on };
}

function frameOf(message: ServerMessage): string {
  return JSON.stringify(message);
}
