import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { BodyError } from './body.ts';
import { TooLargeError } from './put-stream.ts';

/** Why a transfer is refused, with the code that clients of the protocols know and the status of HTTP. */
const REFUSALS = {
  'not-permitted': { code: '413', status: 403, message: 'the address is not valid, or not any more' },
  'no-room': { code: '404', status: 404, message: 'the room or the file does not exist any more' },
  'bad-form': { code: '422', status: 400, message: 'a multipart form with a file is needed' },
  'bad-part': { code: '422', status: 422, message: 'part must be a number from 1 to 10000' },
  'bad-type': { code: '422', status: 422, message: 'this type of file is not accepted' },
  'broken-document': { code: '422', status: 422, message: 'the document cannot be read' },
  'too-large': { code: '445', status: 413, message: 'the file is too large' },
  'quota-exceeded': { code: '445', status: 413, message: 'there is no room left for this file' },
  'no-renderer': { code: '570', status: 502, message: 'the media node did not render the document; try again' },
} as const satisfies Record<string, { code: string; status: ContentfulStatusCode; message: string }>;

type RefusalReason = keyof typeof REFUSALS;

/** An upload that is refused for a reason that its client may know. */
export class UploadRefused extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(REFUSALS[reason].message);
    this.reason = reason;
  }
}

/** Answers with a refusal in its own words. @throws what is not for a client to know. */
export function answerRefusal(context: Context, error: unknown): Response {
  const reason = reasonOf(error);
  if (reason === undefined) throw error;
  const { code, status, message } = REFUSALS[reason];
  return context.json({ code, message }, status);
}

function reasonOf(error: unknown): RefusalReason | undefined {
  if (error instanceof UploadRefused) return error.reason;
  if (error instanceof BodyError) return 'bad-form';
  return error instanceof TooLargeError ? 'too-large' : undefined;
}
