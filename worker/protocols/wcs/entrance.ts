import { Hono } from 'hono';
import { acceptMessages, type MessageListener, type MessageSocket, RAW_FRAMING } from '../../wire/message-socket.ts';
import type { Door, DoorEnvironment, Entrance, Upgrade } from '../protocol.ts';
import { homeRoomOf, isOurPath } from './address.ts';
import { NO_ROOM } from './errors.ts';
import { Visitor } from './lobby.ts';
import { isOurs } from './parse.ts';

/** Where applications look for what a stream's final status calls `recordName`. */
const records = new Hono<DoorEnvironment>();
records.get('/:recordName', async ({ req, var: { door } }) =>
  door.sendRecording(req.raw, await door.tenantOf(req.raw), req.param('recordName')),
);

/** Entrance of the WCS protocol: a WebSocket at `/wcs` or `/wcs/<room>`, and any WebSocket whose first message is `{"message": …, "data": […]}`. */
export const wcsEntrance: Entrance = {
  name: 'wcs',
  api: { paths: ['/client/records'], routes: records },
  lobby: {
    accept: (upgrade, door) => {
      if (!isOurPath(upgrade.url.pathname)) return undefined;
      if (!homeRoomOf(upgrade.url)) return new Response(`${NO_ROOM.reason}\n`, { status: 400 });
      return acceptMessages(RAW_FRAMING, (client) => attend(client, upgrade, door));
    },
    byFirstMessage: { recognises: isOurs, attend },
  },
};

function attend(client: MessageSocket, upgrade: Upgrade, door: Door): MessageListener {
  const home = homeRoomOf(upgrade.url);
  if (home) return new Visitor(client, upgrade, home, door);
  client.close(NO_ROOM.code, NO_ROOM.reason);
  return { message: () => undefined, closed: () => undefined };
}
