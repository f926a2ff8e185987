/**
 * A polling session lives in one Durable Object, and each of its requests must find that object. Its session id therefore begins with the
 * object's id, which tells a stranger nothing, followed by a part that cannot be guessed.
 */
import { fromBase64, toBase64 } from '../engine-io/base64.ts';

/** 32 bytes in base64. */
const OBJECT_CHARACTERS = 43;

/**
 * What the session ids of an object begin with.
 *
 * @param objectId the object's id as 64 hexadecimal digits.
 */
export function sidPrefixOf(objectId: string): string {
  const bytes = Uint8Array.from(objectId.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * The object that holds a session, as 64 hexadecimal digits; `undefined` when the id was not given out by such an object. The caller
 * asks its namespace whether there is such an object (`idFromString` throws when there is not).
 */
export function objectIdOf(sid: string): string | undefined {
  const encoded = sid.slice(0, OBJECT_CHARACTERS).replaceAll('-', '+').replaceAll('_', '/');
  const bytes = encoded.length === OBJECT_CHARACTERS ? fromBase64(`${encoded}=`) : undefined;
  return bytes && Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
