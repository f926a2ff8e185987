/** A file's own name as somebody gave it, without folders, control characters and what makes text run backwards: its last 255 characters. */
export function plainName(given: string): string {
  const name = given.replaceAll(/\p{C}/gu, '').split(/[/\\]/u).at(-1) ?? '';
  return /.{0,255}$/u.exec(name)?.[0].trim() ?? '';
}
