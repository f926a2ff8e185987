/** The settings of `npm start`, from environment variables and `.dev.vars`. */
import { availableParallelism } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { Failure, ROOT } from '../bootstrap.mjs';

const HIGHEST_PORT = 65_535;

function portSetting(usual: number) {
  return z.coerce
    .number('must be a port number')
    .int()
    .min(1, 'must be at least 1')
    .max(HIGHEST_PORT, `must be at most ${HIGHEST_PORT}`)
    .default(usual);
}

const SettingsSchema = z.object({
  PORT: portSetting(8787),
  MEDIA_NODE_PORT: portSetting(4443),
  RTC_BASE_PORT: portSetting(40_000),
  MEDIA_WORKERS: z.coerce.number('must be a number').int().min(1).max(256).default(availableParallelism()),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'must be trace, debug, info, warn, error, fatal or silent')
    .default('warn'),
  PARLEY_STATE_DIR: z
    .string()
    .default('.wrangler/state')
    .transform((path) => (isAbsolute(path) ? path : join(ROOT, path))),
});
export type Settings = z.infer<typeof SettingsSchema>;

/**
 * @param environment in which an empty value counts as a missing one.
 * @throws Failure that names the wrong setting.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = SettingsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new Failure(`Wrong settings: ${problems.join('; ')}.`);
}
