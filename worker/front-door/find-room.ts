import type { Env } from '../platform/env.ts';
import { entrances } from '../protocols/index.ts';
import type { Entrance, RoomClaim } from '../protocols/protocol.ts';
import { settingsOf } from '../platform/settings.ts';
import { permits } from './access.ts';
import { addressOf, doorOf } from './door.ts';
import { attendUnknown } from './first-message.ts';
import { upgradeOf } from './upgrade.ts';

/** Takes a WebSocket upgrade: into the room that its URL names, or into the lobby of a protocol whose clients name their room in a message. */
export async function takeUpgrade(request: Request, env: Env): Promise<Response> {
  const upgrade = upgradeOf(request);
  for (const entrance of entrances) {
    const claims = entrance.findRooms?.(upgrade);
    if (claims) return enterRoom(request, entrance, claims, env);
    const response = entrance.lobby?.accept?.(upgrade, doorOf(entrance.name, env));
    if (response) return response;
  }
  return attendUnknown(upgrade, env);
}

async function enterRoom(request: Request, entrance: Entrance, claims: readonly RoomClaim[], env: Env): Promise<Response> {
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

function addressed(request: Request, entrance: Entrance, claim: RoomClaim): Request {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(addressOf(claim, entrance.name, 'direct'))) headers.set(name, value);
  return new Request(request, { headers });
}
