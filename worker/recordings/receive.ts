import { z } from 'zod';
import { roomNameOf, tenantOf } from '../../shared/ids.ts';
import type { Env } from '../platform/env.ts';
import { type Grant, unseal } from '../platform/grants.ts';
import { settingsOf } from '../platform/settings.ts';
import { tenantsOf } from '../tenants/tenants.ts';
import { firstFileOf } from '../transfer/form-file.ts';
import { openHead } from '../transfer/head.ts';
import { putStream } from '../transfer/put-stream.ts';
import { randomName } from '../transfer/random-name.ts';
import { UploadRefused } from '../transfer/refusal.ts';
import { partKey, RecordingStore } from './store.ts';
import { HEAD_BYTES, recordingTypeOf } from './type.ts';

/** The largest part that is taken, in bytes. Cloudflare itself takes no more in one request on most plans. */
const MAX_PART_BYTES = 100 * 1024 * 1024;

/** The largest body with such a part in it. */
export const MAX_PART_BODY_BYTES = MAX_PART_BYTES + 256 * 1024;

const PartNumberSchema = z.coerce.number().int().min(1).max(10_000);

/** How far a recording has come, which is all that has to be known to go on with it. */
export interface Progress {
  readonly code: '200';
  readonly message: string;
  readonly roomId: string;
  /** All parts together, in bytes. */
  readonly received: number;
  readonly parts: readonly { readonly number: number; readonly size: number }[];
}

/**
 * Takes a recording or a part of it, as a form or as it is. What is acknowledged is kept, whatever happens to its maker.
 *
 * @param body of the request.
 * @returns how far the recording has come, and `part`, the number of this part.
 * @throws UploadRefused; nothing of the part is left then.
 */
export async function receivePart(
  request: Request,
  body: AsyncIterable<Uint8Array>,
  env: Env,
): Promise<Progress & { readonly part: number }> {
  const grant = await grantOf(request, env);
  const asked = numberOf(request);
  const tenant = await tenantsOf(env).find(tenantOf(grant.room));
  if (!tenant) throw new UploadRefused('not-permitted');
  const store = new RecordingStore(env.DB, env.FILES);
  if (await store.isDeleted(grant.recording)) throw new UploadRefused('no-room');

  const { head, bytes } = await openHead(await bytesOf(request, body), HEAD_BYTES);
  const type = recordingTypeOf(head);
  const isFirst = asked === 1 || (asked === undefined && (await store.parts(grant.recording)).length === 0);
  if (head.length === 0 || (isFirst && type === undefined)) throw new UploadRefused('bad-type');

  const key = partKey(grant.recording, randomName());
  const size = await putStream(env.FILES, key, bytes, { limit: MAX_PART_BYTES, type: type ?? 'application/octet-stream' });
  const part = await store.addPart(
    { recording: grant.recording, number: asked, key, size, type: type ?? '' },
    tenant.settings.recordingQuota,
  );
  if (part === undefined) {
    await env.FILES.delete(key);
    throw new UploadRefused('quota-exceeded');
  }
  return { ...(await progressOf(grant, store)), part };
}

/** How far a recording has come. @throws UploadRefused when the request has no grant for it. */
export async function readProgress(request: Request, env: Env): Promise<Progress> {
  return progressOf(await grantOf(request, env), new RecordingStore(env.DB, env.FILES));
}

async function progressOf({ room, recording }: Grant<'recordings'>, store: RecordingStore): Promise<Progress> {
  const parts = await store.parts(recording);
  const received = parts.reduce((sum, { size }) => sum + size, 0);
  return { code: '200', message: 'stored', roomId: roomNameOf(room), received, parts };
}

async function grantOf(request: Request, env: Env): Promise<Grant<'recordings'>> {
  const token = new URL(request.url).searchParams.get('grant') ?? '';
  const grant = await unseal(settingsOf(env), 'recordings', token);
  if (!grant) throw new UploadRefused('not-permitted');
  return grant;
}

/** The number that a part is given by its client; `undefined` puts it behind the last one. */
function numberOf(request: Request): number | undefined {
  const given = new URL(request.url).searchParams.get('part');
  if (given === null) return undefined;
  const parsed = PartNumberSchema.safeParse(given);
  if (!parsed.success) throw new UploadRefused('bad-part');
  return parsed.data;
}

/** What comes as a form is what is in it. */
async function bytesOf(request: Request, body: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const type = request.headers.get('content-type') ?? '';
  return /^multipart\//iu.test(type) ? (await firstFileOf(body, type)).bytes : body;
}
