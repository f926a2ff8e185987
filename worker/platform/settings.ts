import { z } from 'zod';
import { secretWeakness } from '../../shared/secret-strength.ts';

const SecretSchema = z.string().superRefine((secret, context) => {
  const weakness = secretWeakness(secret);
  if (weakness !== undefined) context.addIssue({ code: 'custom', message: `${weakness}; make one with: openssl rand -hex 32` });
});

const SettingsSchema = z
  .object({
    /** `development` opens every entrance on the developer's own machine; `production` asks everybody for an access token. */
    PARLEY_MODE: z.enum(['development', 'production']).default('production'),
    /** Where the media node answers. */
    MEDIA_NODE_URL: z.url({ protocol: /^https?$/u }).default('http://127.0.0.1:4443'),
    /** Signs calls to the media node and checks its events. */
    MEDIA_NODE_SECRET: SecretSchema,
    /** Accepted beside the current secret while it is being rotated. */
    MEDIA_NODE_SECRET_PREVIOUS: SecretSchema.optional(),
    /** Checks access tokens that were signed with it. In production this or `ACCESS_TOKEN_JWKS_URL` is required. */
    ACCESS_TOKEN_SECRET: SecretSchema.optional(),
    /** Where the public keys of those are published (RFC 7517) that sign access tokens with a private key. */
    ACCESS_TOKEN_JWKS_URL: z.url({ protocol: /^https?$/u }).optional(),
    /** Most participants of one room. */
    ROOM_CAPACITY: z.coerce.number().int().min(1).max(1000).default(100),
    /** Most participants of a room that members of the group-call protocol still enter: each of them connects to each other one. */
    GROUP_CALL_CAPACITY: z.coerce.number().int().min(1).max(1000).default(25),
    /** A stream of the WCS protocol of which nothing has come for so many seconds has failed; 0 is never. */
    WCS_RTP_TIMEOUT: z.coerce.number().int().min(0).max(3600).default(60),
    /** Generation of the Socket.IO client library that pages load from here: `2` or `4`. */
    SOCKET_IO_CLIENT_VERSION: z.enum(['2', '4']).default('4'),
  })
  .refine((settings) => settings.PARLEY_MODE === 'development' || checksTokens(settings), {
    path: ['ACCESS_TOKEN_SECRET'],
    message: 'is required in production (or ACCESS_TOKEN_JWKS_URL); set it with `wrangler secret put ACCESS_TOKEN_SECRET`',
  });

function checksTokens(settings: { ACCESS_TOKEN_SECRET?: string | undefined; ACCESS_TOKEN_JWKS_URL?: string | undefined }): boolean {
  return settings.ACCESS_TOKEN_SECRET !== undefined || settings.ACCESS_TOKEN_JWKS_URL !== undefined;
}

/** Every setting of the edge, as it was given by wrangler.toml, `.dev.vars`, `--var` or `wrangler secret`. */
export type Settings = z.infer<typeof SettingsSchema>;

/** The secrets with which something may have been signed: the current one, and the one before it while they are being exchanged. */
export function mediaSecretsOf({ MEDIA_NODE_SECRET, MEDIA_NODE_SECRET_PREVIOUS }: Settings): string[] {
  return MEDIA_NODE_SECRET_PREVIOUS === undefined ? [MEDIA_NODE_SECRET] : [MEDIA_NODE_SECRET, MEDIA_NODE_SECRET_PREVIOUS];
}

/** A setting is missing or wrong. The message has one line for each and says what to do. */
export class SettingsError extends Error {}

const known = new WeakMap<object, Settings>();

/**
 * Reads and checks the settings of an environment, once.
 *
 * @throws SettingsError with one line for each wrong setting.
 */
export function settingsOf(env: object): Settings {
  const before = known.get(env);
  if (before) return before;
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = SettingsSchema.safeParse(given);
  if (!parsed.success) {
    throw new SettingsError(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'));
  }
  known.set(env, parsed.data);
  return parsed.data;
}
