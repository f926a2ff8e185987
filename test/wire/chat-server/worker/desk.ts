import { DurableObject } from 'cloudflare:workers';

import { DurableConnections } from '../../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../../worker/wire/durable-object/socket-object.ts';
import type { Pipe } from '../../../../worker/wire/pipe.ts';
import type { Ack } from '../../../../worker/wire/socket-io/application.ts';
import { bareAck, bareEvent, readBareEvent } from '../../../../worker/wire/socket-io/bare-packet.ts';
import {
  pipeEvents,
  receptionServer,
  requestOf,
  type ReceptionDesk,
  type SocketListener,
} from '../../../../worker/wire/socket-io/reception.ts';
import type { SocketServer } from '../../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './environment.ts';
import { openSocket } from './lobby.ts';

const NAMESPACES: ReadonlySet<string> = new Set(['/', '/custom']);

/** Two protocols on one path: `talk` is spoken by whoever says `join` or `where` first, `shout` by whoever says `shout` first. */
export function deskServer({ LEDGERS }: Environment): SocketServer {
  const desk: ReceptionDesk = {
    admit: ({ namespace }) => (NAMESPACES.has(namespace) ? { accept: true } : { accept: false, message: 'Invalid namespace' }),
    attend(socket, name) {
      if (name === 'join' || name === 'where') return new Guest(socket, LEDGERS);
      return name === 'shout'
        ? {
            event: (_name, args) => {
              socket.emit('heard', [String(args[0]).toUpperCase()]);
            },
          }
        : undefined;
    },
    failed() {
      // The tests look at what clients see.
    },
  };
  return receptionServer(desk);
}

/** A client that names its room in `join`, leaves it with `leave`, and may join another at once. */
class Guest implements SocketListener {
  readonly #socket: Socket;
  readonly #ledgers: DurableObjectNamespace;
  #pipe: Pipe | undefined;

  constructor(socket: Socket, ledgers: DurableObjectNamespace) {
    this.#socket = socket;
    this.#ledgers = ledgers;
  }

  event(name: string, args: readonly unknown[], ack: Ack | undefined): void {
    if (name === 'join') this.#join(String(args[0]));
    else if (name === 'leave') this.#leave('left');
    else if (this.#pipe) this.#pipe.send(bareEvent(name, args, ack?.id));
    else ack?.('lobby', new URL(requestOf(this.#socket).url).searchParams.get('from'));
  }

  closed(): void {
    this.#leave('vanished');
  }

  #join(room: string): void {
    this.#leave('moved');
    const inner = this.#ledgers.get(this.#ledgers.idFromName(room)).fetch(`http://ledger/${room}`, { headers: { upgrade: 'websocket' } });
    this.#pipe = pipeEvents(this.#socket, inner.then(openSocket), (code, reason) => {
      this.#pipe = undefined;
      this.#socket.emit('ended', [code, reason]);
    });
  }

  #leave(reason: string): void {
    this.#pipe?.close(1000, reason);
    this.#pipe = undefined;
  }
}

/** Holds the sessions of clients that begin with polling. */
export class DeskHolder extends SocketObject<Environment> {
  protected readonly connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    this.connections = new DurableConnections(ctx, deskServer(environment), { settings: settingsOf(environment) });
  }

  override fetch(request: Request): Promise<Response> | Response {
    if (new URL(request.url).pathname.endsWith('/abort')) this.ctx.abort('a test wants this object to start anew');
    return super.fetch(request);
  }
}

/** A room behind the door that has never heard of Socket.IO: it hibernates, and speaks bare packets. */
export class Ledger extends DurableObject {
  override fetch(request: Request): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    socket.serializeAttachment(new URL(request.url).pathname.slice(1));
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string): void {
    const event = readBareEvent(message);
    if (!event) return;
    const { name, args, ackId } = event;
    if (name === 'say') this.#tellAll(bareEvent('said', args));
    if (name === 'end') socket.close(4000, 'the room is over');
    if (ackId !== undefined) socket.send(bareAck(ackId, [socket.deserializeAttachment(), ...args]));
  }

  override webSocketClose(socket: WebSocket, _code: number, reason: string): void {
    socket.close();
    this.#tellAll(bareEvent('gone', [reason]));
  }

  #tellAll(packet: string): void {
    for (const socket of this.ctx.getWebSockets()) if (socket.readyState === WebSocket.OPEN) socket.send(packet);
  }
}
