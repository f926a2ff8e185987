import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { DEFAULT_TENANT, ParticipantIdSchema, RoomIdSchema, roomIdOf } from '../../../shared/ids.ts';
import type { DoorEnvironment, Entrance, RoomClaim, Upgrade } from '../protocol.ts';
import { ACCESS_DENIED, failed } from './errors.ts';
import type { Endpoint } from './messages.ts';
import { parseJson, parseRequest } from './parse.ts';

/** Bodies are a few kilobytes; the public server takes 100 kB, and so a little more is taken here, in bytes. */
const MAX_BODY_BYTES = 128 * 1024;

const GET_ENDPOINTS: readonly Endpoint[] = ['exists', 'attendees', 'producers'];
const POST_ENDPOINTS: readonly Endpoint[] = [
  'createRoom',
  'createAttendee',
  'connectSender',
  'createProducer',
  'connectReceiver',
  'createConsumer',
  'leaveRoom',
];

/**
 * Entrance of the mediasoup-over-HTTP protocol: the HTTP API below `/api/media/rooms`, and WebSockets with the sub-protocol `protoo` or
 * with `roomName` and `userMail` in the query, on any path.
 */
export const mediasoupHttpEntrance: Entrance = {
  name: 'mediasoup-http',
  findRooms,
  api: { paths: ['/api/media/rooms', '/mediasoup/api/media/rooms'], routes: roomsApi() },
};

function findRooms({ url, subprotocols }: Upgrade): RoomClaim[] | undefined {
  const { searchParams, pathname } = url;
  const [, prefix, roomOfPath] = /^\/(mediasoup)(?:\/([^/]+))?\/?$/u.exec(pathname) ?? [];
  const isOurs = prefix !== undefined || subprotocols.includes('protoo') || (searchParams.has('roomName') && searchParams.has('userMail'));
  if (!isOurs) return undefined;
  const names = roomOfPath === undefined ? readings(searchParams.get('roomName')) : [decoded(roomOfPath)];
  const mails = readings(searchParams.get('userMail')).filter((mail) => ParticipantIdSchema.safeParse(mail).success);
  return names.flatMap((name): RoomClaim[] => {
    const { success, data: room } = RoomIdSchema.safeParse(roomIdOf(DEFAULT_TENANT, name));
    if (!success) return [];
    return mails.length === 0 ? [{ room }] : mails.map((participant) => ({ room, participant }));
  });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Clients do not percent-encode, so a `+` in the URL may be a space or a plus. Nothing to read is no reading. */
function readings(value: string | null): string[] {
  if (value === null || value === '') return [];
  return value.includes(' ') ? [value, value.replaceAll(' ', '+')] : [value];
}

function roomsApi(): Hono<DoorEnvironment> {
  const api = new Hono<DoorEnvironment>();
  api.use(cors({ origin: '*', allowMethods: ['GET', 'POST'], allowHeaders: ['content-type', 'authorization'], maxAge: 600 }));
  api.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (context) => answer(context, failed('Request body too large')) }));
  for (const endpoint of GET_ENDPOINTS) api.get(`/${endpoint}`, (context) => handle(context, endpoint, context.req.query()));
  for (const endpoint of POST_ENDPOINTS) api.post(`/${endpoint}`, async (context) => handle(context, endpoint, await bodyOf(context)));
  api.all('*', async (context) => {
    // A body that nobody reads costs the client its connection.
    await context.req.text();
    return answer(context, failed('No such endpoint'));
  });
  api.onError((_error, context) => answer(context, failed('Internal error, try again')));
  return api;
}

async function handle(context: Context<DoorEnvironment>, endpoint: Endpoint, parameters: unknown): Promise<Response> {
  const door = context.get('door');
  const parsed = parseRequest(endpoint, parameters);
  if (!parsed.ok) return answer(context, failed(parsed.text));
  const { room, request } = parsed;
  const claim = 'userMail' in request ? { room, participant: request.userMail } : { room };
  if (!(await door.permits(context.req.raw, claim))) return answer(context, failed(ACCESS_DENIED));
  return answer(context, await door.call(room, request));
}

/** JSON, whatever the content type says, or a form. */
async function bodyOf(context: Context): Promise<unknown> {
  const text = await context.req.text();
  const json = parseJson(text);
  if (json !== undefined) return json;
  return context.req.header('content-type')?.startsWith('application/x-www-form-urlencoded') === true
    ? Object.fromEntries(new URLSearchParams(text))
    : undefined;
}

/** The status is 200 for success and failure alike: clients look into the envelope only. */
function answer(context: Context, body: string): Response {
  return context.body(body, 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
}
