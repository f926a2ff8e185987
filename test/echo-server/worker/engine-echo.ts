import { DurableConnections } from '../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../worker/wire/durable-object/socket-object.ts';
import { settingsOf, type Environment } from './settings.ts';

/** Sends every message back, as the example at the end of the Engine.IO protocol documents does. */
export class EngineEcho extends SocketObject<Environment> {
  protected readonly connections: DurableConnections;

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const application = {
      opened: ignore,
      closed: ignore,
      received: (session: { send(data: string | ArrayBuffer): void }, data: string | ArrayBuffer) => {
        session.send(data);
      },
    };
    this.connections = new DurableConnections(ctx, application, { settings: settingsOf(environment) });
  }
}

function ignore(): void {
  // The echo keeps nothing about its clients.
}
