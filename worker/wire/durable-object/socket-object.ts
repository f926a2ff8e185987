import { DurableObject } from 'cloudflare:workers';

import type { DurableConnections } from './connections.ts';

/** A Durable Object that does nothing but hold connections. */
export abstract class SocketObject<Environment = unknown> extends DurableObject<Environment> {
  protected abstract readonly connections: DurableConnections;

  override fetch(request: Request): Promise<Response> | Response {
    return this.connections.fetch(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.connections.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    this.connections.socketClosed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.connections.socketClosed(socket);
  }

  override alarm(): void | Promise<void> {
    this.connections.alarm();
  }
}
