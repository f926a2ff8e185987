import { MAX_BODY_BYTES, MediaEventBatchSchema } from '../../shared/media-api.ts';
import { SIGNATURE_HEADER } from '../../shared/signature.ts';
import type { Env } from '../platform/env.ts';
import { mediaSecretsOf, settingsOf } from '../platform/settings.ts';
import { isSigned } from '../platform/signing.ts';

/** Checks a batch of the media node's events and hands it to its room. 204: taken; 404: the room is in another generation, or gone. */
export async function takeMediaEvents(request: Request, env: Env): Promise<Response> {
  const body = await boundedText(request);
  if (body === undefined) return new Response('body too large\n', { status: 413 });
  const { pathname, search } = new URL(request.url);
  const signed = { method: request.method, path: pathname + search, body };
  if (!(await isSigned(mediaSecretsOf(settingsOf(env)), signed, request.headers.get(SIGNATURE_HEADER)))) {
    return new Response('the signature is missing, wrong or too old\n', { status: 401 });
  }
  const batch = MediaEventBatchSchema.safeParse(jsonOrNothing(body));
  if (!batch.success) return new Response('not a batch of media events\n', { status: 400 });
  const taken = await env.ROOMS.getByName(batch.data.room).takeMediaEvents(batch.data);
  return new Response(null, { status: taken ? 204 : 404 });
}

async function boundedText(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined;
  const text = await request.text();
  return text.length > MAX_BODY_BYTES ? undefined : text;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
