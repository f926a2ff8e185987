import { createHmac, randomBytes } from 'node:crypto';
import { formatSignature, SIGNATURE_HEADER, type Stamp, textToSign } from '../../shared/signature.ts';
import { TEST_SECRET } from './secrets.ts';

export interface SigningOptions {
  readonly secret?: string;
  readonly stamp?: Stamp;
}

/** Headers that sign a request, made independently of the code under test. */
export function signedHeaders(method: string, path: string, body: string, { secret = TEST_SECRET, stamp }: SigningOptions = {}) {
  const when = stamp ?? { time: Date.now(), nonce: randomBytes(16).toString('hex') };
  const signature = createHmac('sha256', secret).update(textToSign({ method, path, body }, when)).digest('hex');
  return { [SIGNATURE_HEADER]: formatSignature({ ...when, signature }), 'content-type': 'application/json' };
}
