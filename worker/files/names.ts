/** The name without its extension as it stands in the file's address: letters and digits of any script, `-`, `_` and `.` inside, 80 at most. */
export function baseNameOf(name: string): string {
  const base = name
    .normalize('NFC')
    .replace(/\.[^.]*$/u, '')
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_');
  const [short = ''] = /^.{0,80}/u.exec(base.replace(/^[._]+/u, '')) ?? [];
  const inner = short.replace(/[._]+$/u, '');
  return inner === '' ? 'file' : inner;
}
