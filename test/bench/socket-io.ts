/**
 * One room with 24 members: this layer in a Durable Object, a bare Durable Object that sends the same frames (also at the connection), and the
 * official server on Node, in turns and in the same run. Takes about two minutes.
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
/** Short and many, so that what else the machine does meets all contestants. */
const ROUNDS = 24;
const WARM_UP_MS = 1_000;
const ROUND_MS = 300;
const LATENCY_MS = 1_500;
const SET_UP_ROUNDS = 16;
/** Set up ten at a time, and left again. */
const SET_UPS = 250;
/** Memory is compared at these two numbers of connections, so that what a process needs once does not count. */
const IDLE_CONNECTIONS = [300, 1_300] as const;
/** Events that some member has not received yet, at most, and their bytes. */
const WINDOW = 32;
const WINDOW_BYTES = 262_144;
const SIZES = [200, 4_000];
const NANOSECONDS_PER_SECOND = 1e9;
const PAGE_KB = 4;
const OFFICIAL = '--official-server';

interface Contestant {
  readonly name: 'layer' | 'bare object' | 'official';
  readonly url: string;
  readonly pid: number;
}

interface Load {
  readonly cpuSeconds: number;
  readonly deliveries: number;
  readonly seconds: number;
}

type Row = Record<'what' | Contestant['name'], string>;

class Member {
  readonly socket: WebSocket;
  received = 0;
  isLeaving = false;
  onEvent: (frame: string) => void = () => undefined;

  constructor(url: string) {
    // The official server does not compress; the runtime does where it is offered that, and its buffers for it take 230 KB of each connection.
    this.socket = new WebSocket(url, { perMessageDeflate: false });
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

  static async enter({ url }: Contestant): Promise<Member> {
    const member = new Member(url);
    await once(member.socket, 'message');
    member.socket.send('40');
    await once(member.socket, 'message');
    return member;
  }

  stopReading(): void {
    this.isLeaving = true;
    this.socket.pause();
  }

  leave(): void {
    this.isLeaving = true;
    this.socket.terminate();
  }
}

/** Seconds of CPU time that a process has used. The kernel counts them in nanoseconds for each thread. */
function cpuSeconds(pid: number): number {
  const tasks = `/proc/${String(pid)}/task`;
  const used = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]));
  return used.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / NANOSECONDS_PER_SECOND;
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

async function throughput({ pid }: Contestant, members: readonly Member[], bytes: number, milliseconds: number): Promise<Load> {
  const before = { cpu: cpuSeconds(pid), received: total(members), time: performance.now() };
  const stop = sendContinuously(members, bytes);
  await sleep(milliseconds);
  stop();
  const seconds = (performance.now() - before.time) / 1000;
  // What is under way arrives, so that its cost counts for whom it belongs to.
  await sleep(50);
  const deliveries = total(members) - before.received;
  return { cpuSeconds: cpuSeconds(pid) - before.cpu, deliveries, seconds };
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
  for (let sent = 0; performance.now() - start < LATENCY_MS;) {
    const due = ((performance.now() - start) / 1000) * eventsPerSecond;
    for (; sent < due; sent++) sender.socket.send(`42["say","${performance.now().toFixed(3)} ${text}"]`);
    await sleep(1);
  }
  await sleep(300);
  return measured;
}

type Rooms = ReadonlyMap<Contestant, readonly Member[]>;

async function fillRooms(contestants: Contestants): Promise<Rooms> {
  const rooms = new Map<Contestant, readonly Member[]>();
  for (const contestant of contestants)
    rooms.set(contestant, await Promise.all(Array.from({ length: MEMBERS }, () => Member.enter(contestant))));
  return rooms;
}

interface SetUps {
  readonly perSecond: number;
  readonly cpuSeconds: number;
}

async function setUp(contestant: Contestant, count: number): Promise<Member[]> {
  const members: Member[] = [];
  while (members.length < count) members.push(...(await Promise.all(Array.from({ length: 10 }, () => Member.enter(contestant)))));
  return members;
}

async function setUps(contestant: Contestant): Promise<SetUps> {
  const before = { cpu: cpuSeconds(contestant.pid), time: performance.now() };
  const members = await setUp(contestant, SET_UPS);
  const perSecond = SET_UPS / ((performance.now() - before.time) / 1000);
  const used = (cpuSeconds(contestant.pid) - before.cpu) / SET_UPS;
  for (const member of members) member.leave();
  await sleep(300);
  return { perSecond, cpuSeconds: used };
}

/** KB of memory for each further idle connection, in a process that has served nobody else. */
async function memoryOf(contestant: Contestant): Promise<number> {
  const [few, many] = IDLE_CONNECTIONS;
  const members = await setUp(contestant, few);
  await sleep(1_000);
  const before = residentKilobytes(contestant.pid);
  members.push(...(await setUp(contestant, many - few)));
  await sleep(1_000);
  const kilobytes = (residentKilobytes(contestant.pid) - before) / (many - few);
  for (const member of members) member.leave();
  return kilobytes;
}

type Contestants = readonly Contestant[];

/** One cell per contestant. */
async function row(what: string, contestants: Contestants, cell: (contestant: Contestant) => Promise<string> | string): Promise<Row> {
  const cells: Row = { what, layer: '', 'bare object': '', official: '' };
  for (const contestant of contestants) cells[contestant.name] = await cell(contestant);
  return cells;
}

function sum(loads: readonly Load[], key: keyof Load): number {
  return loads.reduce((total, load) => total + load[key], 0);
}

