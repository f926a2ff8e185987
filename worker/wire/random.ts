/** Six bits for each character; all of them can stand in a URL. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const TOKEN_CHARACTERS = 20;

/** Random bytes are asked for many at a time, because each call costs more than the bytes do. None is used twice. */
const pool = new Uint8Array(50 * TOKEN_CHARACTERS);
let used = pool.length;

/** 120 random bits as 20 characters that can stand in a URL. */
export function randomToken(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const end = used + TOKEN_CHARACTERS;
  let token = '';
  for (; used < end; used++) token += ALPHABET.charAt((pool[used] ?? 0) & 63);
  return token;
}
