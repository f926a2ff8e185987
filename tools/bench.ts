/** `npm run bench [-- part of a name …]`: runs the benches in `test/bench/` one after the other and prints what they measured. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { Failure, ROOT } from './bootstrap.mjs';
import { setUpForTests } from './setup.ts';

const BENCHES = join(ROOT, 'test/bench');

const RowsSchema = z.array(z.record(z.string(), z.union([z.string(), z.number()])));
type Rows = z.infer<typeof RowsSchema>;

/** What a file of `test/bench/` exports. `run` leaves nothing running. */
const BenchSchema = z.object({ title: z.string(), run: z.custom<() => Promise<unknown>>((value) => typeof value === 'function') });

/** Rows with the same columns as a Markdown table. */
export function table(rows: Rows): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Benches whose name contains one of the wanted parts; all where nothing is wanted. */
export function choose(files: readonly string[], wanted: readonly string[]): string[] {
  const benches = files.filter((file) => file.endsWith('.ts')).sort();
  return wanted.length === 0 ? benches : benches.filter((file) => wanted.some((part) => file.includes(part)));
}

async function runBench(file: string): Promise<void> {
  const parsed = BenchSchema.safeParse(await import(pathToFileURL(join(BENCHES, file)).href));
  if (!parsed.success) throw new Failure(`test/bench/${file} is not a bench: it has to export "title" and "run()".`);
  console.log(`\n## ${parsed.data.title}\n`);
  console.log(table(RowsSchema.parse(await parsed.data.run())));
}

export async function main(parameters: string[]): Promise<number> {
  Object.assign(process.env, await setUpForTests());
  const files = choose(existsSync(BENCHES) ? readdirSync(BENCHES) : [], parameters);
  if (files.length === 0) throw new Failure(`There is no such bench in test/bench/: ${parameters.join(', ') || 'it is empty'}.`);
  for (const file of files) await runBench(file);
  return 0;
}
