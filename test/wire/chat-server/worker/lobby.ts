import { DurableConnections } from '../../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../../worker/wire/durable-object/socket-object.ts';
import type { Session } from '../../../../worker/wire/engine-io/session.ts';
import type { PipeSocket } from '../../../../worker/wire/pipe.ts';
import { relayRequest, relaySession } from '../../../../worker/wire/relay.ts';
import type { SocketApplication } from '../../../../worker/wire/socket-io/application.ts';
import { SocketServer } from '../../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './environment.ts';

/** Lets everybody in, and passes a client that says `join` on to the room it names. Runs in a stateless Worker and in an object. */
export class Gatekeeper implements SocketApplication {
  readonly server: SocketServer = new SocketServer(this);
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
      this.server.restored(session, saved);
    };
    relaySession(session, inner.then(openSocket), { released });
  }
}

export function openSocket(response: Response): PipeSocket {
  const { webSocket } = response;
  if (!webSocket) throw new Error(`the room answered ${response.status} instead of a WebSocket`);
  webSocket.accept();
  return webSocket;
}

/** The front door's part for polling clients. */
export class Lobby extends SocketObject<Environment> {
  protected readonly connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const { server } = new Gatekeeper(environment.CHATS);
    this.connections = new DurableConnections(ctx, server, { settings: settingsOf(environment), answersHeartbeats: false });
  }
}
