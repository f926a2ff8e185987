import { errorResponse, BAD_REQUEST } from '../engine-io/errors.ts';
import type { EngineApplication } from '../engine-io/server.ts';
import type { EngineSettings } from '../engine-io/settings.ts';
import { TransientServer } from './transient-server.ts';

/**
 * Serves one Engine.IO WebSocket in a stateless Worker, which lives as long as the socket: for clients whose Durable Object is not known
 * yet. Polling cannot be served like this, because its requests would not find each other; give those to an object.
 */
export function acceptStateless(request: Request, application: EngineApplication, chosen: Partial<EngineSettings> = {}): Response {
  const transient = new TransientServer(application, chosen);
  const { server } = transient;
  const intent = server.read(request);
  if (intent.kind === 'refused') return errorResponse(intent.error);
  if (intent.kind !== 'open' || intent.transport !== 'websocket') return errorResponse(BAD_REQUEST);
  return transient.accept((socket) => server.openSocket(intent, socket, request));
}
