import { expect } from 'vitest';
import { MEDIA_ERROR_STATUS } from '../../../shared/media-api.ts';
import type { MediaErrorReason } from '../../../shared/media-api.ts';
import { Refused } from './client.ts';

/** Expects that a call is refused for this reason, with the status that belongs to it. */
export async function expectRefused(call: Promise<unknown>, reason: MediaErrorReason): Promise<Refused> {
  const outcome: unknown = await call.then(
    (result) => ({ result }),
    (error: unknown) => error,
  );
  if (!(outcome instanceof Refused)) throw new Error(`expected ${reason}, got ${JSON.stringify(outcome)} ${String(outcome)}`);
  expect({ reason: outcome.reason, status: outcome.status }).toEqual({ reason, status: MEDIA_ERROR_STATUS[reason] });
  return outcome;
}
