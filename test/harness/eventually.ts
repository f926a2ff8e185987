import { setTimeout as wait } from 'node:timers/promises';

/**
 * Waits until a condition holds.
 *
 * @param what names the condition in the error.
 * @throws Error when it does not hold within the limit, in milliseconds.
 */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, limit = 10_000, interval = 10): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${limit} ms: ${what}`);
    await wait(interval);
  }
}
