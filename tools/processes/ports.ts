/** Finds out before a start whether ports are free, so that the person reads which one is not, and how to choose another. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Failure } from '../bootstrap.mjs';

const LOOPBACK = '127.0.0.1';

export interface NeededPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Who listens there, in words. */
  readonly user: string;
  /** The environment variable that chooses another one. */
  readonly variable: string;
}

async function listenOnce({ port, protocol }: NeededPort): Promise<void> {
  const socket = protocol === 'tcp' ? createServer().listen(port, LOOPBACK) : createSocket('udp4').bind(port, LOOPBACK);
  await once(socket, 'listening');
  socket.close();
  await once(socket, 'close');
}

/**
 * Makes sure that every port is free, on loopback.
 *
 * @throws Failure that names the first one that is not, and the variable that chooses another one.
 */
export async function checkPorts(ports: readonly NeededPort[]): Promise<void> {
  for (const needed of ports) await checkPort(needed);
}

async function checkPort(needed: NeededPort): Promise<void> {
  try {
    await listenOnce(needed);
  } catch (error) {
    throw new Failure(explainPortFailure(needed, (error as NodeJS.ErrnoException).code));
  }
}

/** @param code of the system's error, such as `EADDRINUSE`. */
export function explainPortFailure({ port, protocol, user, variable }: NeededPort, code = 'unknown error'): string {
  const reason = code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'may only be opened by root' : `cannot be opened (${code})`;
  return `Port ${port}/${protocol} for ${user} ${reason}: stop what uses it, or choose another with ${variable}=…, for example ${variable}=${suggestion(port)}.`;
}

function suggestion(port: number): number {
  return port < 1024 ? port + 8000 : port > 65_000 ? port - 1000 : port + 100;
}
