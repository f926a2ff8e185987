import type { MediaId, ParticipantId, StreamId } from '../../../shared/ids.ts';
import type { Connection } from '../../room/connection.ts';
import { kindOf, type Publication } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { StreamRecording } from '../services.ts';
import { ORIGIN } from './names.ts';
import type { ClientStream } from './stream.ts';

/** What a connection carries along: the client's stream, and the room's. */
interface Note {
  readonly stream: ClientStream;
  readonly streamId: StreamId;
  /** Of what the client publishes, where it is recorded. */
  readonly recording?: StreamRecording;
}

/** The connection by which a client publishes or plays a stream. What is known of the stream is its note, and so it outlives the object's sleep. */
export type Carrier = Connection & { readonly note: Note };

/** `undefined` where the connection is gone, or is one of another protocol. */
export function carrierAt(connectionId: MediaId, room: Room): Carrier | undefined {
  const connection = room.connection(connectionId);
  return connection && asCarrier(connection, room);
}

export function asCarrier(connection: Connection, room: Room): Carrier | undefined {
  if (room.participant(connection.participantId)?.origin !== ORIGIN) return undefined;
  // All connections of this protocol's members are made with such a note.
  return { ...connection, note: connection.note as Note };
}

/** Everything that a client publishes and plays. */
export function carriersOf(participantId: ParticipantId, room: Room): Carrier[] {
  return room.connectionsOf(participantId).flatMap((connection) => asCarrier(connection, room) ?? []);
}

/** By which clients of this protocol play a stream. */
export function playersOf(stream: StreamId, room: Room): Carrier[] {
  return room.viewsOfStream(stream).flatMap(({ connectionId }) => carrierAt(connectionId, room) ?? []);
}

/** What is published of a kind in a stream. */
export function publicationIn(stream: StreamId, kind: 'audio' | 'video', room: Room): Publication | undefined {
  return room.stream(stream)?.publications.find(({ source }) => kindOf(source) === kind);
}
