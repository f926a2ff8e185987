import { DurableObject } from 'cloudflare:workers';

import { DurableConnections } from '../../../../worker/wire/durable-object/connections.ts';
import type { Session } from '../../../../worker/wire/engine-io/session.ts';
import type { Pipe, PipeSocket } from '../../../../worker/wire/pipe.ts';
import { relayRequest, relaySession } from '../../../../worker/wire/relay.ts';
import type { SocketApplication } from '../../../../worker/wire/socket-io/application.ts';
import { SocketServer } from '../../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './environment.ts';

/** Lets everybody in, and passes a client that says `join` on to the room it names. Runs in a stateless Worker and in an object. */
export class Reception implements SocketApplication {
  readonly server: SocketServer = new Doorman(this);
  readonly pipes = new Map<Session, Pipe>();
  readonly #chats: DurableObjectNamespace;

  constructor(chats: DurableObjectNamespace) {
    this.#chats = chats;
  }

  connecting(): { accept: true } {
    return { accept: true };
  }

  connected(): void {
    // The client speaks first.
  }

  event(socket: Socket, name: string, args: readonly unknown[], ack: ((...args: unknown[]) => void) | undefined): void {
    if (name === 'join') this.#join(socket.session, String(args[0]));
    else ack?.('lobby', ...args);
  }

  failed(): void {
    // The tests look at what clients see.
  }

  #join(session: Session, room: string): void {
    const request = relayRequest('http://chat/adopt', session, this.server.save(session));
    const inner = this.#chats.get(this.#chats.idFromName(room)).fetch(request);
    const released = (saved: unknown): void => {
      this.pipes.delete(session);
      this.server.restored(session, saved);
    };
    this.pipes.set(session, relaySession(session, inner.then(openSocket), { released }));
  }
}

/** Ends the pipe of a client that is gone. */
class Doorman extends SocketServer {
  readonly #reception: Reception;

  constructor(reception: Reception) {
    super(reception);
    this.#reception = reception;
  }

  override closed(session: Session, reason: Parameters<SocketServer['closed']>[1]): void {
    this.#reception.pipes.get(session)?.close(1001, reason);
    this.#reception.pipes.delete(session);
    super.closed(session, reason);
  }
}

function openSocket(response: Response): PipeSocket {
  const { webSocket } = response;
  if (!webSocket) throw new Error(`the room answered ${response.status} instead of a WebSocket`);
  webSocket.accept();
  return webSocket;
}

/** The front door's part for polling clients. */
export class Lobby extends DurableObject<Environment> {
  readonly #connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const { server } = new Reception(environment.CHATS);
    this.#connections = new DurableConnections(ctx, server, { settings: settingsOf(environment), answersHeartbeats: false });
  }

  override fetch(request: Request): Promise<Response> | Response {
    return this.#connections.fetch(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#connections.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#connections.socketClosed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#connections.socketClosed(socket);
  }

  override alarm(): void {
    this.#connections.alarm();
  }
}
