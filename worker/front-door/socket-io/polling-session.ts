import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../../platform/env.ts';
import { createSid } from '../../wire/durable-object/affinity.ts';
import { TransientServer } from '../../wire/stateless/transient-server.ts';
import { upgradeOf } from '../upgrade.ts';
import { ENGINE_SETTINGS } from './engine.ts';
import { Reception } from './reception.ts';

/**
 * The Durable Object of one client that begins with polling, so that its requests find each other, and its WebSocket them. It stores nothing and
 * lives in memory while the client is connected; a client whose object is gone opens a new session.
 */
export class PollingSession extends DurableObject<Env> {
  #transient: TransientServer | undefined;

  override fetch(request: Request): Promise<Response> | Response {
    this.#transient ??= this.#open(request);
    const transient = this.#transient;
    const intent = transient.server.read(request);
    if (intent.kind !== 'upgrade' && intent.kind !== 'duplicate') return transient.server.respond(request, intent);
    return transient.accept((socket) => {
      if (intent.kind === 'upgrade') transient.server.startUpgrade(intent.session, socket);
      else socket.close(1000, 'the session has a WebSocket');
    });
  }

  #open(request: Request): TransientServer {
    const { server } = new Reception(upgradeOf(request), this.env);
    return new TransientServer(server, ENGINE_SETTINGS, () => createSid(this.ctx.id.toString()));
  }
}
