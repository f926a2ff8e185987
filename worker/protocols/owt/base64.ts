/**
 * Tokens and tickets are JSON in base64, of the standard alphabet and padded: native clients are strict about it, and the JavaScript SDK decodes byte by
 * byte. So the JSON is ASCII.
 */
export function encodeJson(value: object): string {
  // eslint-disable-next-line no-control-regex -- all that is not ASCII is escaped
  const ascii = JSON.stringify(value).replaceAll(/[^\u0000-\u007f]/gu, escapeOf);
  return btoa(ascii);
}

/** @returns `undefined` for what is not JSON in base64. */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(atob(text));
  } catch {
    return undefined;
  }
}

function escapeOf(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}
