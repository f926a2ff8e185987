const MAX_LENGTH = 255;

/** A file's own name as somebody gave it, without folders, control characters and what makes text run backwards. */
export function plainName(given: string): string {
  const name = given.replaceAll(/\p{C}/gu, '').split(/[/\\]/u).at(-1) ?? '';
  return [...name].slice(-MAX_LENGTH).join('').trim();
}
