/**
 * The door to every command of this project: `node tools/bootstrap.mjs start|setup|test|check|bench|coturn|access-token|tenant|echo-server`.
 *
 * It runs on a machine where nothing is installed yet, so it is plain JavaScript on Node's own modules: it checks Node, installs the
 * packages of `package-lock.json` where they are missing, and hands over to the command's TypeScript file. The commands use
 * `Failure` and `runLogged` from here, so that whatever goes wrong is told in the same way.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath, URL } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const LOGS = join(ROOT, '.parley/logs');
const COMMANDS = ['start', 'setup', 'test', 'check', 'bench', 'coturn', 'access-token', 'tenant', 'echo-server'];
const OLDEST_NODE = '20.19.0';
const TAIL_LINES = 15;
/** Without a terminal, a long step says this often that it is still alive. */
const HEARTBEAT_SECONDS = 15;

/** Something the person at the terminal can mend: told as one line, without a stack trace, followed by `tail` where there is one. */
export class Failure extends Error {
  /**
   * @param {string} message what is wrong and what to do about it.
   * @param {string} [tail] the last lines of a command's output.
   */
  constructor(message, tail = '') {
    super(message);
    this.tail = tail;
  }
}

/**
 * Shows that something takes long: the elapsed seconds tick on a terminal; elsewhere a line appears every 15 seconds.
 *
 * @param {string} title what is being done.
 * @returns what to call while it goes on, and at its end.
 */
export function showProgress(title) {
  const terminal = process.stdout.isTTY;
  const begin = performance.now();
  let detail = '';
  const elapsed = () => `${String(Math.round((performance.now() - begin) / 1000))} s`;
  const line = () => `${title}${detail === '' ? '' : ` (${detail})`} … ${elapsed()}`;
  const write = () => process.stdout.write(terminal ? `\r\u001B[K${line().slice(0, process.stdout.columns - 1)}` : `${line()}\n`);
  if (terminal) write();
  else process.stdout.write(`${title} …\n`);
  const ticker = setInterval(write, terminal ? 1000 : HEARTBEAT_SECONDS * 1000);
  return {
    /** @param {string} text how far it has come. */
    detail: (text) => {
      detail = text;
    },
    /** @param {string} outcome such as `done`. */
    end: (outcome) => {
      clearInterval(ticker);
      process.stdout.write(`${terminal ? '\r\u001B[K' : ''}${title}: ${outcome} (${elapsed()})\n`);
    },
  };
}

/**
 * @typedef {object} LoggedCommand
 * @property {string} log name of the file under `.parley/logs/` that takes the output.
 * @property {NodeJS.ProcessEnv} [env] in place of this process's own.
 * @property {(line: string) => string | undefined} [detail] reads the progress out of a line of the output.
 * @property {(output: string) => string | undefined} [explain] names the cause of a failure that is known, and the way out.
 */

/**
 * Runs a command that takes long: its output goes to a log file, the terminal shows `title` and the time.
 *
 * @param {string} title
 * @param {string[]} command the program and its arguments.
 * @param {LoggedCommand} options
 * @throws {Failure} with the last lines of the output, or with the explanation where the cause is known.
 */
export async function runLogged(title, command, options) {
  const progress = showProgress(title);
  try {
    await runToLog(command, options, progress.detail);
  } catch (error) {
    progress.end('failed');
    throw error;
  }
  progress.end('done');
}

/**
 * @param {string[]} command
 * @param {LoggedCommand} options
 * @param {(text: string) => void} tellDetail
 */
async function runToLog(command, options, tellDetail) {
  const path = join(LOGS, `${options.log}.log`);
  const { status, output } = await capture(command, options, path, (line) => {
    const detail = options.detail?.(line);
    if (detail !== undefined) tellDetail(detail);
  });
  if (status === 0) return;
  const explanation = options.explain?.(output);
  if (explanation !== undefined) throw new Failure(explanation);
  const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Failure(`"${command.join(' ')}" failed (${status}). The whole output is in ${path}; its end:`, tail);
}

/**
 * @param {string[]} command
 * @param {Pick<LoggedCommand, 'env'>} options
 * @param {string} path of the log file.
 * @param {(line: string) => void} onLine
 * @returns {Promise<{ status: number | string, output: string }>}
 */
async function capture([program = '', ...parameters], options, path, onLine) {
  mkdirSync(LOGS, { recursive: true });
  const log = createWriteStream(path);
  // A group of its own, so that the helpers of the command end with it.
  const child = spawn(program, parameters, {
    cwd: ROOT,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const stopWatchingSignals = endWithUs(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      log.write(text);
      output += text;
      for (const line of text.split('\n')) onLine(line);
    });
  }
  const status = await new Promise((settle, refuse) => {
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      refuse(error.code === 'ENOENT' ? new Failure(`"${program}" is not installed or not in PATH.`) : error);
    });
    child.on('close', (code, signal) => {
      settle(code ?? signal);
    });
  }).finally(() => {
    stopWatchingSignals();
    log.end();
  });
  return { status, output };
}

/**
 * Ends a child's process group, and then this process, on Ctrl-C or SIGTERM.
 *
 * @param {import('node:child_process').ChildProcess} child the leader of its own process group.
 */
