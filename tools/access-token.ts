/** `npm run access-token -- --room NAME [--user MAIL] [--hours N] [--admin]`: prints a token with which a client may enter in production mode. */
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { DEFAULT_TENANT, roomIdOf } from '../shared/ids.ts';
import { MIN_SECRET_CHARACTERS } from '../shared/signature.ts';
import { Failure } from './bootstrap.mjs';
import { readDevVars } from './setup/dev-secrets.ts';

const USAGE = 'Use it like this: npm run access-token -- --room standup [--user ada@example.org] [--hours 12] [--admin]; --room "*" means every room';

const OptionsSchema = z.object({
  room: z.string().min(1),
  user: z.string().min(1).optional(),
  hours: z.coerce
    .number()
    .positive()
    .max(24 * 366)
    .default(12),
  admin: z.boolean().default(false),
});

function options(parameters: string[]): z.infer<typeof OptionsSchema> {
  try {
    const { values } = parseArgs({
      args: parameters,
      options: { room: { type: 'string' }, user: { type: 'string' }, hours: { type: 'string' }, admin: { type: 'boolean' } },
    });
    return OptionsSchema.parse(values);
  } catch {
    throw new Failure(USAGE);
  }
}

function secret(): Uint8Array {
  const { ACCESS_TOKEN_SECRET: value = '' } = { ...readDevVars(), ...process.env };
  if (value.length >= MIN_SECRET_CHARACTERS) return new TextEncoder().encode(value);
  throw new Failure('Set ACCESS_TOKEN_SECRET to the secret that the edge has (wrangler secret put ACCESS_TOKEN_SECRET).');
}

export async function main(parameters: string[]): Promise<number> {
  const { room, user, hours, admin } = options(parameters);
  const claims = { room: room === '*' || room.includes('/') ? room : roomIdOf(DEFAULT_TENANT, room), ...(admin && { admin }) };
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime(`${hours} hours`);
  if (user !== undefined) token.setSubject(user);
  console.log(await token.sign(secret()));
  return 0;
}
