/**
 * `npm run setup [-- --tests]`: makes everything ready that running Parley needs, or testing it as well. Each step is skipped when it is
 * done already.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure } from './bootstrap.mjs';
import { installPackages } from './setup/debian-packages.ts';
import { makeDevSecrets } from './setup/dev-secrets.ts';
import { provideWorkerBinary } from './setup/worker-binary.ts';

/** A program in PATH, or where Debian has those of the administrator. */
function findProgram(names: readonly string[]): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find((path) => existsSync(path));
}

async function provideProgram(purpose: string, names: readonly string[], debianPackage: string): Promise<string> {
  const found = findProgram(names);
  if (found !== undefined) return found;
  await installPackages(purpose, [debianPackage]);
  const installed = findProgram(names);
  if (installed === undefined)
    throw new Failure(`${names.join(' or ')} is not in PATH although ${debianPackage} is installed: check PATH.`);
  return installed;
}

/** Debian's own build, or the one that `CHROMIUM_BIN` names. */
export async function provideChromium(): Promise<string> {
  const given = process.env.CHROMIUM_BIN;
  if (given === undefined || given === '')
    return provideProgram('Testing with a browser', ['chromium', 'chromium-browser', 'google-chrome'], 'chromium');
  if (!existsSync(given)) throw new Failure(`CHROMIUM_BIN names ${given}, which does not exist.`);
  return given;
}

/** Debian's own build, or the one that `FIREFOX_BIN` names. */
async function provideFirefox(): Promise<string> {
  const given = process.env.FIREFOX_BIN;
  if (given === undefined || given === '')
    return provideProgram('Testing with a second browser', ['firefox-esr', 'firefox'], 'firefox-esr');
  if (!existsSync(given)) throw new Failure(`FIREFOX_BIN names ${given}, which does not exist.`);
  return given;
}

/** coturn's server, `turnserver`. */
export function provideCoturn(): Promise<string> {
  return provideProgram('Relaying media (TURN)', ['turnserver'], 'coturn');
}

/** Decodes snapshots and writes recordings. */
function provideFfmpeg(): Promise<string> {
  return provideProgram('Recording and taking snapshots', ['ffmpeg'], 'ffmpeg');
}

/**
 * What running the edge and the media node needs.
 *
 * @returns environment variables that say where it is.
 */
export async function setUpForRunning(): Promise<{ MEDIASOUP_WORKER_BIN: string; FFMPEG_BIN: string }> {
  makeDevSecrets();
  return { MEDIASOUP_WORKER_BIN: await provideWorkerBinary(), FFMPEG_BIN: await provideFfmpeg() };
}

/** What the tests need on top: real browsers and a real TURN server. */
export async function setUpForTests(): Promise<Record<string, string>> {
  const running = await setUpForRunning();
  return {
    ...running,
    CHROMIUM_BIN: await provideChromium(),
    FIREFOX_BIN: await provideFirefox(),
    IP_BIN: await provideProgram('Giving Firefox a network of its own', ['ip'], 'iproute2'),
    TURNSERVER_BIN: await provideCoturn(),
  };
}

export async function main(parameters: string[]): Promise<number> {
  const forTests = parameters.includes('--tests');
  await (forTests ? setUpForTests() : setUpForRunning());
  console.log(`Everything is ready for "npm start"${forTests ? ' and "npm test"' : ''}.`);
  return 0;
}
