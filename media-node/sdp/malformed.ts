import { MediaError } from '../errors.ts';

/**
 * Refuses a description.
 *
 * @param line where the trouble is, beginning with 1.
 * @param problem says what is wrong. It never quotes the line, which may hold a password and ends up in logs.
 * @throws MediaError `invalid-sdp`
 */
export function malformed(line: number, problem: string): never {
  throw new MediaError('invalid-sdp', `line ${line}: ${problem}`);
}
