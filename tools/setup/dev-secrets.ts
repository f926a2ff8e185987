/** The settings file of a development machine. Wrangler reads `.dev.vars` by itself; the media node gets it from `npm start`. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ROOT } from '../bootstrap.mjs';

const DEV_VARS = join(ROOT, '.dev.vars');

/** Two development machines never share a secret: each makes its own. */
function newDevVars(): string {
  return [
    '# Made by "npm run setup" for this machine. Not for production: see docs/operations.md.',
    'PARLEY_MODE=development',
    `MEDIA_NODE_SECRET=${randomBytes(32).toString('hex')}`,
    '',
  ].join('\n');
}

/** Makes `.dev.vars`, readable by its owner only, unless there is one. */
export function makeDevSecrets(path = DEV_VARS): void {
  if (existsSync(path)) return;
  writeFileSync(path, newDevVars(), { mode: 0o600, flag: 'wx' });
  console.log('Made .dev.vars with a secret for this machine.');
}

/** The variables in `.dev.vars`; none where there is no such file, as on a server. */
export function readDevVars(path = DEV_VARS): Record<string, string> {
  if (!existsSync(path)) return {};
  return Object.fromEntries(Object.entries(parseEnv(readFileSync(path, 'utf8'))).map(([name, value]) => [name, value ?? '']));
}