async function compare(contestants: Contestants, bytes: number): Promise<Row[]> {
  const rooms = await fillRooms(contestants);
  const loads = new Map<string, Load[]>();
  for (const [contestant, members] of rooms) await throughput(contestant, members, bytes, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [contestant, members] of rooms)
      loads.set(contestant.name, [...(loads.get(contestant.name) ?? []), await throughput(contestant, members, bytes, ROUND_MS)]);
  }
  const cpu = ({ name }: Contestant): number => sum(loads.get(name) ?? [], 'cpuSeconds') / sum(loads.get(name) ?? [], 'deliveries');
  const rate = ({ name }: Contestant): number => sum(loads.get(name) ?? [], 'deliveries') / MEMBERS / sum(loads.get(name) ?? [], 'seconds');
  const [, bare] = contestants as readonly [Contestant, Contestant];
  const delays = new Map<Contestant, number[]>();
  for (const [contestant, members] of rooms) delays.set(contestant, await latencies(members, bytes, rate(contestant) / 2));
  const stuck = [...rooms.values()].flatMap((members) => members[1] ?? []);
  for (const member of stuck) member.stopReading();
  const delaysBesideStuck = new Map<Contestant, number[]>();
  for (const [contestant, members] of rooms) delaysBesideStuck.set(contestant, await latencies(members, bytes, rate(contestant) / 2));
  for (const member of [...rooms.values()].flat()) member.leave();
  const delay = (values: readonly number[] = []): string =>
    `${percentile(values, 0.5).toFixed(1)} / ${percentile(values, 0.99).toFixed(1)}`;
  const at = `${String(bytes)} bytes:`;
  return Promise.all([
    row(`${at} CPU per delivery, µs`, contestants, (contestant) => (cpu(contestant) * 1e6).toFixed(2)),
    row(`${at} ratio of these to the bare object`, contestants, (contestant) => (cpu(contestant) / cpu(bare)).toFixed(2)),
    row(`${at} events/s`, contestants, (contestant) => rate(contestant).toFixed(0)),
    row(`${at} delivered, MB/s`, contestants, (contestant) => ((rate(contestant) * MEMBERS * bytes) / 1e6).toFixed(1)),
    row(`${at} delay at half load, ms, p50 / p99`, contestants, (contestant) => delay(delays.get(contestant))),
    row(`${at} the same while one member does not read`, contestants, (contestant) => delay(delaysBesideStuck.get(contestant))),
  ]);
}

async function compareSetUps(contestants: Contestants): Promise<Row[]> {
  const results = new Map<string, SetUps[]>();
  for (let round = 0; round <= SET_UP_ROUNDS; round++) {
    // What comes first meets other conditions, so they take turns.
    for (const contestant of round % 2 === 0 ? contestants : [...contestants].reverse()) {
      const result = await setUps(contestant);
      // The first time warms up.
      if (round > 0) results.set(contestant.name, [...(results.get(contestant.name) ?? []), result]);
    }
  }
  const [, bare] = contestants as readonly [Contestant, Contestant];
  const medianOf = ({ name }: Contestant, key: keyof SetUps): number => median((results.get(name) ?? []).map((result) => result[key]));
  return Promise.all([
    row('connections set up per second', contestants, (contestant) => medianOf(contestant, 'perSecond').toFixed(0)),
    row('CPU per connection set up, ms', contestants, (contestant) => (medianOf(contestant, 'cpuSeconds') * 1_000).toFixed(3)),
    row('ratio of these to the bare object', contestants, (contestant) =>
      (medianOf(contestant, 'cpuSeconds') / medianOf(bare, 'cpuSeconds')).toFixed(2),
    ),
  ]);
}

async function compareMemory(): Promise<Row> {
  const kilobytes: Partial<Record<Contestant['name'], number>> = {};
  for (const index of [0, 1, 2]) {
    await withServers(async (contestants) => {
      const contestant = contestants[index];
      if (contestant) kilobytes[contestant.name] = await memoryOf(contestant);
    });
  }
  const cell = (name: Contestant['name']): string => (kilobytes[name] ?? NaN).toFixed(0);
  return {
    what: `memory per idle connection, KB (from ${IDLE_CONNECTIONS.join(' to ')})`,
    layer: cell('layer'),
    'bare object': cell('bare object'),
    official: cell('official'),
  };
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

async function withServers<T>(act: (contestants: Contestants) => Promise<T>): Promise<T> {
  const server = await startChatServer({});
  const official = startOfficialServer();
  try {
    const [port] = (await once(official, 'message')) as [number];
    const workerd = childNamed('workerd');
    const edge = server.url.replace('http', 'ws');
    const query = 'EIO=4&transport=websocket';
    return await act([
      { name: 'layer', url: `${edge}/hall/?${query}`, pid: workerd },
      { name: 'bare object', url: `${edge}/bare/`, pid: workerd },
      { name: 'official', url: `ws://127.0.0.1:${String(port)}/socket.io/?${query}`, pid: official.pid ?? 0 },
    ]);
  } finally {
    official.kill();
    await server.stop();
  }
}

export async function run(): Promise<Row[]> {
  const rows = await withServers(async (contestants) => {
    const compared: Row[] = [];
    for (const bytes of SIZES) compared.push(...(await compare(contestants, bytes)));
    return [...compared, ...(await compareSetUps(contestants))];
  });
  return [...rows, await compareMemory()];
}

if (process.argv[2] === OFFICIAL) runOfficialServer();
