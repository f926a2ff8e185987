/**
 * The part of SockJS (protocol 0.3.3) that clients use where WebSockets work: its greeting, its information, the framed WebSocket and the raw
 * one. Clients list HTTP transports to fall back to, but take those only where WebSockets fail.
 */
import { corsHeaders, preflightResponse } from './engine-io/cors.ts';
import { type Framing, RAW_FRAMING } from './message-socket.ts';

const NO_STORE = { 'cache-control': 'no-store, no-cache, must-revalidate, max-age=0' };
const ANY_ORIGIN = { origins: '*' } as const;

/** Messages stand in JSON arrays of strings; a letter before them tells what a frame of the server is. */
const SOCKJS_FRAMING: Framing = {
  greeting: 'o',
  heartbeat: 'h',
  encode: (message) => `a${JSON.stringify([message])}`,
  decode: decodeFrame,
  farewell: (code, reason) => `c${JSON.stringify([code, reason])}`,
};

/**
 * Which framing a WebSocket has below a SockJS prefix.
 *
 * @param path what follows the prefix.
 * @returns `undefined` where SockJS has no WebSocket.
 */
export function sockJsFraming(path: string): Framing | undefined {
  if (path === '/websocket') return RAW_FRAMING;
  // A server and a session, both chosen by the client and of no meaning here.
  return /^\/[^/.]+\/[^/.]+\/websocket$/u.test(path) ? SOCKJS_FRAMING : undefined;
}

/**
 * Answers an HTTP request below a SockJS prefix.
 *
 * @param path what follows the prefix.
 */
export function sockJsResponse(request: Request, path: string): Response {
  const isInfo = path === '/info';
  if (isInfo && request.method === 'OPTIONS') return preflightResponse(request, ANY_ORIGIN);
  if (request.method !== 'GET' || !(isInfo || path === '' || path === '/')) return new Response('Not found\n', { status: 404 });
  if (!isInfo) return new Response('Welcome to SockJS!\n', { headers: { 'content-type': 'text/plain; charset=UTF-8' } });
  const [entropy] = crypto.getRandomValues(new Uint32Array(1));
  const info = { websocket: true, origins: ['*:*'], cookie_needed: false, entropy };
  // The request is made with credentials.
  return Response.json(info, { headers: { ...corsHeaders(request.headers.get('origin'), ANY_ORIGIN), ...NO_STORE } });
}

/** Old clients send one message as a bare string. */
function decodeFrame(frame: string): string[] | undefined {
  if (frame === '') return [];
  try {
    const value: unknown = JSON.parse(frame);
    const messages: unknown[] = Array.isArray(value) ? value : [value];
    return messages.every((message) => typeof message === 'string') ? messages : undefined;
  } catch {
    return undefined;
  }
}
