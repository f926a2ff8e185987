import type { Frame } from './engine-io/packet.ts';

/** Close codes that a program may not send (RFC 6455, section 7.4.1), and what is sent in their place. */
const UNSENDABLE_CODES: ReadonlyMap<number, number> = new Map([
  [1005, 1000],
  [1006, 1001],
  [1015, 1001],
]);

/** The close code that can be sent in place of one that was received. */
export function sendableCode(code: number): number {
  return UNSENDABLE_CODES.get(code) ?? code;
}

/** Sends unless the socket is closing: its close event tells everything then. */
export function sendQuietly(socket: { send(frame: Frame): void }, frame: Frame): void {
  try {
    socket.send(frame);
  } catch {
    // The socket is closing.
  }
}

/** Closes a socket that may be closed already. */
export function closeQuietly(socket: { close(code?: number, reason?: string): void }, code: number, reason: string): void {
  try {
    socket.close(sendableCode(code), reason);
  } catch {
    // It was closed before.
  }
}
