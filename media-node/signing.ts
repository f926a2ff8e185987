/** The media node's side of `shared/signature.ts`: HMAC with Node's crypto, and the memory of nonces. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  formatDigest,
  formatSignature,
  isWithinWindow,
  parseSignature,
  SIGNATURE_WINDOW_SECONDS,
  textToSign,
} from '../shared/signature.ts';
import type { ClaimedSignature, SignedRequest, Stamp } from '../shared/signature.ts';

/** Method and path of a request; its body is given as bytes, because it is not parsed before its signature is known to be right. */
export type RequestLine = Omit<SignedRequest, 'body'>;

function hmac(secret: string, line: RequestLine, body: Uint8Array, stamp: Stamp): Buffer {
  // The body stands last in the signed text, so its bytes can follow the rest without being decoded.
  return createHmac('sha256', secret)
    .update(textToSign({ ...line, body: '' }, stamp))
    .update(body)
    .digest();
}

/**
 * Signs a request.
 *
 * @returns the value of the `authorization` header.
 */
export function sign(secret: string, request: SignedRequest): string {
  const stamp = { time: Date.now(), nonce: randomBytes(16).toString('hex') };
  const signature = hmac(secret, request, Buffer.from(request.body), stamp).toString('hex');
  return formatSignature({ ...stamp, signature });
}

/** What stands for a body that is signed by its digest. */
export function digestOf(body: Uint8Array): string {
  return formatDigest(createHash('sha256').update(body).digest('base64'));
}

/**
 * Remembers nonces as long as their stamps can be valid. Two sets take turns, so that forgetting costs nothing per nonce: each
 * nonce is remembered for one to two spans, and a stamp (from one window in the future to one window in the past) is valid for one.
 */
class NonceMemory {
  static readonly #SPAN = 2 * SIGNATURE_WINDOW_SECONDS * 1000;
  #current = new Set<string>();
  #previous = new Set<string>();
  #turnedAt = 0;

  /** Whether the nonce is new; it is remembered from now on. `now` in milliseconds since the epoch. */
  add(nonce: string, now: number): boolean {
    this.#turn(now);
    if (this.#current.has(nonce) || this.#previous.has(nonce)) return false;
    this.#current.add(nonce);
    return true;
  }

  #turn(now: number): void {
    const age = now - this.#turnedAt;
    if (age < NonceMemory.#SPAN) return;
    this.#previous = age < 2 * NonceMemory.#SPAN ? this.#current : new Set();
    this.#current = new Set();
    this.#turnedAt = now;
  }
}

/** Checks the signatures of incoming calls. */
export class Verifier {
  readonly #secrets: readonly string[];
  readonly #nonces = new NonceMemory();

  /** @param secrets those with which a call may be signed: the current one and, during a rotation, the previous one. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** What can be told from the header alone, before a body is read: the claim, or `undefined` when it is missing, malformed or out of time. */
  claimOf(header: string, now = Date.now()): ClaimedSignature | undefined {
    const claim = parseSignature(header);
    return claim !== undefined && isWithinWindow(claim, now) ? claim : undefined;
  }

  /** Whether the claim is true and is made for the first time. */
  accepts(claim: ClaimedSignature, line: RequestLine, body: Uint8Array, now = Date.now()): boolean {
    const claimed = Buffer.from(claim.signature, 'hex');
    const isTrue = this.#secrets.some((secret) => timingSafeEqual(hmac(secret, line, body, claim), claimed));
    // Only the nonces of true claims are remembered: nobody without a secret can fill the memory.
    return isTrue && this.#nonces.add(claim.nonce, now);
  }
}
