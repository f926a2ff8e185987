/** `npm run check`: everything that has to pass before a commit. */
import { runHere } from './processes/run-here.ts';
import { main as test } from './test.ts';

export async function main(parameters: string[]): Promise<number> {
  const status = await runHere(['npm', 'run', 'check:static']);
  return status === 0 ? test(parameters) : status;
}
