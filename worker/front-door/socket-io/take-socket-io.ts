import type { Env } from '../../platform/env.ts';
import { settingsOf } from '../../platform/settings.ts';
import { clientLibraryResponse } from '../../wire/client-library.ts';
import { serveAtDoor } from '../../wire/stateless/door.ts';
import { newDesk } from './desk.ts';
import { ENGINE_SETTINGS } from './engine.ts';

/** Answers a request to the Socket.IO path: the client library, or what clients that are attended to at the front door connect by. */
export function takeSocketIo(request: Request, env: Env): Promise<Response> | Response {
  const library = clientLibraryResponse(request, settingsOf(env).SOCKET_IO_CLIENT_VERSION);
  return library ?? serveAtDoor(request, { holders: env.POLLING_SESSIONS, application: () => newDesk(env), settings: ENGINE_SETTINGS });
}
