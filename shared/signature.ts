/**
 * How the edge and the media node sign the calls they make to each other: HMAC-SHA-256 over method, path, time, nonce and body.
 *
 * This file says what is signed and how it is written down; the HMAC itself is computed by each side with its own platform's
 * implementation. Whoever holds one of the two valid secrets may call: sign with the current one, accept also the previous one, so
 * that a secret can be rotated without an interruption.
 *
 * In place of a body that is not JSON its digest is signed, as it stands in the `content-digest` header (RFC 9530). So the receiver knows
 * before it reads the first of many bytes whether the call is genuine.
 */

/** A signature is valid for this many seconds around the time it names. */
export const SIGNATURE_WINDOW_SECONDS = 30;

/** A shorter secret is refused at start-up. */
export const MIN_SECRET_CHARACTERS = 32;

export const SIGNATURE_HEADER = 'authorization';

const SCHEME = 'Parley-HMAC-SHA256';
const HEADER_PATTERN = /^Parley-HMAC-SHA256 time=(\d{1,16}),nonce=([\da-f]{32}),signature=([\da-f]{64})$/u;

export const DIGEST_HEADER = 'content-digest';

export interface SignedRequest {
  /** In upper case. */
  readonly method: string;
  /** Path and query, as they stand in the request line. */
  readonly path: string;
  /** The body as text, or the digest that stands for it; empty when there is none. */
  readonly body: string;
}

export interface Stamp {
  /** Milliseconds since the epoch at which the request was signed. */
  readonly time: number;
  /** 32 hex digits, never used twice. */
  readonly nonce: string;
}

export interface ClaimedSignature extends Stamp {
  /** 64 hex digits. */
  readonly signature: string;
}

/** The text that is signed. Unambiguous, because only the body, which comes last, may contain a line break. */
export function textToSign(request: SignedRequest, stamp: Stamp): string {
  return [SCHEME, request.method, request.path, String(stamp.time), stamp.nonce, request.body].join('\n');
}

/** The value of the `content-digest` header. @param sha256 in base64. */
export function formatDigest(sha256: string): string {
  return `sha-256=:${sha256}:`;
}

/** The value of the `authorization` header. */
export function formatSignature({ time, nonce, signature }: ClaimedSignature): string {
  return `${SCHEME} time=${String(time)},nonce=${nonce},signature=${signature}`;
}

/** Reads the `authorization` header; `undefined` when it is missing or is not one of ours. */
export function parseSignature(header: string | null | undefined): ClaimedSignature | undefined {
  const [, time, nonce, signature] = HEADER_PATTERN.exec(header ?? '') ?? [];
  if (time === undefined || nonce === undefined || signature === undefined) return undefined;
  return { time: Number(time), nonce, signature };
}

/** Whether a stamp is recent enough, `now` in milliseconds since the epoch. */
export function isWithinWindow(stamp: Stamp, now: number): boolean {
  return Math.abs(now - stamp.time) <= SIGNATURE_WINDOW_SECONDS * 1000;
}
