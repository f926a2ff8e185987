import { toHex } from '../../shared/hex.ts';
import {
  type ClaimedSignature,
  formatDigest,
  formatSignature,
  isWithinWindow,
  parseSignature,
  type SignedRequest,
  textToSign,
} from '../../shared/signature.ts';

const encoder = new TextEncoder();
const keys = new Map<string, Promise<CryptoKey>>();

function keyOf(secret: string): Promise<CryptoKey> {
  return remembered(secret, () =>
    crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']),
  );
}

/** Making a key costs more than using it; there are never more than a few of them. */
function remembered(name: string, make: () => Promise<CryptoKey>): Promise<CryptoKey> {
  const key = keys.get(name) ?? make();
  keys.set(name, key);
  return key;
}

/** Signs a request now. @returns the value of its `authorization` header. */
export async function sign(secret: string, request: SignedRequest): Promise<string> {
  const stamp = { time: Date.now(), nonce: toHex(crypto.getRandomValues(new Uint8Array(16))) };
  const signature = await crypto.subtle.sign('HMAC', await keyOf(secret), encoder.encode(textToSign(request, stamp)));
  return formatSignature({ ...stamp, signature: toHex(new Uint8Array(signature)) });
}

/** What is signed in place of a body of bytes. @returns the value of its `content-digest` header. */
export async function digestOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  return formatDigest(btoa(String.fromCharCode(...digest)));
}

/**
 * Whether a request was signed with one of the secrets, not longer ago than the window. Whether the same request was seen before is for the
 * receiver to say: events are numbered.
 */
export async function isSigned(secrets: readonly string[], request: SignedRequest, header: string | null): Promise<boolean> {
  const claimed = parseSignature(header);
  if (!claimed || !isWithinWindow(claimed, Date.now())) return false;
  const checks = await Promise.all(secrets.map((secret) => verify(secret, request, claimed)));
  return checks.includes(true);
}

/**
 * Signs a text for a purpose. What is signed for one purpose is good for no other, nor for calls to the media node.
 *
 * @returns hex digits.
 */
export async function signText(secret: string, purpose: string, text: string): Promise<string> {
  const signature = await crypto.subtle.sign('HMAC', await derivedKey(secret, purpose), encoder.encode(text));
  return toHex(new Uint8Array(signature));
}

/** Whether a text was signed for the purpose with one of the secrets. */
export async function isTextSigned(secrets: readonly string[], purpose: string, text: string, signature: string): Promise<boolean> {
  const checks = await Promise.all(
    secrets.map(async (secret) =>
      crypto.subtle.verify('HMAC', await derivedKey(secret, purpose), fromHex(signature), encoder.encode(text)),
    ),
  );
  return checks.includes(true);
}

/** A key of its own for each purpose (HKDF, RFC 5869). */
function derivedKey(secret: string, purpose: string): Promise<CryptoKey> {
  return remembered(`${purpose}\n${secret}`, async () => {
    const base = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveKey']);
    const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: encoder.encode(purpose) };
    return crypto.subtle.deriveKey(derivation, base, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign', 'verify']);
  });
}

async function verify(secret: string, request: SignedRequest, claimed: ClaimedSignature): Promise<boolean> {
  return crypto.subtle.verify('HMAC', await keyOf(secret), fromHex(claimed.signature), encoder.encode(textToSign(request, claimed)));
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
}
