import { z } from 'zod';
import { DEFAULT_TENANT } from '../../shared/ids.ts';

/** Names a tenant, in what its clients send and in the names of its rooms. */
export const TenantCodeSchema = z.string().regex(/^[\w.-]{1,64}$/u, 'must be 1 to 64 letters, digits, dots, hyphens or underscores');

/**
 * What one tenant may set for itself. Everything has a default, so that a new setting needs no change of what is stored.
 *
 * `npm run tenant -- set` writes them; sizes are in bytes.
 */
export const TenantSettingsSchema = z.object({
  /**
   * What clients have to show to enter: `key` is code and key; `code` is the code alone, for clients that were built with an empty key. The
   * tenant API asks for the key in either case.
   */
  credentials: z.enum(['key', 'code']).default('key'),
  /** What keeps a session alive: `strict` is messages of the client only; `lenient` is heartbeats of its transport too. */
  sessionLife: z.enum(['strict', 'lenient']).default('strict'),
  /** How entering a room that does not exist is refused: as the vendor's own server does, or as its document says. */
  unknownRoom: z.enum(['vendor', 'document']).default('vendor'),
  /**
   * Who records a room whose protocol leaves that to the browser of a member: that browser alone, or the media node as well, each stream into a file of its
   * own.
   */
  recording: z.enum(['browser', 'server']).default('browser'),
  /** Most members of one room. */
  roomCapacity: z.number().int().min(1).max(1000).default(24),
  /** Room for all shared files of one room together. */
  fileQuota: z
    .number()
    .int()
    .min(0)
    .default(200 * 1024 * 1024),
  /** Room for one recording. */
  recordingQuota: z
    .number()
    .int()
    .min(0)
    .default(10 * 1024 * 1024 * 1024),
});
export type TenantSettings = z.infer<typeof TenantSettingsSchema>;

/** A customer of this installation: its rooms, files, recordings and call records are its own. */
export interface Tenant {
  /** What its clients name it by; also the first part of the full names of its rooms. */
  readonly code: string;
  readonly settings: TenantSettings;
}

/**
 * The tenant that exists in development mode without having been made: the one of all rooms whose protocol knows no tenants, so that in
 * development mode clients of all protocols meet in rooms of the same name.
 */
export const DEMO_TENANT: Tenant & { readonly key: string } = {
  code: DEFAULT_TENANT,
  key: 'demo',
  settings: TenantSettingsSchema.parse({}),
};
