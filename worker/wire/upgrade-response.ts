/** An extension that no client offers, so that none is agreed on. */
const NO_EXTENSION = 'none';

export interface UpgradeOptions {
  readonly headers?: Headers;
  /** Whether frames are compressed where the client offers it (RFC 7692). Default: no. */
  readonly compression?: boolean;
}

/**
 * Answers a WebSocket upgrade. The runtime compresses wherever a client offers it, which all browsers do, unless it is told not to: a broadcast
 * anew for every receiver, with 230 KB of buffers for each connection; and clients on Node inflate frame by frame in other threads, ten times
 * slower than they read.
 *
 * The runtime agrees with the client on what both the offer and the header name; the header itself is never sent.
 *
 * @param client the end of the pair that the client gets.
 */
export function upgradeResponse(client: WebSocket, { headers, compression = false }: UpgradeOptions = {}): Response {
  return new Response(null, { status: 101, webSocket: client, ...headersOf(headers, compression) });
}

function headersOf(headers: Headers | undefined, compression: boolean): { headers?: Headers } {
  if (compression) return headers ? { headers } : {};
  const quiet = headers ?? new Headers();
  quiet.set('sec-websocket-extensions', NO_EXTENSION);
  return { headers: quiet };
}
