/** Runs a program that talks to the terminal itself. */
import { spawn } from 'node:child_process';
import { ROOT } from '../bootstrap.mjs';

/**
 * @param command the program and its arguments.
 * @param environment added to this process's own.
 * @returns its exit code; 1 where a signal ended it.
 */
export function runHere(
  [program = '', ...parameters]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(program, parameters, { cwd: ROOT, env: { ...process.env, ...environment }, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the child as well: this process stays until the child has cleaned up. SIGTERM has to be passed on.
  const stay = () => undefined;
  const passOn = () => child.kill('SIGTERM');
  process.on('SIGINT', stay).on('SIGTERM', passOn);
  return new Promise<number>((settle, refuse) => {
    child.on('error', refuse);
    child.on('close', (status) => {
      settle(status ?? 1);
    });
  }).finally(() => process.off('SIGINT', stay).off('SIGTERM', passOn));
}
