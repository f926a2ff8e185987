import { z } from 'zod';
import { DEFAULT_TENANT, ParticipantIdSchema, type RoomId, RoomIdSchema, roomIdOf } from '../../../shared/ids.ts';
import { decodeJson, encodeJson } from './base64.ts';
import { PROBLEMS } from './errors.ts';
import { ROLES, type Role } from './messages.ts';

/** A token is good for so long, in milliseconds: a page that asks for one may wait for its user. */
export const TOKEN_LIFE = 60 * 60_000;

/** Signs texts, so that nobody else can have said them. */
export interface Seal {
  /** @returns the signature as hex digits. */
  sign(text: string): Promise<string>;
  isSigned(text: string, signature: string): Promise<boolean>;
}

/** The right to enter a room once. */
export interface Token {
  readonly tokenId: string;
  readonly room: RoomId;
  readonly user: string;
  readonly role: Role;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Short enough to become a part of an id. */
const UserSchema = z.string().max(200).pipe(ParticipantIdSchema);
const RoleSchema = z.enum(Object.keys(ROLES) as [Role, ...Role[]]);

const TokenSchema = z.object({
  tokenId: z.string().regex(/^[\da-f]{32}$/u),
  host: z.string().max(512),
  secure: z.boolean(),
  room: RoomIdSchema,
  user: UserSchema,
  role: RoleSchema,
  expires: z.number().int(),
  signature: z.string().max(256),
});
type TokenFields = Omit<z.infer<typeof TokenSchema>, 'signature'>;

/** Whoever names no room means this one. */
const DEFAULT_ROOM = 'default';

const WishSchema = z.object({
  room: z.union([z.string(), z.number().transform(String), z.null()]).optional(),
  user: UserSchema.optional(),
  // The word of older samples.
  username: UserSchema.optional(),
  role: RoleSchema.default('presenter'),
});

/** What somebody wants a token for. */
export interface Wish {
  readonly room: RoomId;
  readonly user: string;
  readonly role: Role;
}

/** Reads the body of a request for a token. @returns `undefined` where no token can be given: for an unknown role, no user, no such room. */
export function parseWish(body: unknown): Wish | undefined {
  const parsed = WishSchema.safeParse(body);
  const user = parsed.data?.user ?? parsed.data?.username;
  if (!parsed.success || user === undefined) return undefined;
  const room = roomOf(parsed.data.room ?? '');
  return room === undefined ? undefined : { room, user, role: parsed.data.role };
}

/** The full name of a room that clients call so. @returns `undefined` for what cannot be a name. */
export function roomOf(name: string): RoomId | undefined {
  return RoomIdSchema.safeParse(roomIdOf(DEFAULT_TENANT, name === '' ? DEFAULT_ROOM : name)).data;
}

/** What clients call a room. */
export function roomNameOf(room: RoomId): string {
  return room.slice(room.indexOf('/') + 1);
}

/**
 * Makes a token. Its `host` carries the room, so that a client comes with it at its first request already; what counts is what is signed.
 *
 * @param edge where clients reach this edge.
 */
export async function issueToken({ room, user, role }: Wish, edge: URL, now: number, seal: Seal): Promise<string> {
  const secure = edge.protocol === 'https:';
  const port = edge.port === '' ? (secure ? '443' : '80') : edge.port;
  const fields: TokenFields = {
    tokenId: crypto.randomUUID().replaceAll('-', ''),
    host: `${edge.hostname}:${port}/?room=${encodeURIComponent(roomNameOf(room))}`,
    secure,
    room,
    user,
    role,
    expires: now + TOKEN_LIFE,
  };
  return encodeJson({ ...fields, signature: btoa(await seal.sign(textOf(fields))) });
}

export type ReadToken = { readonly ok: true; readonly token: Token } | { readonly ok: false; readonly problem: string };

/** Reads a token and checks who made it and when. Whether it was used before, its room knows. */
export async function readToken(text: string, now: number, seal: Seal): Promise<ReadToken> {
  const parsed = TokenSchema.safeParse(decodeJson(text));
  if (!parsed.success) return { ok: false, problem: PROBLEMS.token };
  const { signature, ...fields } = parsed.data;
  if (!(await seal.isSigned(textOf(fields), hexOf(signature)))) return { ok: false, problem: PROBLEMS.tokenSignature };
  if (fields.expires <= now) return { ok: false, problem: PROBLEMS.tokenExpired };
  const { tokenId, room, user, role, expires } = fields;
  return { ok: true, token: { tokenId, room, user, role, expires } };
}

/** Everything that the token says, in a fixed order. */
function textOf({ tokenId, host, secure, room, user, role, expires }: TokenFields): string {
  return JSON.stringify([tokenId, host, secure, room, user, role, expires]);
}

/** A signature is the base64 of hex digits. */
function hexOf(signature: string): string {
  try {
    return atob(signature);
  } catch {
    return '';
  }
}
