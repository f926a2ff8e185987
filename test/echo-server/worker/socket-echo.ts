import { DurableConnections } from '../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../worker/wire/durable-object/socket-object.ts';
import type { Ack, ConnectRequest, SocketApplication, Verdict } from '../../../worker/wire/socket-io/application.ts';
import { SocketServer } from '../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './settings.ts';

const NAMESPACES: ReadonlySet<string> = new Set(['/', '/custom']);
const MAX_CONNECT_TIMEOUT = 45_000;

/** Answers as the example at the end of the Socket.IO protocol document does, in the namespaces `/` and `/custom`. */
const echo: SocketApplication = {
  connecting({ namespace, auth }: ConnectRequest): Verdict {
    return NAMESPACES.has(namespace) ? { accept: true, data: auth } : { accept: false, message: 'Invalid namespace' };
  },

  connected(socket: Socket): void {
    if (!socket.recovered) socket.emit('auth', [socket.data]);
  },

  event(socket: Socket, name: string, args: readonly unknown[], ack: Ack | undefined): void {
    if (name === 'message') socket.emit('message-back', args);
    if (name === 'message-with-ack') ack?.(...args);
  },

  failed(error: unknown): void {
    // eslint-disable-next-line no-console -- whoever runs the echo server wants to see this
    console.error(error);
  },
};

export class SocketEcho extends SocketObject<Environment> {
  protected readonly connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const settings = settingsOf(environment);
    // One second with the heartbeat of the protocol documents, as there; more for judges that take more time.
    const connectTimeout = Math.min(2 * (settings.pingInterval + settings.pingTimeout), MAX_CONNECT_TIMEOUT);
    const server = new SocketServer(echo, { connectTimeout });
    this.connections = new DurableConnections(ctx, server, { settings });
  }
}
