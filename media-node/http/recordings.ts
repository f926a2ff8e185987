import type { Recordings } from '../recording/recordings.ts';
import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function recordingHandlers(
  rooms: Rooms,
  recordings: Recordings,
): Pick<
  Handlers,
  'startRecording' | 'replaceRecorded' | 'stopRecording' | 'listRecordings' | 'inspectRecording' | 'recordingFile' | 'deleteRecording'
> {
  return {
    startRecording({ path: { room, generation }, body }) {
      return recordings.start(rooms.get(room, generation), body);
    },
    async replaceRecorded({ path: { room, generation, recording }, body }) {
      await recordings.replace(rooms.get(room, generation), recording, body);
      return {};
    },
    stopRecording({ path: { room, generation, recording } }) {
      recordings.stop(rooms.get(room, generation), recording);
      return {};
    },
    listRecordings({ query: { room } }) {
      return { recordings: recordings.infos.filter((info) => room === undefined || info.room === room) };
    },
    inspectRecording({ path: { recording } }) {
      return recordings.info(recording);
    },
    recordingFile({ path: { recording }, query: { offset, length } }) {
      return recordings.read(recording, offset, length);
    },
    async deleteRecording({ path: { recording } }) {
      await recordings.remove(recording);
      return {};
    },
  };
}
