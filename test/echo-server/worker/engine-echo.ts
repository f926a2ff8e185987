import { DurableObject } from 'cloudflare:workers';

import { DurableConnections } from '../../../worker/wire/durable-object/connections.ts';
import { settingsOf, type Environment } from './settings.ts';

/** Sends every message back, as the example at the end of the Engine.IO protocol documents does. */
export class EngineEcho extends DurableObject<Environment> {
  readonly #connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const application = {
      opened: ignore,
      closed: ignore,
      received: (session: { send(data: string | ArrayBuffer): void }, data: string | ArrayBuffer) => {
        session.send(data);
      },
    };
    this.#connections = new DurableConnections(ctx, application, { settings: settingsOf(environment) });
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

function ignore(): void {
  // The echo keeps nothing about its clients.
}
