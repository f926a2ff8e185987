/** Runs Wrangler, Cloudflare's tool, in a way that suits this project. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure, ROOT } from '../bootstrap.mjs';

/** Wrangler neither reports usage, nor asks for newer versions, nor fetches a sample of Cloudflare's request properties. */
export const QUIET_WRANGLER = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_LOG_PATH: join(ROOT, '.parley/logs'),
  WRANGLER_REGISTRY_PATH: join(ROOT, '.wrangler/registry'),
};

/** The command that runs Wrangler. */
export function wranglerCommand(parameters: readonly string[]): [string, ...string[]] {
  return [process.execPath, join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), ...parameters];
}

/**
 * Runs one of Wrangler's commands to its end.
 *
 * @returns what it printed.
 * @throws Failure with what it complained about.
 */
export async function runWrangler(parameters: readonly string[]): Promise<string> {
  const [program, ...all] = wranglerCommand(parameters);
  // Without a terminal Wrangler asks nothing.
  const options = { cwd: ROOT, env: { ...process.env, ...QUIET_WRANGLER, CI: 'true' }, maxBuffer: 64 * 1024 * 1024 };
  try {
    return (await promisify(execFile)(program, all, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Failure(`"wrangler ${parameters.slice(0, 3).join(' ')}" failed:`, `${stdout}${stderr}`.trim());
  }
}
