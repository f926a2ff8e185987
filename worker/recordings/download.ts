import type { RoomId } from '../../shared/ids.ts';
import type { Env } from '../platform/env.ts';
import { dispositionOf, send } from '../transfer/send.ts';
import { type RecordingRow, RecordingStore } from './store.ts';

/** Until its file is stored, whoever asks for it is to come again after so long, in seconds. */
const RETRY_AFTER = 2;

/** The bytes of a recording, or the range of them that the request asks for. @param place where a browser shows them. */
export async function sendRecording(
  request: Request,
  store: RecordingStore,
  { id, type, file_name: fileName }: RecordingRow & { readonly type: string },
  place: 'inline' | 'attachment',
): Promise<Response> {
  return send(request, store.bucket, await store.playable(id), {
    'content-type': type,
    'content-disposition': dispositionOf(place, fileName),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
}

/**
 * Answers whoever was given the name of a file that the media node has recorded.
 *
 * @param mayHave whether they may have what was recorded in a room.
 */
export async function sendRecordedFile(
  request: Request,
  env: Env,
  { tenant, fileName }: { readonly tenant: string; readonly fileName: string },
  mayHave: (room: RoomId) => Promise<boolean>,
): Promise<Response> {
  const store = new RecordingStore(env.DB, env.FILES);
  const recording = await store.findByFileName(tenant, fileName);
  // Who may not have it is not told that it is there.
  if (!recording || !(await mayHave(recording.room))) return new Response('There is no such recording\n', { status: 404 });
  const { type } = recording;
  if (recording.duration_ms === null || type === null) {
    return new Response('The recording is not stored yet\n', { status: 503, headers: { 'retry-after': String(RETRY_AFTER) } });
  }
  return sendRecording(request, store, { ...recording, type }, 'inline');
}
