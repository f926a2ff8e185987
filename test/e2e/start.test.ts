/** `npm start` as a process: what it says, what it leaves behind, and with which status it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ROOT } from '../../tools/bootstrap.mjs';
import { eventually } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';

const START_MILLISECONDS = 60_000;

let state: string | undefined;
let child: ChildProcess | undefined;
let output = '';

afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  if (state !== undefined) await rm(state, { recursive: true, force: true });
});

async function npmStart(settings: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
  state = await mkdtemp(join(tmpdir(), 'parley-start-'));
  const ports = { PORT: await freePort(), MEDIA_NODE_PORT: await freePort(), RTC_BASE_PORT: await freePort() };
  const ours = {
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    MEDIA_WORKERS: '1',
    PARLEY_STATE_DIR: state,
  };
  const started = spawn(process.execPath, ['tools/bootstrap.mjs', 'start'], { cwd: ROOT, env: { ...process.env, ...ours, ...settings } });
  output = '';
  for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  child = started;
  return started;
}

async function running(): Promise<string> {
  await eventually(
    `npm start is ready:\n${output}`,
    () => output.includes('Parley is running') || child?.exitCode !== null,
    START_MILLISECONDS,
  );
  return /Parley is running: (http:\S+)/u.exec(output)?.[1] ?? '';
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes that have not ended; one in state `Z` has, although nobody has asked for its status yet. */
async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/u.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [stat, command] = await Promise.all(
        ['stat', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
      );
      const [, processState, parent] = /\) (\S) (\d+)/u.exec(stat ?? '') ?? [];
      return {
        pid: Number(pid),
        parent: Number(parent),
        command: command ?? '',
        isAlive: processState !== undefined && processState !== 'Z',
      };
    }),
  );
  return found.filter(({ isAlive }) => isAlive);
}

async function descendantsOf(ancestor: number): Promise<Process[]> {
  const all = await processes();
  const below = (pid: number): Process[] => all.filter(({ parent }) => parent === pid).flatMap((each) => [each, ...below(each.pid)]);
  return below(ancestor);
}

async function nobodyIsLeftOf(group: readonly Process[]): Promise<boolean> {
  const pids = new Set((await processes()).map(({ pid }) => pid));
  return group.every(({ pid }) => !pids.has(pid));
}

it('serves the page, stops on SIGTERM with status 0 and leaves nothing behind', async () => {
  const start = await npmStart();
  const url = await running();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await (await fetch(url)).text()).toContain('<!doctype html>');
  const helpers = await descendantsOf(start.pid ?? 0);
  expect(helpers.map(({ command }) => command).join('\n')).toMatch(/workerd[\s\S]*mediasoup-worker|mediasoup-worker[\s\S]*workerd/u);
  start.kill('SIGTERM');
  expect(await once(start, 'exit')).toEqual([0, null]);
  await eventually('all helpers have ended', () => nobodyIsLeftOf(helpers));
});

it('says which half ended by itself, stops the other one and ends with status 1', async () => {
  const start = await npmStart();
  await running();
  const helpers = await descendantsOf(start.pid ?? 0);
  const mediaNode = helpers.find(({ command }) => command.includes('media-node/index.ts'));
  process.kill(mediaNode?.pid ?? 0, 'SIGKILL');
  expect(await once(start, 'exit')).toEqual([1, null]);
  expect(output).toMatch(/^parley: The media node ended by itself \(SIGKILL\)/mu);
  await eventually('all helpers have ended', () => nobodyIsLeftOf(helpers));
});

it('with a busy port says in one line which one and how to choose another', async () => {
  const occupied = createServer().listen(0, '127.0.0.1');
  await once(occupied, 'listening');
  const { port } = occupied.address() as { port: number };
  const start = await npmStart({ PORT: String(port) });
  expect(await once(start, 'exit')).toEqual([1, null]);
  expect(output).toMatch(new RegExp(`^parley: Port ${port}/tcp for the edge is in use: .*choose another with PORT=.*\n$`, 'u'));
  occupied.close();
});

it('with a broken SFU binary says so in one line', async () => {
  const start = await npmStart({ MEDIASOUP_WORKER_BIN: '/bin/true' });
  expect(await once(start, 'exit')).toEqual([1, null]);
  expect(output).toMatch(/^parley: MEDIASOUP_WORKER_BIN: \/bin\/true is not a mediasoup-worker that runs here: .*\n$/u);
});
