/** The one place where mediasoup's errors become reasons of the contract. */
import { errors } from 'mediasoup';
import type { MediaErrorReason } from '../../shared/media-api.ts';
import { MediaError } from '../errors.ts';

/** What mediasoup's refusals mean for one order. */
interface Meanings {
  /** The object that was ordered about, or the whole SFU process, does not exist any more. */
  readonly gone: MediaErrorReason;
  /** The codecs do not go together. */
  readonly unsupported?: MediaErrorReason;
}

/**
 * Does something with mediasoup and translates what it refuses. Its `TypeError` means wrong arguments, `UnsupportedError` codecs,
 * `NotFoundError` and `WorkerClosedError` that the object was closed in the meantime.
 *
 * @throws MediaError, or the original error when it is none of these: then it is a bug.
 */
export async function translated<Value>(meanings: Meanings, order: () => Promise<Value>): Promise<Value> {
  try {
    return await order();
  } catch (error) {
    const reason = reasonOf(error, meanings);
    if (reason === undefined) throw error;
    throw new MediaError(reason, (error as Error).message);
  }
}

function reasonOf(error: unknown, { gone, unsupported = 'invalid-parameters' }: Meanings): MediaErrorReason | undefined {
  if (error instanceof errors.WorkerClosedError || error instanceof errors.NotFoundError) return gone;
  if (error instanceof errors.UnsupportedError) return unsupported;
  if (error instanceof TypeError) return 'invalid-parameters';
  return undefined;
}
