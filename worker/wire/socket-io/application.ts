import type { DisconnectReason, Socket } from './socket.ts';

export interface ConnectRequest {
  readonly namespace: string;
  /** What the client sent with its wish: the `auth` option of clients 3.x and 4.x, the namespace's query of clients 2.x. Unchecked. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** What {@link SocketApplication.handshake} kept of the request that opened the connection. */
  readonly handshake: unknown;
}

/** Whether a client may enter. `data` is the first value of the socket's data, or goes to the client with the refusal. */
export type Verdict =
  { readonly accept: true; readonly data?: unknown } | { readonly accept: false; readonly message: string; readonly data?: unknown };

/** Answers one event, once; further calls do nothing. Its `id` serves to answer later, by {@link Socket.acknowledge}. */
export interface Ack {
  (...args: readonly unknown[]): void;
  readonly id: number;
}

/**
 * What runs above Socket.IO. It holds no callbacks of clients, so it can be rebuilt at any moment: all it is told carries what it needs.
 *
 * A handler may answer a promise. What it throws or rejects goes to {@link failed} and ends nothing.
 */
export interface SocketApplication {
  /** Keeps what is needed later of the request that opens a connection; anything that structured clone can copy. */
  handshake?(request: Request): unknown;
  /** A client wants to enter a namespace. The answer to a namespace that does not exist is `{accept: false, message: 'Invalid namespace'}`. */
  connecting(request: ConnectRequest): Verdict | Promise<Verdict>;
  connected(socket: Socket): void | Promise<void>;
  event(socket: Socket, name: string, args: readonly unknown[], ack: Ack | undefined): void | Promise<void>;
  /** The answer to an event that expected one, with its context; `undefined` instead of arguments when the time is up. */
  acknowledged?(socket: Socket, context: unknown, args: readonly unknown[] | undefined): void | Promise<void>;
  disconnected?(socket: Socket, reason: DisconnectReason): void | Promise<void>;
  /** A handler has failed. */
  failed(error: unknown): void;
}
