import type { Room } from '../../room/room.ts';
import type { Stream, StreamRecord } from '../../room/stream.ts';
import type { MediaSessionId } from './messages.ts';

/** The protocol's name in the table, and the origin of its participants. */
export const ORIGIN = 'wcs';

/**
 * The name by which clients of this protocol know a stream: its own, or one that is made for it and that stays the same. Such a name contains that
 * of the room, because clients that leave a room by the Room API stop the streams whose names do.
 */
export function nameOf({ label, participantId, id }: StreamRecord, room: Room): string {
  return label ?? `${shortName(room)}-${participantId}-${id}`;
}

/** The room's name as clients know it. */
export function shortName({ id }: Room): string {
  return id.slice(id.indexOf('/') + 1);
}

/** The stream of that name, whether or not it has begun. */
export function streamNamed(name: string, room: Room): StreamRecord | undefined {
  return room.streamLabelled(name) ?? room.streams().find((stream) => nameOf(stream, room) === name);
}

/** The stream with its media, if there is something to play. A publisher of this protocol is told by the same event that it publishes. */
export function readyStream({ id, participantId }: StreamRecord, room: Room): Stream | undefined {
  const stream = room.stream(id);
  if (!stream || room.participant(participantId)?.origin !== ORIGIN) return stream;
  const isConnected = stream.publications.some(({ connectionId }) => room.connection(connectionId ?? '')?.state === 'connected');
  return isConnected ? stream : undefined;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;

/**
 * The name of a stream's recording, as clients expect it: `stream-<mediaSessionId>-<login>.webm`. Whoever knows it may ask for the file, so what its
 * client has not made up at random is made so.
 */
export function recordNameOf(mediaSessionId: MediaSessionId, login: string, extension: string): string {
  const id = UUID.test(mediaSessionId) ? mediaSessionId : `${mediaSessionId}-${crypto.randomUUID()}`;
  return `stream-${plain(id)}-${plain(login)}.${extension}`;
}

/** What stands in addresses as it is. */
function plain(text: string): string {
  return text.replaceAll(/[^\w.-]/gu, '_').slice(0, 180);
}
