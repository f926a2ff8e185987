/** `npm run coturn`: runs Debian's coturn with the media node's TURN settings until Ctrl-C. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coturnConfiguration, type CoturnSettings, CoturnSettingsError, readCoturnSettings } from '../media-node/turn/coturn.ts';
import { Failure } from './bootstrap.mjs';
import { runHere } from './processes/run-here.ts';
import { provideCoturn } from './setup.ts';
import { readDevVars } from './setup/dev-secrets.ts';

function settings(): CoturnSettings {
  try {
    return readCoturnSettings({ ...readDevVars(), ...process.env });
  } catch (error) {
    if (!(error instanceof CoturnSettingsError)) throw error;
    throw new Failure(`${error.message.replaceAll('\n', '; ')}. Set it in the environment or in .dev.vars (docs/operations.md).`);
  }
}

/** The only good end is the one that was asked for. */
async function runUntilStopped(command: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  const status = await runHere(command);
  return stop.signal.aborted ? 0 : status;
}

export async function main(): Promise<number> {
  const wanted = settings();
  const program = await provideCoturn();
  const directory = mkdtempSync(join(tmpdir(), 'parley-coturn-'));
  try {
    const file = join(directory, 'turnserver.conf');
    // Readable by its owner only, and not on the command line, which everybody on the machine can read: it contains the secret.
    writeFileSync(file, coturnConfiguration(wanted, { userDatabase: join(directory, 'turndb'), pidFile: join(directory, 'pid') }), {
      mode: 0o600,
    });
    if (wanted.PARLEY_MODE === 'development') console.log('Development mode: on loopback only. PARLEY_MODE=production serves the public.');
    return await runUntilStopped([program, '-c', file]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
