import { pipeSocket, type PipeSocket } from '../../../../worker/wire/pipe.ts';
import { serveAtDoor } from '../../../../worker/wire/stateless/door.ts';
import { settingsOf, type Environment } from './environment.ts';
import { deskServer } from './desk.ts';
import { Gatekeeper } from './lobby.ts';

export { Bare } from './bare.ts';
export { Chat } from './chat.ts';
export { DeskHolder, Ledger } from './desk.ts';
export { Hall } from './hall.ts';
export { Lobby } from './lobby.ts';

/**
 * `/room/<name>/socket.io/` goes straight to a room; `/door/socket.io/` leaves the room to a message and passes the whole session on;
 * `/desk/socket.io/` leaves it to a message too and passes events on; `/raw` pipes a plain WebSocket to the room that its first message names; `/hall/` and `/bare/` are for
 * the benchmark.
 */
export default {
  fetch(request, environment) {
    const url = new URL(request.url);
    const [, room] = /^\/room\/([^/]+)\//.exec(url.pathname) ?? [];
    if (room) return environment.CHATS.get(environment.CHATS.idFromName(room)).fetch(request);
    const settings = settingsOf(environment);
    if (url.pathname.startsWith('/door/'))
      return serveAtDoor(request, { holders: environment.LOBBIES, application: () => new Gatekeeper(environment.CHATS).server, settings });
    if (url.pathname.startsWith('/desk/'))
      return serveAtDoor(request, { holders: environment.DESKS, application: () => deskServer(environment), settings });
    if (url.pathname === '/raw') return raw(environment);
    if (url.pathname === '/bare/') return environment.BARES.get(environment.BARES.idFromName('bare')).fetch(request);
    if (url.pathname === '/hall/') return environment.HALLS.get(environment.HALLS.idFromName('hall')).fetch(request);
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Environment>;

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
