/** What `npm start` shows. */

/** Puts a frame around lines of text. */
export function box(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  const rule = '─'.repeat(width + 2);
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${rule}┘`].join('\n');
}

const LEVEL_NAMES = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
]);

/** `level` and `msg` come first anyway; the others say nothing new to somebody who watches. */
const UNINTERESTING = new Set(['level', 'msg', 'time', 'pid', 'hostname']);

/** A pino record (a JSON line with `level` and `msg`) as a person reads it; any other line as it is. */
export function readableLine(line: string): string {
  const record = parseRecord(line);
  if (record === undefined) return line;
  const details = Object.entries(record)
    .filter(([name]) => !UNINTERESTING.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [LEVEL_NAMES.get(Number(record.level)) ?? String(record.level), String(record.msg), ...details].join(' ');
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'level' in value && 'msg' in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
