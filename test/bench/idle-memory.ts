/** What an idle room and an idle participant cost in memory, at the edge and in the media node's SFU process. Takes about 20 seconds. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { startStack, type Stack } from '../harness/stack.ts';

export const title = 'Memory of idle rooms and participants, in KB each';

const ROOMS = 200;
const PARTICIPANTS = 200;
/** Longer than the runtime waits before it puts a quiet object to sleep. */
const UNTIL_ASLEEP = 15_000;

type Usage = Readonly<Record<'edge' | 'sfu', number>>;

async function post(stack: Stack, endpoint: string, roomName: string, userMail: string): Promise<void> {
  const body = JSON.stringify({ roomName, userMail });
  const response = await fetch(`${stack.edge.url}/api/media/rooms/${endpoint}`, { method: 'POST', body });
  const { status } = (await response.json()) as { status: string };
  if (status !== 'success') throw new Error(`${endpoint} failed`);
}

async function enter(stack: Stack, roomName: string, userMail: string): Promise<WebSocket> {
  await post(stack, 'createAttendee', roomName, userMail);
  const socket = new WebSocket(`${stack.edge.url.replace('http', 'ws')}/?roomName=${roomName}&userMail=${userMail}`, ['protoo']);
  await once(socket, 'open');
  return socket;
}

/** Resident memory in KB of the runtime of the edge (a child of this process) and of the SFU process. */
function usage(stack: Stack): Usage {
  const sfu = stack.mediaNode.workerPids().reduce((sum, pid) => sum + residentOf(pid), 0);
  return { edge: residentOf(childNamed('workerd')), sfu };
}

function childNamed(name: string): number {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/u.test(entry));
  const found = pids.find((pid) => {
    const [, comm, parent] = /^\d+ \((.*)\) \S (\d+)/u.exec(textOf(`/proc/${pid}/stat`)) ?? [];
    return comm === name && parent === String(process.pid);
  });
  if (found === undefined) throw new Error(`no child process is named ${name}`);
  return Number(found);
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/mu.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Empty for a process that has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function perUnit(what: string, before: Usage, after: Usage, units: number) {
  const each = (part: keyof Usage) => Math.round((after[part] - before[part]) / units);
  return { what, edge: each('edge'), 'SFU process': each('sfu') };
}

export async function run() {
  const stack = await startStack();
  const sockets: WebSocket[] = [];
  try {
    // The first room loads code that all others share.
    await post(stack, 'createRoom', 'warm-up', 'nobody');
    sockets.push(await enter(stack, 'warm-up', 'somebody'));
    const before = usage(stack);
    for (let room = 0; room < ROOMS; room += 1) await post(stack, 'createRoom', `room-${room}`, 'nobody');
    const awake = usage(stack);
    for (let participant = 0; participant < PARTICIPANTS; participant += 1) {
      sockets.push(await enter(stack, `room-${participant}`, 'somebody'));
    }
    const entered = usage(stack);
    await sleep(UNTIL_ASLEEP);
    return [
      perUnit('an idle room', before, awake, ROOMS),
      perUnit('the first participant of a room: router, two transports, socket', awake, entered, PARTICIPANTS),
      perUnit('a room and its participant, asleep', before, usage(stack), ROOMS),
    ];
  } finally {
    for (const socket of sockets) socket.terminate();
    await stack.stop();
  }
}
