import type { Env } from '../../platform/env.ts';
import { settingsOf } from '../../platform/settings.ts';
import { clientLibraryResponse } from '../../wire/client-library.ts';
import { objectIdOf } from '../../wire/durable-object/affinity.ts';
import { acceptStateless } from '../../wire/stateless/accept.ts';
import { TransientServer } from '../../wire/stateless/transient-server.ts';
import { upgradeOf } from '../upgrade.ts';
import { ENGINE_SETTINGS } from './engine.ts';
import { Reception } from './reception.ts';

/**
 * Answers a request to the Socket.IO path: the client library, a WebSocket (attended to here, as long as it lasts), or polling and what belongs to
 * it (in the object of that client).
 */
export function takeSocketIo(request: Request, env: Env): Promise<Response> | Response {
  const library = clientLibraryResponse(request, settingsOf(env).SOCKET_IO_CLIENT_VERSION);
  if (library) return library;
  const { searchParams } = new URL(request.url);
  const sid = searchParams.get('sid');
  if (sid !== null) return resume(request, sid, env);
  if (searchParams.get('transport') === 'websocket') {
    return acceptStateless(request, new Reception(upgradeOf(request), env).server, ENGINE_SETTINGS);
  }
  return env.POLLING_SESSIONS.get(env.POLLING_SESSIONS.newUniqueId()).fetch(request);
}

function resume(request: Request, sid: string, env: Env): Promise<Response> | Response {
  try {
    const id = env.POLLING_SESSIONS.idFromString(objectIdOf(sid) ?? '');
    return env.POLLING_SESSIONS.get(id).fetch(request);
  } catch {
    // The id was not given out here. A server without sessions has the right answer, in the words of the official server.
    return new TransientServer(new Reception(upgradeOf(request), env).server, ENGINE_SETTINGS).server.respond(request);
  }
}
