/**
 * The KnowledgeTalk protocol in one room with 24 members: chat and drawing, beside the official Socket.IO server with a room of its own, in turns
 * and in the same run; and how long a newcomer waits for a board of 10,000 strokes. Takes about a minute.
 *
 * The load is closed: an event is sent when all members have received an earlier one. The official server only passes events on: it knows no
 * tenants, no order of events, and stores nothing. The load generator shares the machine with the servers.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';
import { startStack } from '../harness/stack.ts';

export const title = 'KnowledgeTalk: one room with 24 members, and a board of 10,000 strokes';

const MEMBERS = 24;
const ROUNDS = 3;
const WARM_UP_MS = 500;
const ROUND_MS = 2_000;
/** Events that some member has not received yet, at most. */
const WINDOW = 16;
const STROKES = 10_000;
const CLOCK_TICKS_PER_SECOND = 100;
const OFFICIAL = '--official-server';
const PREFIX = '42/SignalServer,';

const STROKE = {
  signalOp: 'Draw',
  status: 'move',
  type: 'whiteboard',
  axisX: 312.5,
  axisY: 127.25,
  boardWidth: 1280,
  boardHeight: 720,
  drawingInfo: { tool: 'pen', color: '#e53935', strokeWidth: 3 },
};
const EVENTS = { Chat: { signalOp: 'Chat', message: 'What a member says in a line of chat, more or less.' }, Draw: STROKE };
type EventName = keyof typeof EVENTS;

interface Contestant {
  readonly name: 'Parley' | 'official';
  readonly url: string;
  readonly pid: number;
}

class Member {
  readonly socket: WebSocket;
  received = 0;
  isLeaving = false;
  onEvent: () => void = () => undefined;
  readonly #answers: ((message: { readonly roomId?: string }) => void)[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(`${url.replace(/^http/u, 'ws')}/socket.io/?EIO=4&transport=websocket`);
    this.socket.on('message', (data: Buffer) => {
      this.#take(data.toString());
    });
    this.socket.on('close', (code) => {
      if (!this.isLeaving) throw new Error(`the server closed a member that reads: ${code}`);
    });
  }

  static async open(url: string): Promise<Member> {
    const member = new Member(url);
    await once(member.socket, 'message');
    member.socket.send('40/SignalServer,');
    await once(member.socket, 'message');
    return member;
  }

  say(message: object): void {
    this.socket.send(`${PREFIX}["knowledgetalk",${JSON.stringify({ ...message, cpCode: 'demo', authKey: '' })}]`);
  }

  ask(message: object): Promise<{ readonly roomId?: string }> {
    this.say(message);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  leave(): void {
    this.isLeaving = true;
    this.socket.terminate();
  }

  #take(frame: string): void {
    if (frame === '2') this.socket.send('3');
    if (frame.includes('"Draw"') || frame.includes('"Chat"')) {
      this.received += 1;
      this.onEvent();
    } else if (frame.includes('"code":"200"')) {
      const [, message] = JSON.parse(frame.slice(PREFIX.length)) as [string, { readonly roomId?: string }];
      this.#answers.shift()?.(message);
    }
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

/** The runtime of the edge that this process has started last. */
function runtimePid(): number {
  const children = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/u.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return stat.includes('(workerd)') && stat.split(') ')[1]?.split(' ')[1] === String(process.pid);
    } catch {
      return false;
    }
  });
  return Math.max(...children.map(Number));
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * share)] ?? NaN;
}

async function roomOf(url: string): Promise<Member[]> {
  const members = await Promise.all(Array.from({ length: MEMBERS }, () => Member.open(url)));
  const { roomId } = (await members[0]?.ask({ eventOp: 'CreateRoom' })) ?? {};
  for (const member of members) await member.ask({ eventOp: 'RoomJoin', roomId });
  await sleep(300);
  return members;
}

interface Load {
  readonly eventsPerSecond: number;
  /** Microseconds of the server's CPU time. */
  readonly cpuPerDelivery: number;
  /** Milliseconds from sending to the arrival at the last member. */
  readonly delays: readonly number[];
}

/** Keeps as many events under way as the window allows. */
async function load({ pid }: Contestant, [sender, ...others]: readonly Member[], event: EventName): Promise<Load> {
  if (!sender) throw new Error('a room without members');
  const before = others.map(({ received }) => received);
  const sentAt: number[] = [];
  const delays: number[] = [];
  let isOver = false;
  const fill = (): void => {
    const complete = Math.min(...others.map(({ received }, index) => received - (before[index] ?? 0)));
    while (delays.length < complete) delays.push(performance.now() - (sentAt[delays.length] ?? NaN));
    while (!isOver && sentAt.length - complete < WINDOW) {
      sentAt.push(performance.now());
      sender.say(EVENTS[event]);
    }
  };
  for (const member of others) member.onEvent = fill;
  fill();
  await sleep(WARM_UP_MS);
  const start = { cpu: cpuSeconds(pid), events: delays.length, time: performance.now() };
  await sleep(ROUND_MS);
  const events = delays.length - start.events;
  const result = {
    eventsPerSecond: events / ((performance.now() - start.time) / 1_000),
    cpuPerDelivery: ((cpuSeconds(pid) - start.cpu) / events / others.length) * 1e6,
    delays: delays.slice(start.events),
  };
  isOver = true;
  await sleep(500);
  return result;
}

