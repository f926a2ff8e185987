/**
 * One room with 24 members: this layer in a Durable Object, a bare Durable Object that sends the same frames, and the official server
 * on Node, in turns and in the same run. Takes about a minute.
 *
 * The load is closed: an event is sent when all members have received an earlier one, so that a bounded number of bytes is under way to
 * each of them. The load generator shares the machine with the servers, so events per second of wall time say little; the server's own
 * CPU time per delivery is what is compared, within each round.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';

import { startChatServer } from '../wire/helpers/chat-server.ts';

export const title = 'Socket.IO: one room with 24 members, and idle connections';

const MEMBERS = 24;
const ROUNDS = 3;
const WARM_UP_MS = 300;
const ROUND_MS = 1_200;
const IDLE_CONNECTIONS = 400;
/** Events that some member has not received yet, at most, and their bytes. */
const WINDOW = 32;
const WINDOW_BYTES = 262_144;
const SIZES = [200, 4_000];
const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_KB = 4;
const OFFICIAL = '--official-server';

interface Contestant {
  readonly name: 'layer' | 'bare object' | 'official';
  readonly url: string;
  readonly pid: number;
  /** The bare loop knows no handshake. */
  readonly hasHandshake: boolean;
}

interface Load {
  readonly cpuPerDelivery: number;
  readonly eventsPerSecond: number;
}

type Row = Record<'what' | Contestant['name'], string>;

class Member {
  readonly socket: WebSocket;
  received = 0;
  isLeaving = false;
  onEvent: (frame: string) => void = () => undefined;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data: Buffer) => {
      const frame = data.toString('latin1');
      if (frame === '2') this.socket.send('3');
      if (!frame.startsWith('42["said"')) return;
      this.received++;
      this.onEvent(frame);
    });
    this.socket.on('close', (code, reason) => {
      if (!this.isLeaving) throw new Error(`the server closed a member that reads: ${String(code)} ${reason.toString()}`);
    });
  }

  static async enter({ url, hasHandshake }: Contestant): Promise<Member> {
    const member = new Member(url);
    await once(member.socket, hasHandshake ? 'message' : 'open');
    if (!hasHandshake) return member;
    member.socket.send('40');
    await once(member.socket, 'message');
    return member;
  }

  leave(): void {
    this.isLeaving = true;
    this.socket.terminate();
  }
}

/** Seconds of CPU time that a process has used. */
function cpuSeconds(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function residentKilobytes(pid: number): number {
  return Number(readFileSync(`/proc/${String(pid)}/statm`, 'utf8').split(' ')[1]) * PAGE_KB;
}

function childNamed(name: string): number {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  const isChild = (pid: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.includes(`(${name})`) && stat.split(') ')[1]?.split(' ')[1] === String(process.pid);
    } catch {
      return false;
    }
  };
  return Number(pids.find(isChild));
}

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function total(members: readonly Member[]): number {
  return members.reduce((sum, { received }) => sum + received, 0);
}

/** Keeps as many events under way as the window allows, until the answered function is called. */
function sendContinuously(members: readonly Member[], bytes: number): () => void {
  const [{ socket }] = members as [Member];
  const event = `42["say","${'x'.repeat(bytes)}"]`;
  const window = Math.min(WINDOW, Math.floor(WINDOW_BYTES / bytes));
  const before = members.map(({ received }) => received);
  let sent = 0;
  const fill = (): void => {
    const slowest = Math.min(...members.map(({ received }, index) => received - (before[index] ?? 0)));
    for (; sent - slowest < window; sent++) socket.send(event);
  };
  for (const member of members) member.onEvent = fill;
  fill();
  return () => {
    for (const member of members) member.onEvent = () => undefined;
  };
}

async function throughput({ pid }: Contestant, members: readonly Member[], bytes: number): Promise<Load> {
  const stop = sendContinuously(members, bytes);
  await sleep(WARM_UP_MS);
  const before = { cpu: cpuSeconds(pid), received: total(members), time: performance.now() };
  await sleep(ROUND_MS);
  const deliveries = total(members) - before.received;
  const cpuPerDelivery = (cpuSeconds(pid) - before.cpu) / deliveries;
  const seconds = (performance.now() - before.time) / 1000;
  stop();
  await sleep(100);
  return { cpuPerDelivery, eventsPerSecond: deliveries / MEMBERS / seconds };
}

/** Milliseconds from sending an event to its arrival at the last member, at a given rate. */
async function latencies(members: readonly Member[], bytes: number, eventsPerSecond: number): Promise<number[]> {
  const [sender, last] = [members[0], members.at(-1)] as [Member, Member];
  const text = 'x'.repeat(bytes);
  const measured: number[] = [];
  last.onEvent = (frame) => {
    measured.push(performance.now() - Number(frame.slice('42["said","'.length).split(' ', 1)[0]));
  };
  const start = performance.now();
  for (let sent = 0; performance.now() - start < ROUND_MS;) {
    const due = ((performance.now() - start) / 1000) * eventsPerSecond;
    for (; sent < due; sent++) sender.socket.send(`42["say","${performance.now().toFixed(3)} ${text}"]`);
    await sleep(1);
  }
  await sleep(300);
  return measured;
}

async function inRoom<T>(contestant: Contestant, act: (members: readonly Member[]) => Promise<T>): Promise<T> {
  const members = await Promise.all(Array.from({ length: MEMBERS }, () => Member.enter(contestant)));
  const result = await act(members);
  for (const member of members) member.leave();
  await sleep(100);
  return result;
}

