/** An extension that no client offers, so that none is agreed on. */
const NO_EXTENSION = 'none';

/**
 * Answers a WebSocket upgrade. Frames are not compressed (RFC 7692), as the official Socket.IO server does not compress them either: the runtime
 * otherwise does wherever a client offers it, which all browsers do. It would compress a broadcast anew for every receiver, keep 230 KB of
 * buffers for each connection, and clients on Node inflate frame by frame in other threads, ten times slower than they read.
 *
 * The runtime agrees with the client on what both the offer and this header name; the header itself is never sent.
 *
 * @param client the end of the pair that the client gets.
 */
export function upgradeResponse(client: WebSocket, headers = new Headers()): Response {
  headers.set('sec-websocket-extensions', NO_EXTENSION);
  return new Response(null, { status: 101, webSocket: client, headers });
}