async function compare(contestants: readonly Contestant[], event: EventName): Promise<Record<string, string>[]> {
  const loads = new Map<string, Load[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contestant of contestants) {
      const members = await roomOf(contestant.url);
      loads.get(contestant.name)?.push(await load(contestant, members, event));
      for (const member of members) member.leave();
      await sleep(300);
    }
  }
  const row = (what: string, cell: (of: readonly Load[]) => string) => ({
    what: `${event}: ${what}`,
    ...Object.fromEntries(contestants.map(({ name }) => [name, cell(loads.get(name) ?? [])])),
  });
  const delaysOf = (of: readonly Load[]) => of.flatMap(({ delays }) => delays);
  const spread = (values: readonly number[]) =>
    `${percentile(values, 0.5).toFixed(0)} (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`;
  return [
    row('events per second to 23 members', (of) => spread(of.map(({ eventsPerSecond }) => eventsPerSecond))),
    row('µs of CPU per delivery', (of) => spread(of.map(({ cpuPerDelivery }) => cpuPerDelivery))),
    row(
      'ms to the last member, median and 95 %',
      (of) => `${percentile(delaysOf(of), 0.5).toFixed(1)}, ${percentile(delaysOf(of), 0.95).toFixed(1)}`,
    ),
  ];
}

interface Replay {
  /** From the newcomer's RoomJoin to the last stroke. */
  readonly milliseconds: number;
  /** Of the server's CPU time meanwhile. */
  readonly cpuMilliseconds: number;
}

async function replays({ url, pid }: Contestant): Promise<Replay[]> {
  const artist = await Member.open(url);
  const { roomId } = await artist.ask({ eventOp: 'CreateRoom' });
  await artist.ask({ eventOp: 'RoomJoin', roomId });
  await artist.ask({ eventOp: 'WhiteBoardStart' });
  for (let drawn = 0; drawn < STROKES; drawn += 500) {
    for (let stroke = 0; stroke < 500; stroke += 1) artist.say(STROKE);
    // An answer of the room: it has stored them all.
    await artist.ask({ eventOp: 'StartCall' });
  }
  const times: Replay[] = [];
  for (let round = 0; round < 5; round += 1) {
    const newcomer = await Member.open(url);
    const [start, cpu] = [performance.now(), cpuSeconds(pid)];
    const complete = new Promise<void>((resolve) => {
      newcomer.onEvent = () => {
        if (newcomer.received === STROKES) resolve();
      };
    });
    await newcomer.ask({ eventOp: 'RoomJoin', roomId });
    await complete;
    times.push({ milliseconds: performance.now() - start, cpuMilliseconds: (cpuSeconds(pid) - cpu) * 1_000 });
    newcomer.leave();
    await sleep(300);
  }
  artist.leave();
  return times;
}

export async function run(): Promise<Record<string, string>[]> {
  const stack = await startStack();
  const official = fork(fileURLToPath(import.meta.url), [OFFICIAL], { execArgv: ['--import', 'tsx'] });
  try {
    const [port] = (await once(official, 'message')) as [number];
    const parley: Contestant = { name: 'Parley', url: stack.edge.url, pid: runtimePid() };
    const contestants = [parley, { name: 'official', url: `http://127.0.0.1:${port}`, pid: official.pid ?? 0 } as const];
    const rows = [...(await compare(contestants, 'Chat')), ...(await compare(contestants, 'Draw'))];
    const times = await replays(parley);
    const list = (key: keyof Replay) => times.map((time) => time[key].toFixed(0)).join(', ');
    return [
      ...rows,
      { what: `ms until a newcomer has ${STROKES} strokes, five times`, Parley: list('milliseconds'), official: 'keeps none' },
      { what: 'ms of CPU of the server for that', Parley: list('cpuMilliseconds'), official: '' },
    ];
  } finally {
    official.kill();
    await stack.stop();
  }
}

/** The least that a server of this protocol can do: whoever joins is in one room, and what is said there goes to the others. */
function serveOfficially(): void {
  const http = createServer();
  const server = new Server(http);
  server.of('/SignalServer').on('connection', (socket) => {
    socket.on('knowledgetalk', ({ cpCode, authKey, ...message }: Record<string, string>) => {
      const { eventOp, roomId = '00000001' } = message;
      if (eventOp === 'RoomJoin') void socket.join(roomId);
      if (eventOp !== undefined)
        socket.emit('knowledgetalk', { eventOp, code: cpCode === undefined || authKey === undefined ? '421' : '200', roomId });
      else
        for (const room of socket.rooms)
          if (room !== socket.id) socket.to(room).emit('knowledgetalk', { ...message, userId: 'u1000001', roomId: room });
    });
  });
  http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
}

if (process.argv.includes(OFFICIAL)) serveOfficially();
