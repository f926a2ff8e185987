import { clientLibraryResponse } from '../../../worker/wire/client-library.ts';
import { objectIdOf } from '../../../worker/wire/durable-object/affinity.ts';
import { errorResponse, UNKNOWN_SID } from '../../../worker/wire/engine-io/errors.ts';
import { through } from '../../../worker/wire/stateless/through.ts';
import type { Environment } from './settings.ts';

export { EngineEcho } from './engine-echo.ts';
export { SocketEcho } from './socket-echo.ts';

/** New sessions are spread over this many objects, so that requests of one session must find their own. */
const OBJECTS = 4;

export default {
  fetch(request, environment) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.startsWith('/engine.io/')) return passOn(environment.ENGINES, request, searchParams.get('sid'));
    const library = clientLibraryResponse(request, pathname.startsWith('/version-2/') ? '2' : '4');
    if (library) return library;
    if (pathname.startsWith('/socket.io/')) return passOn(environment.SOCKETS, request, searchParams.get('sid'));
    return new Response('This server echoes: try /engine.io/ and /socket.io/.\n', { status: 404 });
  },
} satisfies ExportedHandler<Environment>;

async function passOn(objects: DurableObjectNamespace, request: Request, sid: string | null): Promise<Response> {
  const id = sid === null ? objects.idFromName(`echo-${String(Math.floor(Math.random() * OBJECTS))}`) : idOf(objects, sid);
  return id ? through(await objects.get(id).fetch(request)) : errorResponse(UNKNOWN_SID);
}

function idOf(objects: DurableObjectNamespace, sid: string): DurableObjectId | undefined {
  try {
    return objects.idFromString(objectIdOf(sid) ?? '');
  } catch {
    return undefined;
  }
}
