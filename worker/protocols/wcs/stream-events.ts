import { assertNever } from '../../../shared/assert-never.ts';
import type { StreamId } from '../../../shared/ids.ts';
import type { RoomEvent } from '../../room/events.ts';
import { kindOf, type Publication } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { Announcement, Session } from '../protocol.ts';
import { carriersOf, playersOf } from './carriers.ts';
import { type ClientMessage, frameOf, type MediaSessionId, type StreamEventType } from './messages.ts';

type StreamEvent = Extract<ClientMessage, { message: 'sendStreamEvent' }>;

/** A publisher tells its players something. Mute states are shown to everybody in the room. */
export function takeStreamEvent({ mediaSessionId, type, payload }: StreamEvent, { participantId }: Session, room: Room): void {
  const carrier = carriersOf(participantId, room).find(({ note }) => note.stream.mediaSessionId === mediaSessionId);
  if (!carrier?.note.stream.published) return;
  const { streamId } = carrier.note;
  switch (type) {
    case 'audioMuted':
    case 'audioUnmuted':
      room.declareStream(streamId, 'audio', type === 'audioUnmuted');
      return;
    case 'videoMuted':
    case 'videoUnmuted':
      room.declareStream(streamId, 'video', type === 'videoUnmuted');
      return;
    case 'data':
      room.sendData(participantId, payload ?? null, { stream: streamId });
      return;
    default:
      assertNever(type);
  }
}

/** What players are told of an event: each by the name that it has for the stream. */
export function playerAnnouncements(event: RoomEvent, room: Room): Announcement[] {
  switch (event.type) {
    case 'publication-paused':
    case 'publication-resumed':
      return announcementsTo(event.publication.stream, room, (mediaSessionId) =>
        frameOf('notifyStreamEvent', { mediaSessionId, type: muteEventOf(event.publication) }),
      );
    case 'data-sent':
      return event.stream === undefined
        ? []
        : announcementsTo(event.stream, room, (mediaSessionId) =>
            frameOf('notifyStreamEvent', { mediaSessionId, type: 'data', payload: event.data }),
          );
    default:
      return [];
  }
}

function announcementsTo(stream: StreamId, room: Room, frame: (mediaSessionId: MediaSessionId) => string): Announcement[] {
  return playersOf(stream, room).map(({ participantId, note }) => ({
    frame: frame(note.stream.mediaSessionId),
    audience: (id) => id === participantId,
  }));
}

function muteEventOf({ source, paused }: Publication): StreamEventType {
  if (kindOf(source) === 'audio') return paused ? 'audioMuted' : 'audioUnmuted';
  return paused ? 'videoMuted' : 'videoUnmuted';
}
