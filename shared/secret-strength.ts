import { MIN_SECRET_CHARACTERS } from './signature.ts';

/** A random hex secret of 32 characters has about 115 bits by this measure, a repeated word much less. */
const MIN_ENTROPY_BITS = 90;

const OBVIOUS =
  /change.?me|secret|passw|default|example|sample|placeholder|parley|insecure|your.?key|qwerty|letmein|abcdefgh|01234567|12345678/iu;

/** Shannon entropy of the characters' frequencies, in bits for the whole text. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const perCharacter = [...counts.values()].map((count) => count / text.length).reduce((sum, share) => sum - share * Math.log2(share), 0);
  return perCharacter * text.length;
}

/** Frequencies alone would take a repeated block for a random text. */
function isRepetition(text: string): boolean {
  return (text + text).indexOf(text, 1) < text.length;
}

/**
 * Why a secret must not be used; `undefined` when nothing speaks against it. The answer never repeats the secret.
 */
export function secretWeakness(secret: string): string | undefined {
  if (secret.length < MIN_SECRET_CHARACTERS) return `is shorter than ${MIN_SECRET_CHARACTERS} characters`;
  if (OBVIOUS.test(secret)) return 'contains a word that is easy to guess';
  if (isRepetition(secret) || entropyBits(secret) < MIN_ENTROPY_BITS) return 'is not random enough';
  return undefined;
}
