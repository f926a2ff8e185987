const MAX_BASE_NAME = 80;

/** The name without its extension as it stands in the file's address: letters and digits of any script, `-`, `_` and `.` inside. */
export function baseNameOf(name: string): string {
  const base = name
    .normalize('NFC')
    .replace(/\.[^.]*$/u, '')
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_');
  const inner = [...base]
    .slice(0, MAX_BASE_NAME)
    .join('')
    .replaceAll(/^[._]+|[._]+$/gu, '');
  return inner === '' ? 'file' : inner;
}
