import { pino } from 'pino';
import type { Logger } from 'pino';
import type { LogLevel } from './config.ts';

export type { Logger } from 'pino';

/**
 * Fields that must not reach a log even if a whole object is passed to it by mistake.
 * The rule stays: log ids and reasons, never parameters.
 */
const NEVER_LOGGED = ['secret', 'password', 'credential', 'authorization', 'dtlsParameters', 'iceParameters', 'rtpParameters', 'body'];

/** The root logger, writing JSON lines to standard output. Every class takes a child of it, with its name and its room. */
export function createLog(level: LogLevel): Logger {
  return pino({
    level,
    redact: { paths: NEVER_LOGGED.flatMap((field) => [field, `*.${field}`]), censor: '[hidden]' },
  });
}
