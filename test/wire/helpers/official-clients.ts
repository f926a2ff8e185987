import io2 from 'socket.io-client-2';
import { io as io3 } from 'socket.io-client-3';
import { io as io4 } from 'socket.io-client';

/** The part of the official clients' interface that is the same in all generations. */
export interface Client {
  readonly id?: string | undefined;
  readonly connected: boolean;
  readonly io: { readonly engine: { readonly transport: { readonly name: string }; close(): void } };
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  connect(): unknown;
  disconnect(): unknown;
}

interface ClientOptions {
  readonly transports?: readonly ('polling' | 'websocket')[];
  readonly forceNew?: boolean;
  readonly reconnection?: boolean;
  readonly reconnectionDelay?: number;
  readonly path?: string;
}

export interface Generation {
  readonly generation: '2.x' | '3.x' | '4.x';
  readonly connect: (url: string, options: ClientOptions) => Client;
}

export const GENERATIONS: readonly Generation[] = [
  { generation: '2.x', connect: (url, options) => io2(url, options) as Client },
  { generation: '3.x', connect: (url, options) => io3(url, options) as Client },
  { generation: '4.x', connect: (url, options) => io4(url, options as object) },
];

/** Waits for an event; fails when the client is disconnected or refused instead. */
export function once(client: Client, event: string): Promise<unknown[]> {
  return unlessLost(client, event, (resolve) => {
    client.once(event, resolve);
  });
}

/** Sends an event to the echo server and waits for the acknowledgement. */
export function ask(client: Client, ...args: unknown[]): Promise<unknown[]> {
  return unlessLost(client, 'message-with-ack', (resolve) => {
    client.emit('message-with-ack', ...args, resolve);
  });
}

function unlessLost(client: Client, event: string, start: (resolve: (...args: unknown[]) => void) => void): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown): void => {
      reject(new Error(`waiting for ${event}: ${String(reason)}`));
    };
    const failures = ['disconnect', 'connect_error', 'error'].filter((failure) => failure !== event);
    for (const failure of failures) client.once(failure, fail);
    start((...args) => {
      for (const failure of failures) client.off(failure, fail);
      resolve(args);
    });
  });
}
