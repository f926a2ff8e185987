import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { z } from 'zod';
import { DEFAULT_TENANT } from '../../../shared/ids.ts';
import type { Api, DoorEnvironment } from '../protocol.ts';
import { type ManagementCall, readManagementResult } from './management.ts';
import { issueToken, parseWish, roomNameOf, roomOf, type Wish } from './token.ts';

type RestContext = Context<DoorEnvironment>;

/** Bodies are a few words, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/** More rooms are not listed. */
const MAX_ROOMS = 1000;

/** What the access tokens of those say who look after all rooms. */
const EVERY_ROOM = '*';

const DENIED = 'An access token for this is needed';
const NOT_DONE_HERE = 'This server does not do that';

/**
 * The REST calls of OWT's sample servers and of its management API. By the first applications get tokens for their users; the others look after a
 * room. In production all of them need an access token of this edge: one for the room to get into it, an administrator's for the rest.
 */
export const restApi: readonly Api[] = [
  { paths: ['/tokens', '/createToken', '/owt/tokens', '/owt/createToken'], routes: tokenRoutes() },
  { paths: ['/rooms', '/v1/rooms', '/owt/rooms', '/owt/v1/rooms'], routes: roomRoutes() },
];

function newRoutes(): Hono<DoorEnvironment> {
  const routes = new Hono<DoorEnvironment>();
  routes.use(
    cors({
      origin: '*',
      allowMethods: ['POST', 'GET', 'PUT', 'PATCH', 'OPTIONS', 'DELETE'],
      allowHeaders: ['origin', 'content-type', 'authorization'],
    }),
  );
  routes.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (context) => context.json({ error: 'The body is too large' }, 413) }));
  return routes;
}

function tokenRoutes(): Hono<DoorEnvironment> {
  const routes = newRoutes();
  // Samples call it with a slash at the end.
  routes.post('*', async (context) => giveToken(context, parseWish(await bodyOf(context))));
  return routes;
}

function roomRoutes(): Hono<DoorEnvironment> {
  const routes = newRoutes();
  routes.get('/', async (context) => listRooms(context));
  routes.post('/', async (context) => {
    const { data } = z.object({ name: z.string().min(1) }).safeParse(await bodyOf(context));
    return manage(context, data?.name, { type: 'room', name: data?.name ?? '' });
  });
  routes.post('/:room/tokens', async (context) => {
    const { data } = z.looseObject({}).safeParse(await bodyOf(context));
    return giveToken(context, parseWish({ ...data, room: context.req.param('room') }));
  });
  routes.get('/:room', (context) => manage(context, context.req.param('room'), { type: 'room', name: context.req.param('room') }));
  routes.get('/:room/participants', (context) => manage(context, context.req.param('room'), { type: 'participants' }));
  routes.get('/:room/participants/:id', (context) =>
    manage(context, context.req.param('room'), { type: 'participant', id: context.req.param('id') }),
  );
  routes.delete('/:room/participants/:id', (context) =>
    manage(context, context.req.param('room'), { type: 'expel', id: context.req.param('id') }),
  );
  routes.get('/:room/streams', (context) => manage(context, context.req.param('room'), { type: 'streams' }));
  routes.get('/:room/streams/:id', (context) =>
    manage(context, context.req.param('room'), { type: 'stream', id: context.req.param('id') }),
  );
  routes.delete('/:room/streams/:id', (context) =>
    manage(context, context.req.param('room'), { type: 'end-stream', id: context.req.param('id') }),
  );
  // Samples ask for every stream to be mixed and only log the answer.
  routes.patch('/:room/streams/:id', (context) => refuse(context, 404, 'There is no mixed stream'));
  routes.all('*', (context) => refuse(context, 501, NOT_DONE_HERE));
  return routes;
}

async function giveToken(context: RestContext, wish: Wish | undefined): Promise<Response> {
  if (!wish) return context.text('No such room, role or user', 401);
  const door = context.get('door');
  if (!(await door.permits(context.req.raw, { room: wish.room, participant: wish.user }))) return context.text(DENIED, 401);
  return context.text(await issueToken(wish, new URL(context.req.url), Date.now(), door));
}

async function manage(context: RestContext, name: string | undefined, call: ManagementCall): Promise<Response> {
  const room = name === undefined ? undefined : roomOf(name);
  if (room === undefined) return context.json({ error: 'That is no name for a room' }, 400);
  const door = context.get('door');
  if (!(await door.isAdministrator(context.req.raw, room))) return context.json({ error: DENIED }, 401);
  const { status, body } = readManagementResult(await door.call(room, call));
  return context.json(body, status);
}

/** Rooms are there as soon as somebody enters, and so those are listed in which somebody is. */
async function listRooms(context: RestContext): Promise<Response> {
  const door = context.get('door');
  if (!(await door.isAdministrator(context.req.raw, EVERY_ROOM))) return context.json({ error: DENIED }, 401);
  const rooms = await door.roomsInUse(DEFAULT_TENANT, MAX_ROOMS);
  return context.json(rooms.map(roomNameOf).map((name) => ({ _id: name, id: name, name })));
}

/** The body is read all the same: over a connection with half a request in it no other request can come. */
async function refuse(context: RestContext, status: 404 | 501, error: string): Promise<Response> {
  await bodyOf(context);
  return context.json({ error }, status);
}

/** @returns `undefined` for what is not JSON. */
async function bodyOf(context: RestContext): Promise<unknown> {
  return context.req.json().catch(() => undefined);
}
