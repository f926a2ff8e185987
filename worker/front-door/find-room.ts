import { type Env, PARTICIPANT_HEADER, PROTOCOL_HEADER, ROOM_HEADER } from '../platform/env.ts';
import { entrances } from '../protocols/index.ts';
import type { Entrance, RoomClaim, Upgrade } from '../protocols/protocol.ts';
import { settingsOf } from '../platform/settings.ts';
import { permits } from './access.ts';

/** Hands a WebSocket upgrade to the room that its URL names, in the protocol that recognises it. */
export async function enterRoom(request: Request, env: Env): Promise<Response> {
  const found = recognise(upgradeOf(request));
  if (!found) return new Response('No protocol recognises this WebSocket\n', { status: 404 });
  const { entrance, claims } = found;
  if (claims.length === 0) return new Response('The URL names no room\n', { status: 400 });

  let refusal: Response | undefined;
  for (const claim of claims) {
    if (!(await permits(settingsOf(env), request, claim))) continue;
    const response = await env.ROOMS.getByName(claim.room).fetch(addressed(request, entrance, claim));
    if (response.status === 101) return response;
    // A reading of the name that means no room says less than one that does.
    if (refusal === undefined || refusal.status === 404) refusal = response;
  }
  return refusal ?? new Response('Access denied: a valid access token for this room is needed\n', { status: 401 });
}

function upgradeOf(request: Request): Upgrade {
  const subprotocols = request.headers.get('sec-websocket-protocol')?.split(',') ?? [];
  return { url: new URL(request.url), subprotocols: subprotocols.map((name) => name.trim()) };
}

function recognise(upgrade: Upgrade): { entrance: Entrance; claims: RoomClaim[] } | undefined {
  for (const entrance of entrances) {
    const claims = entrance.findRooms(upgrade);
    if (claims) return { entrance, claims };
  }
  return undefined;
}

function addressed(request: Request, entrance: Entrance, claim: RoomClaim): Request {
  const headers = new Headers(request.headers);
  headers.set(ROOM_HEADER, encodeURIComponent(claim.room));
  headers.set(PARTICIPANT_HEADER, encodeURIComponent(claim.participant ?? ''));
  headers.set(PROTOCOL_HEADER, entrance.name);
  return new Request(request, { headers });
}
