import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { RoomIdSchema } from '../../shared/ids.ts';
import type { Settings } from './settings.ts';

/** A grant is worth something for so long, in seconds. */
const LIFETIME = 24 * 60 * 60;

const GrantSchemas = {
  /** Uploads into a room, for as long as this life of the room lasts. */
  files: z.object({ room: RoomIdSchema, life: z.string() }),
  /** Uploads of one recording. */
  recordings: z.object({ room: RoomIdSchema, recording: z.string() }),
};
export type GrantKind = keyof typeof GrantSchemas;
export type Grant<Kind extends GrantKind> = z.infer<(typeof GrantSchemas)[Kind]>;

const keys = new Map<string, Promise<Uint8Array>>();

/** Grants have a key of their own, which follows from the secret that the edge has anyway (HKDF, RFC 5869). */
function keyOf(secret: string): Promise<Uint8Array> {
  const key = keys.get(secret) ?? derive(secret);
  keys.set(secret, key);
  return key;
}

async function derive(secret: string): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveBits']);
  const purpose = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode('parley upload grants') };
  return new Uint8Array(await crypto.subtle.deriveBits(purpose, material, 256));
}

/** Makes a grant that can stand in a URL. Nothing has to be stored for it: it is checked by its signature. */
export async function seal<Kind extends GrantKind>(settings: Settings, kind: Kind, grant: Grant<Kind>): Promise<string> {
  const token = new SignJWT({ ...grant }).setProtectedHeader({ alg: 'HS256' }).setAudience(kind);
  return token.setExpirationTime(`${LIFETIME} seconds`).sign(await keyOf(settings.MEDIA_NODE_SECRET));
}

/** @returns what was granted; `undefined` when the grant is forged, expired or for something else. */
export async function unseal<Kind extends GrantKind>(settings: Settings, kind: Kind, token: string): Promise<Grant<Kind> | undefined> {
  for (const secret of [settings.MEDIA_NODE_SECRET, settings.MEDIA_NODE_SECRET_PREVIOUS]) {
    const claims = secret === undefined ? undefined : await verified(secret, kind, token);
    if (claims) return GrantSchemas[kind].parse(claims) as Grant<Kind>;
  }
  return undefined;
}

async function verified(secret: string, audience: GrantKind, token: string): Promise<JWTPayload | undefined> {
  try {
    return (await jwtVerify(token, await keyOf(secret), { algorithms: ['HS256'], audience, requiredClaims: ['exp'] })).payload;
  } catch {
    return undefined;
  }
}
