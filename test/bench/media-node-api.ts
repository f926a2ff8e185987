/**
 * How many control calls a media node answers, how fast, and what an idle room and an idle transport cost.
 *
 *   npm run bench -- media-node
 *
 * The node is a process of its own with one SFU process; this process makes the load. Takes about 20 seconds.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { SIGNATURE_HEADER } from '../../shared/signature.ts';
import { sign } from '../../media-node/signing.ts';

export const title = 'Media node: signed control calls (join, publish, watch, mute, leave)';

const STEADY_CALLS_PER_SECOND = 1_000;
const STEADY_SECONDS = 6;
const SATURATION_SECONDS = 5;
const WARM_UP_SECONDS = 2;
const CONNECTIONS = 32;
const ROOMS_OF_THE_LOAD = 20;
const IDLE_ROOMS = 300;
const IDLE_TRANSPORTS = 600;

interface Latencies {
  readonly callsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly failures: number;
  /** Of the node's main process, in percent of one core. */
  readonly cpu: number;
}

/** In KB, of both processes of the node. */
interface Memory {
  readonly perRoom: number;
  readonly perTransport: number;
}

interface Node {
  readonly child: ChildProcess;
  readonly workerPid: number;
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

async function startNode(): Promise<Node> {
  const secret = randomBytes(32).toString('hex');
  const settings = { PARLEY_MODE: 'development', MEDIA_NODE_PORT: '0', RTC_BASE_PORT: '0', MEDIA_WORKERS: '1', LOG_LEVEL: 'info' };
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', 'media-node/index.ts'], {
    cwd: root,
    env: { ...process.env, ...settings, MEDIA_NODE_SECRET: secret, EDGE_URL: 'http://127.0.0.1:9' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let workerPid = 0;
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => {
      reject(new Error('the media node did not start'));
    });
    createInterface(child.stdout).on('line', (line) => {
      const { msg, pid, url: listening } = JSON.parse(line) as { msg: string; pid: number; url?: string };
      if (msg === 'SFU process started') workerPid = pid;
      if (msg === 'the media node is listening' && listening !== undefined) resolve(listening);
    });
  });
  const pool = new Pool(url, { connections: CONNECTIONS });
  return {
    child,
    workerPid,
    async call(method, path, content) {
      const body = content === undefined ? '' : JSON.stringify(content);
      const headers = { [SIGNATURE_HEADER]: sign(secret, { method, path, body }) };
      const answer = await pool.request({ method, path, headers, body: body === '' ? null : body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as unknown;
    },
    async stop() {
      await pool.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function room(number: number): string {
  return `/v1/rooms/bench%2Froom-${number}/1`;
}

const DTLS = {
  role: 'client',
  fingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }],
};

function vp8(ssrc: number) {
  return {
    codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000, rtcpFeedback: [{ type: 'nack', parameter: 'pli' }] }],
    encodings: [{ ssrc }],
  };
}

/** What happens on the control plane when somebody joins, publishes, watches, mutes and leaves: one call after another, again and again. */
async function* participant(node: Node, path: string, rtpCapabilities: unknown): AsyncGenerator<void, never> {
  for (let ssrc = 1; ; ssrc += 1) {
    const { id: transport } = (await node.call('POST', `${path}/transports`)) as { id: string };
    yield;
    await node.call('POST', `${path}/transports/${transport}/connect`, { dtlsParameters: DTLS });
    yield;
    const body = { transport, kind: 'video', rtpParameters: vp8(ssrc) };
    const { id: producer } = (await node.call('POST', `${path}/producers`, body)) as { id: string };
    yield;
    const { id: consumer } = (await node.call('POST', `${path}/consumers`, { transport, producer, rtpCapabilities })) as { id: string };
    yield;
    await node.call('POST', `${path}/consumers/${consumer}/pause`);
    yield;
    await node.call('POST', `${path}/producers/${producer}/pause`);
    yield;
    await node.call('POST', `${path}/renew`);
    yield;
    await node.call('GET', path);
    yield;
    await node.call('DELETE', `${path}/producers/${producer}`);
    yield;
    await node.call('DELETE', `${path}/transports/${transport}`);
    yield;
  }
}

/** A call with nobody to wait for: takes a participant that is idle and lets it make its next call. */
type NextCall = () => Promise<void>;

function crowd(node: Node): NextCall {
  const idle: AsyncGenerator<void, never>[] = [];
  const join = async (number: number) => {
    const path = room(number % ROOMS_OF_THE_LOAD);
    const { rtpCapabilities } = (await node.call('PUT', path)) as { rtpCapabilities: unknown };
    return participant(node, path, rtpCapabilities);
  };
  let participants = 0;
  return async () => {
    const next = idle.pop() ?? (await join((participants += 1)));
    await next.next();
    idle.push(next);
  };
}

