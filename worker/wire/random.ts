import { toBase64 } from './engine-io/base64.ts';

/** 120 random bits as 20 characters that can stand in a URL. */
export function randomToken(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(15)))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
