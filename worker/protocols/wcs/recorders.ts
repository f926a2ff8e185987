import type { ParticipantId } from '../../../shared/ids.ts';
import type { Room } from '../../room/room.ts';
import type { RoomHost } from '../protocol.ts';
import { ORIGIN } from './names.ts';

/** Who wants what is published in the room to be recorded, whoever publishes it. */
function recordersOf(host: RoomHost) {
  return host.records('recorders');
}

/** A member has joined, with `record` or without. */
export function noteRecorder(id: ParticipantId, wantsRecords: boolean, host: RoomHost): void {
  if (wantsRecords) recordersOf(host).set({ id });
  else recordersOf(host).delete(id);
}

/** Whether somebody is in the room who has joined it with `record`. */
export function isRecorded(room: Room, host: RoomHost): boolean {
  return recordersOf(host)
    .values()
    .some(({ id }) => room.participant(id)?.origin === ORIGIN);
}
