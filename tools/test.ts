/** `npm test [-- path …]`: sets up what the tests need and runs them; arguments go to vitest. */
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { runHere } from './processes/run-here.ts';
import { setUpForTests } from './setup.ts';

export async function main(parameters: string[]): Promise<number> {
  const environment = await setUpForTests();
  return runHere([process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...parameters], environment);
}
