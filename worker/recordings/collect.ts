import { tenantOf } from '../../shared/ids.ts';
import type { RecordingInfo } from '../../shared/media-api.ts';
import type { Env } from '../platform/env.ts';
import { MediaCallError, type MediaClient } from '../platform/media-client.ts';
import { TenantSettingsSchema } from '../tenants/tenant.ts';
import { tenantsOf } from '../tenants/tenants.ts';
import { partKey, type Recording, RecordingStore } from './store.ts';

/** The file is moved in pieces of this size, in bytes: each becomes a part of the recording, and one of them is in memory at a time. */
const PIECE = 8 * 1024 * 1024;

/** One turn of moving ends after so long, in milliseconds: whoever moves has other things to do, too. */
const TURN = 5_000;

/** A recording of the media node that is over. */
export interface Collectable {
  readonly recording: Recording;
  /** Of the room on the media node. */
  readonly generation: number;
}

/**
 * - `running`: the media node has not finished the file yet; it has been told to.
 * - `moving`: there is more to be moved, at once.
 * - `stored`: all of it is here, and nothing on the media node.
 * - `empty`: nothing came of it, or the tenant has deleted it meanwhile.
 */
export type CollectionState = 'running' | 'moving' | 'stored' | 'empty';

/**
 * Moves the file of a recording from the media node to the bucket, as far as one turn goes. How far it has come stands in the database, so that any
 * number of turns, of any number of edges one after the other, come to the same end. The media node's file is deleted when everything else is done.
 *
 * @throws MediaCallError, and whatever database and bucket throw; another turn goes on where this one ended.
 */
export async function collect(env: Env, client: MediaClient, { recording, generation }: Collectable): Promise<CollectionState> {
  const { id, room } = recording;
  const store = new RecordingStore(env.DB, env.FILES);
  const info = await found(client.call('inspectRecording', { path: { recording: id } }));
  if (!info) return settleWithout(store, recording);
  if (info.state === 'running') {
    await found(client.call('stopRecording', { path: { room, generation: String(generation), recording: id } }));
    return 'running';
  }
  const isDeleted = await store.isDeleted(id);
  if (!isDeleted && !(await move(env, store, client, info))) return 'moving';
  const { startedAt, duration } = info;
  const durationMs = Math.round(duration * 1000);
  if (!isDeleted) await env.DB.batch([store.put({ ...recording, startedAt, stoppedAt: Math.round(startedAt + durationMs), durationMs })]);
  await found(client.call('deleteRecording', { path: { recording: id } }));
  return isDeleted ? 'empty' : 'stored';
}

/** The media node has nothing: either everything was moved and only that could not be noted, or there never was anything. */
async function settleWithout(store: RecordingStore, recording: Recording): Promise<CollectionState> {
  if ((await store.parts(recording.id)).length > 0) return 'stored';
  await store.putEmpty(recording);
  return 'empty';
}

/** @returns whether all of it is here. */
async function move(env: Env, store: RecordingStore, client: MediaClient, info: RecordingInfo): Promise<boolean> {
  const { recording, room, bytes } = info;
  // Installations without tenants have the defaults.
  const { recordingQuota } = (await tenantsOf(env).find(tenantOf(room)))?.settings ?? TenantSettingsSchema.parse({});
  if (bytes > recordingQuota)
    throw new Error(`recording ${recording} is larger than the recordingQuota of its tenant; it waits on the media node`);
  const until = Date.now() + TURN;
  const { length: before } = await store.parts(recording);
  for (let index = before; index * PIECE < bytes; index += 1) {
    if (Date.now() > until) return false;
    try {
      await movePiece(store, client, info, index, recordingQuota);
    } catch (error) {
      // A turn that has come some way is a success; the next one will see what is wrong.
      if (index > before) return false;
      throw error;
    }
  }
  return true;
}

async function movePiece(store: RecordingStore, client: MediaClient, info: RecordingInfo, index: number, quota: number): Promise<void> {
  const { recording, container, bytes } = info;
  const offset = index * PIECE;
  const size = Math.min(PIECE, bytes - offset);
  const piece = await client.call('recordingFile', { path: { recording }, query: { offset, length: size } });
  if (piece.length !== size) throw new Error(`the media node gave ${piece.length} bytes of recording ${recording} instead of ${size}`);
  const number = index + 1;
  // A turn that was cut off here leaves an object that the next one writes again.
  const key = partKey(recording, String(number));
  const type = container === 'mp4' ? 'video/mp4' : 'video/webm';
  await store.bucket.put(key, piece, { httpMetadata: { contentType: type } });
  await store.addPart({ recording, number, key, size, type }, quota);
}

/** What is not there (any more) needs no call. */
async function found<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    const isGone = error instanceof MediaCallError && /^(?:recording-not-found|room-not-found|stale-generation)$/u.test(error.reason);
    if (isGone) return undefined;
    throw error;
  }
}
