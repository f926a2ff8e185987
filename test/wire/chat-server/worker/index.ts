import { objectIdOf } from '../../../../worker/wire/durable-object/affinity.ts';
import { pipeSocket, type PipeSocket } from '../../../../worker/wire/pipe.ts';
import { acceptStateless } from '../../../../worker/wire/stateless/accept.ts';
import { settingsOf, type Environment } from './environment.ts';
import { Reception } from './lobby.ts';

export { Bare } from './bare.ts';
export { Chat } from './chat.ts';
export { Lobby } from './lobby.ts';

/**
 * `/room/<name>/socket.io/` goes straight to a room; `/door/socket.io/` leaves the room to a message; `/raw` pipes a plain WebSocket to
 * the room that its first message names; `/bare/` is the benchmark's yardstick.
 */
export default {
  fetch(request, environment) {
    const url = new URL(request.url);
    const [, room] = /^\/room\/([^/]+)\//.exec(url.pathname) ?? [];
    if (room) return environment.CHATS.get(environment.CHATS.idFromName(room)).fetch(request);
    if (url.pathname.startsWith('/door/')) return door(request, url, environment);
    if (url.pathname === '/raw') return raw(environment);
    if (url.pathname === '/bare/') return environment.BARES.get(environment.BARES.idFromName('bare')).fetch(request);
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Environment>;

function door(request: Request, url: URL, environment: Environment): Promise<Response> | Response {
  const sid = url.searchParams.get('sid');
  const isNewSocket = sid === null && url.searchParams.get('transport') === 'websocket';
  if (isNewSocket) return acceptStateless(request, new Reception(environment.CHATS).server, settingsOf(environment));
  const objects = environment.LOBBIES;
  const id = sid === null ? objects.newUniqueId() : objects.idFromString(objectIdOf(sid) ?? '');
  return objects.get(id).fetch(request);
}

function raw({ CHATS }: Environment): Response {
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.accept();
  socket.addEventListener(
    'message',
    ({ data }) => {
      const query = '?EIO=4&transport=websocket';
      const inner = CHATS.get(CHATS.idFromName(String(data))).fetch(`http://chat/${query}`, { headers: { upgrade: 'websocket' } });
      pipeSocket(socket, { inner: inner.then(accepted) });
    },
    { once: true },
  );
  return new Response(null, { status: 101, webSocket: client });
}

function accepted({ webSocket }: Response): PipeSocket {
  if (!webSocket) throw new Error('the room refused the WebSocket');
  webSocket.accept();
  return webSocket;
}