function endWithUs(child) {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const listeners = signals.map((signal) => {
    const listener = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      process.exit(1);
    };
    process.once(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

/**
 * @param {string} version such as `20.19.0`.
 * @returns what is wrong with it, if anything.
 */
export function nodeProblem(version) {
  if (version.localeCompare(OLDEST_NODE, 'en', { numeric: true }) >= 0) return undefined;
  return `Node ${version} is too old: Parley needs Node ${OLDEST_NODE} or newer; on Debian 12 take Node 20 (https://nodejs.org).`;
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages by path inside the project, such as `node_modules/zod`.
 */

/**
 * Whether npm's own record of what it installed (`node_modules/.package-lock.json`) is what the lock file asks for. Packages that are
 * optional may be missing: they are for other platforms.
 *
 * @param {LockedPackages} wanted
 * @param {LockedPackages} installed
 */
export function isInstalled(wanted, installed) {
  const strange = Object.keys(installed).some((path) => wanted[path] === undefined);
  if (strange) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path];
    if (path === '') return true;
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

/**
 * @param {string} path
 * @returns {LockedPackages | undefined} nothing where the file is missing or was cut off in the middle.
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether `node_modules` holds the packages of the lock file, in the record and on the disk. */
function packagesAreInstalled() {
  const wanted = readLock(join(ROOT, 'package-lock.json'));
  const installed = readLock(join(ROOT, 'node_modules/.package-lock.json'));
  if (wanted === undefined) throw new Failure('package-lock.json is missing or damaged: restore it with "git checkout package-lock.json".');
  if (installed === undefined || !isInstalled(wanted, installed)) return false;
  return Object.keys(installed).every((path) => existsSync(join(ROOT, path, 'package.json')));
}

const NETWORK_ERROR =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|ENOTCACHED)\b/u;
const CERTIFICATE_ERROR = /\b(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w*(?:CERT|SIGNATURE)\w*|CERT_\w+)\b/u;

/**
 * @param {string} output of npm.
 * @returns {string | undefined}
 */
export function explainNpmFailure(output) {
  const registry = `The npm registry ${/https?:\/\/[^/\s]+/u.exec(output)?.[0] ?? '(see "npm config get registry")'}`;
  const certificate = CERTIFICATE_ERROR.exec(output)?.[0];
  if (certificate !== undefined) {
    return `${registry} has a certificate that is not trusted (${certificate}): name your organisation's CA file with "npm config set cafile …", then try again.`;
  }
  if (NETWORK_ERROR.test(output)) {
    return `${registry} cannot be reached: check the network, the proxy (HTTPS_PROXY) and "npm config get registry", then try again.`;
  }
  return output.includes('ENOSPC') ? 'The disk is full: free some space (the packages take about 700 MB), then try again.' : undefined;
}

async function installPackages() {
  if (packagesAreInstalled()) return;
  const trouble = await troubleWithRegistry();
  // Wrangler and tsx are development dependencies, which npm leaves out where NODE_ENV is "production".
  const command = ['npm', 'ci', '--include=dev', trouble === undefined ? '--prefer-offline' : '--offline'];
  await runLogged('Installing npm packages', command, { log: 'npm-ci', explain: (output) => trouble ?? explainNpmFailure(output) });
}

/** A registry that does not answer would let npm try for minutes: a quick knock decides whether only its cache is asked. */
async function troubleWithRegistry() {
  const knock = ['npm', 'ping', '--fetch-retries=0', '--fetch-timeout=15000'];
  const { status, output } = await capture(knock, {}, join(LOGS, 'npm-ping.log'), () => undefined);
  return status === 0 ? undefined : explainNpmFailure(output);
}

/**
 * uWebSockets.js is a binary per Node version; the ones for Node 22 and newer need a newer C library than Debian 12 has.
 *
 * @param {string} reason why it could not be loaded.
 */
export function explainUwsFailure(reason) {
  const library = /GLIBC_[\d.]+/u.exec(reason)?.[0];
  const because = library === undefined ? 'it has none for this platform and Node version' : `it needs ${library.replace('_', ' ')}`;
  return `uWebSockets.js has no binary that runs here with Node ${process.versions.node} (${because}): use Node 20, or for Node 22 and 24 Debian 13, Ubuntu 24.04 or newer.`;
}

function checkUws() {
  try {
    createRequire(import.meta.url)('uWebSockets.js');
  } catch (error) {
    throw new Failure(explainUwsFailure(String(error)));
  }
}

/**
 * @param {string | undefined} command
 * @param {string[]} parameters
 * @returns {Promise<number>} the exit code.
 */
async function run(command, parameters) {
  if (command === undefined || !COMMANDS.includes(command)) throw new Failure(`Say what to do, one of: ${COMMANDS.join(', ')}.`);
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) throw new Failure(problem);
  await installPackages();
  checkUws();
  const { register } = await import('tsx/esm/api');
  register();
  const { main } = await import(new URL(`./${command}.ts`, import.meta.url).href);
  return main(parameters);
}

/** @param {unknown} error */
function report(error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`parley: ${error.message}\n${error.tail === '' ? '' : `${error.tail}\n`}`);
  return 1;
}

// Not when a command or a test imports this file for what it exports.
if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [command, ...parameters] = process.argv.slice(2);
  // Without `await`: the commands import this file, so it has to come to its end before they can begin.
  void run(command, parameters)
    .catch(report)
    .then((status) => {
      process.exitCode = status;
    });
}
