/**
 * Clients that open a connection before anybody knows what they want: who attends to a client is decided by its first event. One reception
 * serves any number of protocols on the same path, in a stateless Worker and in an object that holds sessions.
 */
import type { Session } from '../engine-io/session.ts';
import { Pipe, type PipeSocket } from '../pipe.ts';
import type { Ack, ConnectRequest, SocketApplication, Verdict } from './application.ts';
import { SocketServer, type SocketServerOptions } from './server.ts';
import type { DisconnectReason, Socket } from './socket.ts';

/** Attends to one client in one namespace. */
export interface SocketListener {
  event(name: string, args: readonly unknown[], ack: Ack | undefined): void | Promise<void>;
  /** The client is gone, left the namespace or was put out of it. Nothing is called afterwards. */
  closed?(reason: DisconnectReason): void;
}

export interface ReceptionDesk {
  /** Decides about a client that wants to enter a namespace. */
  admit(request: ConnectRequest): Verdict | Promise<Verdict>;
  /**
   * Decides by the first event, and by `socket.namespace.name`, who attends to a client. That event comes to the listener like all others;
   * without a listener it is dropped, and the next one counts as the first.
   *
   * A listener may keep state, but an object that holds sessions loses it when it sleeps, and then asks here again at the next event. What
   * must survive belongs into `socket.data`; while there is more than that, {@link Session.pin} the session.
   */
  attend(socket: Socket, name: string, args: readonly unknown[]): SocketListener | undefined;
  /** A client to which nobody attends in any namespace is closed after so many milliseconds. Default: never. */
  readonly patience?: number;
  /** A handler has failed. */
  failed(error: unknown): void;
}

/** The application that asks a {@link ReceptionDesk}. Its sockets' `handshake` is a {@link KeptRequest}. */
class Reception implements SocketApplication {
  readonly #desk: ReceptionDesk;
  readonly #listeners = new Map<Socket, SocketListener>();
  readonly #patience = new WeakMap<Session, ReturnType<typeof setTimeout>>();

  constructor(desk: ReceptionDesk) {
    this.#desk = desk;
  }

  handshake(request: Request): KeptRequest {
    return keepRequest(request);
  }

  connecting(request: ConnectRequest): Verdict | Promise<Verdict> {
    return this.#desk.admit(request);
  }

  /** The client speaks first. */
  connected({ session }: Socket): void {
    const { patience } = this.#desk;
    if (patience === undefined || this.#patience.has(session)) return;
    const timer = setTimeout(() => {
      session.close('forced close');
    }, patience);
    this.#patience.set(session, timer);
  }

  event(socket: Socket, name: string, args: readonly unknown[], ack: Ack | undefined): void | Promise<void> {
    const listener = this.#listeners.get(socket) ?? this.#desk.attend(socket, name, args);
    if (!listener) return;
    this.#listeners.set(socket, listener);
    this.#stopWaiting(socket.session);
    return listener.event(name, args, ack);
  }

  disconnected(socket: Socket, reason: DisconnectReason): void {
    const listener = this.#listeners.get(socket);
    this.#listeners.delete(socket);
    if (!socket.session.isOpen) this.#stopWaiting(socket.session);
    listener?.closed?.(reason);
  }

  #stopWaiting(session: Session): void {
    clearTimeout(this.#patience.get(session) ?? null);
  }

  failed(error: unknown): void {
    this.#desk.failed(error);
  }
}

/** A Socket.IO server whose clients are received at a desk. */
export function receptionServer(desk: ReceptionDesk, options: SocketServerOptions = {}): SocketServer {
  return new SocketServer(new Reception(desk), options);
}

/** What is kept of the request that opened a connection: what may tell who the client is. */
interface KeptRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEPT_HEADERS = ['authorization', 'cookie', 'origin'];

function keepRequest({ url, headers }: Request): KeptRequest {
  return { url, headers: Object.fromEntries(KEPT_HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : []))) };
}

/** The request that opened a connection at a reception: its URL, authorization, cookies and origin. */
export function requestOf({ handshake }: Socket | ConnectRequest): Request {
  const { url, headers } = handshake as KeptRequest;
  return new Request(url, { headers });
}

/**
 * Passes bare packets (`bare-packet.ts`) of a server behind this one on to a client; the listener sends its client's events into the pipe it
 * answers. Whatever ends the client must close the pipe too.
 *
 * @param ended the other server has closed the pipe, or cannot be reached.
 */
export function pipeEvents(socket: Socket, inner: PipeSocket | Promise<PipeSocket>, ended: (code: number, reason: string) => void): Pipe {
  const unpin = socket.session.pin();
  return new Pipe({
    inner,
    client: {
      send: (frame) => {
        if (typeof frame === 'string') socket.sendBare(frame);
      },
      close: ended,
    },
    closed: unpin,
  });
}
