import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { DEFAULT_TENANT, type RoomId, RoomIdSchema, tenantOf } from '../../shared/ids.ts';
import type { RoomClaim } from '../protocols/protocol.ts';
import type { Settings } from '../platform/settings.ts';

/** Claims of an access token beside the registered ones of RFC 7519. `sub`, where given, is the only identity the bearer may use. */
const ClaimsSchema = z.object({
  /** The room's full name, `tenant/room`, or `*` for every room. */
  room: z.string(),
  sub: z.string().optional(),
  /** Whether the bearer may also look after the room: see who is in it, and put somebody out. */
  admin: z.boolean().optional(),
});
type Claims = z.infer<typeof ClaimsSchema>;

const COOKIE_PATTERN = /(?:^|;\s*)parley_access=([^;]+)/u;

/** Signatures with a private key whose public key may stand at `ACCESS_TOKEN_JWKS_URL` (RFC 7518, RFC 8037). */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Keys that were fetched, by their URL; the library fetches them again when a token names another key. */
const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

/**
 * Whether a request may enter a room: always in development mode; in production with an access token that is meant for this room.
 *
 * Clients that know no tokens can still carry one where their URL or their browser does it for them, so it is looked for in the
 * `Authorization` header, the query (`token`) and a cookie (`parley_access`), and the first of them counts.
 *
 * @param token one that came in a message. It may be meant for somebody else, so the request's own counts as well.
 */
export async function permits(settings: Settings, request: Request, claim: RoomClaim, token?: string): Promise<boolean> {
  if (settings.PARLEY_MODE === 'development') return true;
  for (const one of [token, tokenOf(request)]) {
    if (one !== undefined && (await fits(settings, one, claim))) return true;
  }
  return false;
}

/**
 * The tenant on whose behalf a request comes whose protocol names none: in production that of the room of its access token, and `default` for a token for
 * all rooms or none; always `default` in development mode, so that clients of all protocols meet there.
 *
 * @param token like that of {@link permits}.
 */
export async function tenantOfRequest(settings: Settings, request: Request, token?: string): Promise<string> {
  if (settings.PARLEY_MODE === 'development') return DEFAULT_TENANT;
  for (const one of [token, tokenOf(request)]) {
    const { room } = (one === undefined ? undefined : await claimsOf(settings, one)) ?? {};
    if (RoomIdSchema.safeParse(room).success) return tenantOf(String(room));
  }
  return DEFAULT_TENANT;
}

/** Whether a request comes from somebody who may look after a room: always in development mode; in production with an administrator's token. */
export async function isAdministrator(settings: Settings, request: Request, room: RoomId): Promise<boolean> {
  if (settings.PARLEY_MODE === 'development') return true;
  const token = tokenOf(request);
  const claims = token === undefined ? undefined : await claimsOf(settings, token);
  return claims?.admin === true && covers(claims, { room });
}

async function fits(settings: Settings, token: string, claim: RoomClaim): Promise<boolean> {
  const claims = await claimsOf(settings, token);
  return claims !== undefined && covers(claims, claim);
}

/** @returns `undefined` for a token that is not good. */
async function claimsOf(settings: Settings, token: string): Promise<Claims | undefined> {
  try {
    return ClaimsSchema.parse(await verified(settings, token));
  } catch {
    return undefined;
  }
}

/** @throws Error when the token is expired, endless, altered, or signed by nobody who is trusted. */
async function verified({ ACCESS_TOKEN_SECRET, ACCESS_TOKEN_JWKS_URL }: Settings, token: string): Promise<JWTPayload> {
  const requiredClaims = ['exp'];
  // A token says itself how it is signed; each way accepts nothing but its own algorithms.
  if (ACCESS_TOKEN_SECRET !== undefined && decodeProtectedHeader(token).alg === 'HS256') {
    const secret = new TextEncoder().encode(ACCESS_TOKEN_SECRET);
    return (await jwtVerify(token, secret, { algorithms: ['HS256'], requiredClaims })).payload;
  }
  if (ACCESS_TOKEN_JWKS_URL === undefined) throw new Error('nobody is trusted who signs like this');
  return (await jwtVerify(token, keySetAt(ACCESS_TOKEN_JWKS_URL), { algorithms: PUBLIC_KEY_ALGORITHMS, requiredClaims })).payload;
}

function keySetAt(url: string): ReturnType<typeof createRemoteJWKSet> {
  const keySet = keySets.get(url) ?? createRemoteJWKSet(new URL(url));
  keySets.set(url, keySet);
  return keySet;
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

function covers({ room, sub }: Claims, claim: RoomClaim): boolean {
  const isRoom = room === '*' || room === claim.room;
  return isRoom && (sub === undefined || claim.participant === undefined || sub === claim.participant);
}
