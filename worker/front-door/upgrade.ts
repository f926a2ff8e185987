import type { Upgrade } from '../protocols/protocol.ts';

/** What the protocols get to see of a request that opens a connection. */
export function upgradeOf(request: Request): Upgrade {
  const subprotocols = request.headers.get('sec-websocket-protocol')?.split(',') ?? [];
  return { request, url: new URL(request.url), subprotocols: subprotocols.map((name) => name.trim()) };
}
