import { DurableConnections } from '../../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../../worker/wire/durable-object/socket-object.ts';
import type { SocketApplication } from '../../../../worker/wire/socket-io/application.ts';
import { SocketServer } from '../../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './environment.ts';

/** The least that a room on this layer can do, for the benchmark: each message goes to all. */
export class Hall extends SocketObject<Environment> implements SocketApplication {
  readonly #server = new SocketServer(this);
  protected readonly connections = new DurableConnections(this.ctx, this.#server, { settings: settingsOf(this.env) });

  connecting(): { accept: true } {
    return { accept: true };
  }

  connected(): void {
    // Nobody is greeted.
  }

  event(_socket: Socket, name: string, args: readonly unknown[]): void {
    if (name === 'say') this.#server.of('/').emit('said', args);
  }

  failed(error: unknown): void {
    throw error;
  }
}
