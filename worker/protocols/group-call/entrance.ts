import { acceptMessages, type Framing, RAW_FRAMING } from '../../wire/message-socket.ts';
import { sockJsFraming, sockJsResponse } from '../../wire/sockjs.ts';
import { Hono } from 'hono';
import type { DoorEnvironment, Entrance, Upgrade } from '../protocol.ts';
import { Visitor } from './lobby.ts';
import { isOurs } from './parse.ts';

/** Prefixes of SockJS, and paths of a plain WebSocket too. */
const SOCKJS_PREFIXES = ['/rtc', '/group-call'] as const;

/**
 * Entrance of the group-call protocol: SockJS at `/rtc`, a plain WebSocket at `/socket`, both at `/group-call`, and any WebSocket whose first message
 * is an object with an `id`.
 */
export const groupCallEntrance: Entrance = {
  name: 'group-call',
  lobby: {
    accept: (upgrade, door) => {
      const framing = framingOf(upgrade);
      return framing && acceptMessages(framing, (client) => new Visitor(client, upgrade, door));
    },
    byFirstMessage: { recognises: isOurs, attend: (client, upgrade, door) => new Visitor(client, upgrade, door) },
  },
  api: { paths: SOCKJS_PREFIXES, routes: sockJsRoutes() },
};

/** How the messages of an upgrade are framed; `undefined` when its path is not of this protocol. */
function framingOf({ url: { pathname } }: Upgrade): Framing | undefined {
  if (/^\/socket\/?$/u.test(pathname)) return RAW_FRAMING;
  const rest = restOf(pathname);
  return rest === undefined ? undefined : (sockJsFraming(rest) ?? RAW_FRAMING);
}

/** What follows a prefix, if the path has one. */
function restOf(pathname: string): string | undefined {
  const prefix = SOCKJS_PREFIXES.find((one) => pathname === one || pathname.startsWith(`${one}/`));
  return prefix === undefined ? undefined : pathname.slice(prefix.length);
}

function sockJsRoutes(): Hono<DoorEnvironment> {
  const routes = new Hono<DoorEnvironment>();
  routes.all('*', ({ req }) => sockJsResponse(req.raw, restOf(req.path) ?? ''));
  return routes;
}