/** Connections per second that are set up, ten at a time, and the memory in KB that each of them costs while it is idle. */
async function idle(contestant: Contestant): Promise<{ setUpsPerSecond: number; kilobytes: number }> {
  const before = residentKilobytes(contestant.pid);
  const start = performance.now();
  const members: Member[] = [];
  while (members.length < IDLE_CONNECTIONS)
    members.push(...(await Promise.all(Array.from({ length: 10 }, () => Member.enter(contestant)))));
  const setUpsPerSecond = IDLE_CONNECTIONS / ((performance.now() - start) / 1000);
  await sleep(1_000);
  const kilobytes = (residentKilobytes(contestant.pid) - before) / IDLE_CONNECTIONS;
  for (const member of members) member.leave();
  await sleep(500);
  return { setUpsPerSecond, kilobytes };
}

type Contestants = readonly Contestant[];

/** One cell per contestant. */
async function row(what: string, contestants: Contestants, cell: (contestant: Contestant) => Promise<string> | string): Promise<Row> {
  const cells: Row = { what, layer: '', 'bare object': '', official: '' };
  for (const contestant of contestants) cells[contestant.name] = await cell(contestant);
  return cells;
}

function medianWithSpread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
}

async function compare(contestants: Contestants, bytes: number): Promise<Row[]> {
  const loads: Record<string, Load[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of contestants) {
      const load = await inRoom(contestant, (members) => throughput(contestant, members, bytes));
      (loads[contestant.name] ??= []).push(load);
    }
  }
  const of = (name: string, key: keyof Load): number[] => (loads[name] ?? []).map((load) => load[key]);
  const bare = of('bare object', 'cpuPerDelivery');
  const ratios = (name: string): number[] => of(name, 'cpuPerDelivery').map((cpu, round) => cpu / (bare[round] ?? NaN));
  const delays = new Map<string, number[]>();
  for (const contestant of contestants) {
    const rate = median(of(contestant.name, 'eventsPerSecond')) / 2;
    delays.set(contestant.name, await inRoom(contestant, (members) => latencies(members, bytes, rate)));
  }
  const delay = (name: string, share: number): string => percentile(delays.get(name) ?? [], share).toFixed(1);
  const at = `${String(bytes)} bytes:`;
  return Promise.all([
    row(`${at} CPU per delivery, µs`, contestants, ({ name }) => (median(of(name, 'cpuPerDelivery')) * 1e6).toFixed(2)),
    row(`${at} ratio of these to the bare object, median of ${String(ROUNDS)} (spread)`, contestants, ({ name }) =>
      medianWithSpread(ratios(name)),
    ),
    row(`${at} events/s`, contestants, ({ name }) => median(of(name, 'eventsPerSecond')).toFixed(0)),
    row(`${at} delivered, MB/s`, contestants, ({ name }) => ((median(of(name, 'eventsPerSecond')) * MEMBERS * bytes) / 1e6).toFixed(1)),
    row(`${at} delay at half load, ms, p50 / p99`, contestants, ({ name }) => `${delay(name, 0.5)} / ${delay(name, 0.99)}`),
  ]);
}

async function compareIdle(contestants: Contestants): Promise<Row[]> {
  const results = new Map<string, Awaited<ReturnType<typeof idle>>>();
  for (const contestant of contestants) {
    // The first time grows the heap; what a connection costs shows when it has grown.
    await idle(contestant);
    results.set(contestant.name, await idle(contestant));
  }
  const cell = (key: 'setUpsPerSecond' | 'kilobytes') => (contestant: Contestant) =>
    (results.get(contestant.name)?.[key] ?? NaN).toFixed(0);
  return Promise.all([
    row('connections set up per second', contestants, cell('setUpsPerSecond')),
    row(`memory per idle connection, KB (${String(IDLE_CONNECTIONS)} of them)`, contestants, cell('kilobytes')),
  ]);
}

function startOfficialServer(): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [OFFICIAL], { execArgv: ['--import', 'tsx'] });
}

/** The official server, in a process of its own. */
function runOfficialServer(): void {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  io.on('connection', (socket) => {
    socket.on('say', (...args: unknown[]) => io.emit('said', ...args));
  });
  process.once('disconnect', () => process.exit());
  http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
}

export async function run(): Promise<Row[]> {
  const server = await startChatServer({});
  const official = startOfficialServer();
  try {
    const [port] = (await once(official, 'message')) as [number];
    const workerd = childNamed('workerd');
    const room = server.url.replace('http', 'ws');
    const query = 'socket.io/?EIO=4&transport=websocket';
    const contestants: Contestants = [
      { name: 'layer', url: `${room}/room/bench/${query}`, pid: workerd, hasHandshake: true },
      { name: 'bare object', url: `${room}/bare/`, pid: workerd, hasHandshake: false },
      { name: 'official', url: `ws://127.0.0.1:${String(port)}/${query}`, pid: official.pid ?? 0, hasHandshake: true },
    ];
    const rows: Row[] = [];
    for (const bytes of SIZES) rows.push(...(await compare(contestants, bytes)));
    return [...rows, ...(await compareIdle(contestants))];
  } finally {
    official.kill();
    await server.stop();
  }
}

if (process.argv[2] === OFFICIAL) runOfficialServer();
