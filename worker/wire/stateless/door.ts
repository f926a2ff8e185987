import { objectIdOf } from '../durable-object/affinity.ts';
import { preflightResponse, withCors } from '../engine-io/cors.ts';
import { errorResponse, UNKNOWN_SID } from '../engine-io/errors.ts';
import { readIntent } from '../engine-io/handshake.ts';
import type { EngineApplication } from '../engine-io/server.ts';
import { engineSettings, type EngineSettings } from '../engine-io/settings.ts';
import { acceptStateless } from './accept.ts';

export interface DoorOptions {
  /** Objects that hold the sessions of clients that begin with polling, one object each; see `SocketObject`. */
  readonly holders: DurableObjectNamespace;
  /** Makes the application of one client that begins with a WebSocket: the same that runs in a holder. */
  readonly application: () => EngineApplication;
  /** The same as in a holder. */
  readonly settings?: Partial<EngineSettings>;
}

/**
 * Answers every request to an Engine.IO path in the stateless Worker, for clients whose Durable Object is not known when they connect: a
 * client that begins with a WebSocket is served here for as long as that is open; one that begins with polling is served by an object of
 * its own, which its session id names, also after its upgrade.
 */
export function serveAtDoor(request: Request, { holders, application, settings }: DoorOptions): Promise<Response> | Response {
  const complete = engineSettings(settings);
  if (request.method === 'OPTIONS') return preflightResponse(request, complete.cors);
  const sid = new URL(request.url).searchParams.get('sid');
  if (sid) {
    const holder = holderOf(sid, holders);
    return holder ? holders.get(holder).fetch(request) : withCors(errorResponse(UNKNOWN_SID), request, complete.cors);
  }
  const intent = readIntent(request, complete, () => undefined);
  // No object is woken for a request that will be refused.
  if (intent.kind === 'refused') return withCors(errorResponse(intent.error), request, complete.cors);
  const isSocket = intent.kind === 'open' && intent.transport === 'websocket';
  return isSocket ? acceptStateless(request, application(), settings) : holders.get(holders.newUniqueId()).fetch(request);
}

function holderOf(sid: string, holders: DurableObjectNamespace): DurableObjectId | undefined {
  try {
    return holders.idFromString(objectIdOf(sid) ?? '');
  } catch {
    return undefined;
  }
}
