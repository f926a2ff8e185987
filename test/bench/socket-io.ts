/**
 * One room with 24 members: this layer in a Durable Object, a bare Durable Object that sends the same frames, and the official server
 * on Node, in turns and in the same run. Run with `npx tsx test/bench/socket-io.ts`.
 *
 * The load generator shares the machine with the servers, so events per second of wall time say little; deliveries per second of the
 * server's own CPU time are what is compared.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';

import { startChatServer } from '../wire/helpers/chat-server.ts';

const MEMBERS = 24;
const ROUNDS = 3;
const ROUND_MS = 3_000;
const IDLE_CONNECTIONS = 400;
/** Events under way at once while the throughput is measured. */
const WINDOW = 32;
const SIZES = [200, 4_000];
const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_KB = 4;

interface Contestant {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The bare loop knows no handshake. */
  readonly hasHandshake: boolean;
}

interface Load {
  readonly deliveriesPerCpuSecond: number;
  readonly eventsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
}

class Member {
  readonly socket: WebSocket;
  received = 0;
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
  }

  static async enter({ url, hasHandshake }: Contestant): Promise<Member> {
    const member = new Member(url);
    await once(member.socket, hasHandshake ? 'message' : 'open');
    if (!hasHandshake) return member;
    member.socket.send('40');
    await once(member.socket, 'message');
    return member;
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

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

/** Keeps a window of events under way; answers what reached the members in a second of the server's CPU time. */
async function throughput(contestant: Contestant, members: readonly Member[], text: string): Promise<[number, number]> {
  const [sender] = members as [Member];
  const event = `42["say","${text}"]`;
  sender.onEvent = () => {
    sender.socket.send(event);
  };
  for (let count = 0; count < WINDOW; count++) sender.socket.send(event);
  await sleep(500);
  const before = { cpu: cpuSeconds(contestant.pid), received: total(members), events: sender.received };
  await sleep(ROUND_MS);
  const cpu = cpuSeconds(contestant.pid) - before.cpu;
  const result: [number, number] = [(total(members) - before.received) / cpu, (sender.received - before.events) / (ROUND_MS / 1000)];
  sender.onEvent = () => undefined;
  await sleep(500);
  return result;
}

function total(members: readonly Member[]): number {
  return members.reduce((sum, { received }) => sum + received, 0);
}

/** Milliseconds from sending an event to its arrival at the last member, at a given rate. */
async function latencies(members: readonly Member[], text: string, eventsPerSecond: number): Promise<number[]> {
  const [sender] = members as [Member];
  const measured: number[] = [];
  const [last] = members.slice(-1) as [Member];
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
  last.onEvent = () => undefined;
  return measured;
}

async function measure(contestant: Contestant, bytes: number): Promise<Load> {
  const members = await Promise.all(Array.from({ length: MEMBERS }, () => Member.enter(contestant)));
  const text = 'x'.repeat(bytes);
  const [deliveriesPerCpuSecond, eventsPerSecond] = await throughput(contestant, members, text);
  const delays = await latencies(members, text, eventsPerSecond / 2);
  for (const { socket } of members) socket.close();
  await sleep(300);
  return { deliveriesPerCpuSecond, eventsPerSecond, p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) };
}

/** Connections per second that are set up, ten at a time, and the memory that each of them costs while it is idle. */
async function idle(contestant: Contestant): Promise<{ setUpsPerSecond: number; kilobytes: number }> {
  const before = residentKilobytes(contestant.pid);
  const start = performance.now();
  const members: Member[] = [];
  while (members.length < IDLE_CONNECTIONS)
    members.push(...(await Promise.all(Array.from({ length: 10 }, () => Member.enter(contestant)))));
  const setUpsPerSecond = IDLE_CONNECTIONS / ((performance.now() - start) / 1000);
  await sleep(1_000);
  const kilobytes = (residentKilobytes(contestant.pid) - before) / IDLE_CONNECTIONS;
  for (const { socket } of members) socket.terminate();
  await sleep(500);
  return { setUpsPerSecond, kilobytes };
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function compare(contestants: readonly Contestant[], bytes: number): Promise<void> {
  const loads = new Map(contestants.map(({ name }) => [name, [] as Load[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of contestants) loads.get(contestant.name)?.push(await measure(contestant, bytes));
  }
  print(`\n${bytes} bytes per event, ${MEMBERS} members, median of ${ROUNDS} rounds`);
  for (const [name, results] of loads) {
    const of = (key: keyof Load): number => median(results.map((result) => result[key]));
    const megabytes = (of('eventsPerSecond') * MEMBERS * bytes) / 1e6;
    const speed = `${of('deliveriesPerCpuSecond').toFixed(0)} deliveries/CPU-s, ${of('eventsPerSecond').toFixed(0)} events/s, ${megabytes.toFixed(1)} MB/s`;
    print(`  ${name.padEnd(24)} ${speed}; at half load p50 ${of('p50').toFixed(2)} ms, p99 ${of('p99').toFixed(2)} ms`);
  }
}

async function main(): Promise<void> {
  const server = await startChatServer({});
  const official = fork(fileURLToPath(import.meta.url), ['official']);
  const [port] = (await once(official, 'message')) as [number];
  const workerd = childNamed('workerd');
  const room = server.url.replace('http', 'ws');
  const query = 'socket.io/?EIO=4&transport=websocket';
  const contestants: Contestant[] = [
    { name: 'layer', url: `${room}/room/bench/${query}`, pid: workerd, hasHandshake: true },
    { name: 'bare Durable Object', url: `${room}/bare/`, pid: workerd, hasHandshake: false },
    { name: 'official server on Node', url: `ws://127.0.0.1:${port}/${query}`, pid: official.pid ?? 0, hasHandshake: true },
  ];
  for (const bytes of SIZES) await compare(contestants, bytes);
  print(`\n${IDLE_CONNECTIONS} idle connections`);
  for (const contestant of contestants) {
    // The first time grows the heap; what a connection costs shows when it has grown.
    await idle(contestant);
    const { setUpsPerSecond, kilobytes } = await idle(contestant);
    print(`  ${contestant.name.padEnd(24)} ${setUpsPerSecond.toFixed(0)} set-ups/s, ${kilobytes.toFixed(0)} KB each`);
  }
  official.kill();
  await server.stop();
}

/** The official server, in a process of its own. */
function runOfficialServer(): void {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  io.on('connection', (socket) => {
    socket.on('say', (...args: unknown[]) => io.emit('said', ...args));
  });
  http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
}

if (process.argv[2] === 'official') runOfficialServer();
else await main();
