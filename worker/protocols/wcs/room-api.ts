import type { ParticipantId } from '../../../shared/ids.ts';
import type { RoomEvent } from '../../room/events.ts';
import type { Room } from '../../room/room.ts';
import type { StreamRecord } from '../../room/stream.ts';
import type { Announcement, RoomHost } from '../protocol.ts';
import { frameOf, type RoomNews, type RoomStream } from './messages.ts';
import { nameOf, ORIGIN, readyStream, shortName } from './names.ts';

/** The role of those who have joined the room by the Room API; everybody else is here for streams only. */
export const MEMBER = 'member';

/** What members are told of an event. */
export function memberAnnouncements(event: RoomEvent, room: Room): Announcement[] {
  const { participantId } = event;
  const others = (id: ParticipantId) => id !== participantId && isMember(id, room);
  const tell = (...news: RoomNews[]): Announcement[] => news.map((one) => ({ frame: newsFrame(one, room), audience: others }));
  switch (event.type) {
    case 'participant-joined':
      return tell({ name: 'JOINED', info: participantId }, ...readyStreams(participantId, room).map(published));
    case 'participant-left':
      return tell({ name: 'LEFT', info: participantId });
    case 'stream-started':
      // A publisher of this protocol has to be connected first.
      return room.participant(participantId)?.origin === ORIGIN ? [] : tell(published(roomStream(event.stream, room)));
    case 'stream-ended':
      return tell({ name: 'UNPUBLISHED', info: roomStream(event.stream, room) });
    case 'message-sent': {
      const { text, to } = event;
      const frame = newsFrame({ name: 'MESSAGE', info: { from: participantId, text } }, room);
      return [{ frame, audience: (id) => (to === undefined ? others(id) : id === to && isMember(id, room)) }];
    }
    default:
      return [];
  }
}

/** Members learn that a stream of this protocol is published now. */
export function tellPublished(stream: StreamRecord, room: Room, host: RoomHost): void {
  const frame = newsFrame(published(roomStream(stream, room)), room);
  for (const { id } of room.participants()) if (id !== stream.participantId && isMember(id, room)) host.sendTo(id, frame);
}

/** The frame by which a newcomer learns of the others; whoever has not been announced yet will be. */
export function stateFrame(newcomer: ParticipantId, room: Room): string {
  const others = room.participants().filter(({ id, presence }) => id !== newcomer && presence.state !== 'entering');
  const info = others.flatMap<ParticipantId | RoomStream>(({ id }) => {
    const streams = readyStreams(id, room);
    return streams.length > 0 ? streams : id;
  });
  return newsFrame({ name: 'STATE', info }, room);
}

function readyStreams(participantId: ParticipantId, room: Room): RoomStream[] {
  const ready = room.streamsOf(participantId).filter((stream) => readyStream(stream, room));
  return ready.map((stream) => roomStream(stream, room));
}

function roomStream(stream: StreamRecord, room: Room): RoomStream {
  return { login: stream.participantId, name: nameOf(stream, room) };
}

function published(info: RoomStream): RoomNews {
  return { name: 'PUBLISHED', info };
}

function isMember(id: ParticipantId, room: Room): boolean {
  const participant = room.participant(id);
  return participant?.origin === ORIGIN && participant.role === MEMBER;
}

function newsFrame(news: RoomNews, room: Room): string {
  return frameOf('OnDataEvent', { operationId: crypto.randomUUID(), payload: { ...news, roomName: shortName(room) } });
}
