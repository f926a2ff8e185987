import { jwtVerify } from 'jose';
import { z } from 'zod';
import type { RoomClaim } from '../protocols/protocol.ts';
import type { Settings } from '../platform/settings.ts';

/** Claims of an access token beside the registered ones of RFC 7519. `sub`, where given, is the only identity the bearer may use. */
const ClaimsSchema = z.object({
  /** The room's full name, `tenant/room`, or `*` for every room. */
  room: z.string(),
  sub: z.string().optional(),
});

const COOKIE_PATTERN = /(?:^|;\s*)parley_access=([^;]+)/u;

/**
 * Whether a request may enter a room: always in development mode; in production with an access token that is meant for this room.
 *
 * Clients that know no tokens can still carry one where their URL or their browser does it for them, so it is looked for in the
 * `Authorization` header, the query (`token`) and a cookie (`parley_access`), in this order.
 */
export async function permits(settings: Settings, request: Request, claim: RoomClaim): Promise<boolean> {
  if (settings.PARLEY_MODE === 'development') return true;
  const token = tokenOf(request);
  if (token === undefined || settings.ACCESS_TOKEN_SECRET === undefined) return false;
  const secret = new TextEncoder().encode(settings.ACCESS_TOKEN_SECRET);
  try {
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], requiredClaims: ['exp'] });
    return covers(ClaimsSchema.parse(payload), claim);
  } catch {
    return false;
  }
}

/** Development mode opens every entrance, and therefore answers on the developer's own machine only. */
export function isAtHome(settings: Settings, { hostname }: URL): boolean {
  if (settings.PARLEY_MODE !== 'development') return true;
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/u.test(hostname);
}

function tokenOf(request: Request): string | undefined {
  const [, bearer] = /^Bearer (\S+)$/iu.exec(request.headers.get('authorization') ?? '') ?? [];
  const [, cookie] = COOKIE_PATTERN.exec(request.headers.get('cookie') ?? '') ?? [];
  return bearer ?? new URL(request.url).searchParams.get('token') ?? cookie;
}

function covers({ room, sub }: z.infer<typeof ClaimsSchema>, claim: RoomClaim): boolean {
  const isRoom = room === '*' || room === claim.room;
  return isRoom && (sub === undefined || claim.participant === undefined || sub === claim.participant);
}
