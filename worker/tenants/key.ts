import { toHex } from '../../shared/hex.ts';

const encoder = new TextEncoder();

/**
 * What is stored of a tenant's key, in hex. Keys are random and at least as strong as the secrets of this installation, so nothing slower than
 * SHA-256 is needed; the code makes the hashes of equal keys differ.
 */
export async function keyHash(code: string, key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(`${code}\n${key}`));
  return toHex(new Uint8Array(digest));
}