/** User and system time of a process in milliseconds (proc(5), fields 14 and 15 of `stat`, in ticks of 10 ms). */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measure(node: Node, load: (report: (milliseconds: number) => void) => Promise<number>): Promise<Latencies> {
  const latencies: number[] = [];
  const cpuBefore = cpuTime(node.child.pid ?? 0);
  const start = performance.now();
  const failures = await load((milliseconds) => latencies.push(milliseconds));
  const elapsed = performance.now() - start;
  latencies.sort((a, b) => a - b);
  const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    callsPerSecond: (latencies.length / elapsed) * 1000,
    p50: percentile(0.5),
    p99: percentile(0.99),
    p999: percentile(0.999),
    failures,
    cpu: ((cpuTime(node.child.pid ?? 0) - cpuBefore) / elapsed) * 100,
  };
}

/** Calls at fixed times, whether or not earlier ones are answered. A call's latency counts from when it was due. */
function steadily(next: NextCall, callsPerSecond: number, seconds: number) {
  return async (report: (milliseconds: number) => void): Promise<number> => {
    const start = performance.now();
    const total = callsPerSecond * seconds;
    const calls: Promise<void>[] = [];
    let failures = 0;
    for (let sent = 0; sent < total;) {
      const due = start + (sent / callsPerSecond) * 1000;
      if (performance.now() < due) {
        await sleep(1);
        continue;
      }
      sent += 1;
      calls.push(
        next().then(
          () => {
            report(performance.now() - due);
          },
          () => {
            failures += 1;
          },
        ),
      );
    }
    await Promise.all(calls);
    return failures;
  };
}

/** As many calls as there are connections, all the time. */
function incessantly(next: NextCall, seconds: number) {
  return async (report: (milliseconds: number) => void): Promise<number> => {
    const end = performance.now() + seconds * 1000;
    let failures = 0;
    const caller = async () => {
      while (performance.now() < end) {
        const start = performance.now();
        await next().then(
          () => {
            report(performance.now() - start);
          },
          () => {
            failures += 1;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, caller));
    return failures;
  };
}

function residentKilobytes({ child, workerPid }: Node): number {
  const resident = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return resident(child.pid ?? 0) + resident(workerPid);
}

async function growthPer(node: Node, count: number, make: (number: number) => Promise<unknown>): Promise<number> {
  const before = residentKilobytes(node);
  for (let number = 0; number < count; number += 1) await make(number);
  await sleep(500);
  return (residentKilobytes(node) - before) / count;
}

async function memory(node: Node): Promise<Memory> {
  const perRoom = await growthPer(node, IDLE_ROOMS, (number) => node.call('PUT', room(1_000 + number)));
  const perTransport = await growthPer(node, IDLE_TRANSPORTS, (number) =>
    node.call('POST', `${room(1_000 + (number % IDLE_ROOMS))}/transports`),
  );
  return { perRoom, perTransport };
}

/** @returns what was measured, a row each. */
export async function run() {
  const node = await startNode();
  try {
    // What else runs on the machine decides more about the slowest calls than the node does.
    const [load = 0] = loadavg();
    const next = crowd(node);
    await incessantly(next, WARM_UP_SECONDS)(() => undefined);
    const steady = await measure(node, steadily(next, STEADY_CALLS_PER_SECOND, STEADY_SECONDS));
    const saturation = await measure(node, incessantly(next, SATURATION_SECONDS));
    const { perRoom, perTransport } = await memory(node);
    return [
      ...latencyRows(`at ${STEADY_CALLS_PER_SECOND} calls/s (target p99 < 5 ms)`, steady),
      ...latencyRows(`at saturation, ${CONNECTIONS} at once`, saturation),
      { what: 'memory of an idle room, node and SFU process', value: `${perRoom.toFixed(0)} KB` },
      { what: 'memory of an idle transport, node and SFU process', value: `${perTransport.toFixed(0)} KB` },
      { what: `load of the machine before, on ${availableParallelism()} cores`, value: load.toFixed(1) },
    ];
  } finally {
    await node.stop();
  }
}

function latencyRows(load: string, { callsPerSecond, p50, p99, p999, failures, cpu }: Latencies) {
  const percentiles = `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, p99.9 ${p999.toFixed(2)} ms`;
  return [
    { what: `latency ${load}`, value: percentiles },
    { what: `throughput ${load}`, value: `${callsPerSecond.toFixed(0)} calls/s, ${failures} failures, node ${cpu.toFixed(0)} % CPU` },
  ];
}
