/* eslint-disable no-console -- this is the one place that writes to the platform's log */

type Fields = Readonly<Record<string, unknown>>;

function line(level: string, message: string, fields: Fields): string {
  return JSON.stringify({ level, message, ...fields });
}

/** Structured lines for the platform's log. Never pass secrets, tokens, SDP or ICE passwords. */
export const logger = {
  warn(message: string, fields: Fields = {}): void {
    console.warn(line('warn', message, fields));
  },
  error(message: string, fields: Fields = {}): void {
    console.error(line('error', message, fields));
  },
};
