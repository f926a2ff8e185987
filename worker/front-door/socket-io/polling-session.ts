import type { Env } from '../../platform/env.ts';
import { DurableConnections } from '../../wire/durable-object/connections.ts';
import { SocketObject } from '../../wire/durable-object/socket-object.ts';
import { newDesk } from './desk.ts';
import { ENGINE_SETTINGS } from './engine.ts';

/** The Durable Object of one client that begins with polling, so that its requests find each other, and its WebSocket them. */
export class PollingSession extends SocketObject<Env> {
  /** While somebody attends to the client, this object is awake anyway: it may as well hear the heartbeats itself. */
  protected readonly connections = new DurableConnections(this.ctx, newDesk(this.env), {
    settings: ENGINE_SETTINGS,
    answersHeartbeats: false,
  });

  /** Of a client that is gone nothing stays in the storage: no other will ever have this object. */
  override async alarm(): Promise<void> {
    await super.alarm();
    const [session] = this.connections.server.sessions;
    if (!session) await this.ctx.storage.deleteAll();
  }
}
