import {
  BAD_HANDSHAKE_METHOD,
  BAD_REQUEST,
  FORBIDDEN,
  UNKNOWN_SID,
  UNKNOWN_TRANSPORT,
  UNSUPPORTED_REVISION,
  type EngineError,
} from './errors.ts';
import { isOriginAllowed } from './cors.ts';
import type { Revision } from './packet.ts';
import type { Session } from './session.ts';
import type { EngineSettings } from './settings.ts';

/** What a request asks for, once it is known to be well formed. */
export type Intent =
  | { readonly kind: 'refused'; readonly error: EngineError }
  | { readonly kind: 'open'; readonly revision: Revision; readonly base64Only: boolean; readonly transport: 'polling' | 'websocket' }
  | { readonly kind: 'poll' | 'post' | 'upgrade'; readonly session: Session }
  /** A second WebSocket for a session that has one. It is accepted and closed, as the protocol demands. */
  | { readonly kind: 'duplicate' };

const TRANSPORTS: readonly string[] = ['polling', 'websocket'];
const MAX_SID_CHARACTERS = 128;

/**
 * Reads an Engine.IO request. The checks and their order are those of the official server, so that a request with several faults gets
 * the same number from both.
 */
export function readIntent(request: Request, settings: EngineSettings, find: (sid: string) => Session | undefined): Intent {
  const query = queryOf(request);
  const transport = query.get('transport') ?? '';
  const sid = query.get('sid');
  if (!TRANSPORTS.includes(transport)) return refuse(UNKNOWN_TRANSPORT);
  if (!isOriginAllowed(request.headers.get('origin'), settings.cors)) return refuse(FORBIDDEN);
  // A response in the form of a script (JSONP) is not offered; without this, its client would open sessions that it cannot read.
  if (query.has('j')) return refuse(BAD_REQUEST);
  const isUpgrade = request.headers.get('upgrade')?.toLowerCase() === 'websocket';
  if (sid) return readExisting(request.method, transport, isUpgrade, sid.length > MAX_SID_CHARACTERS ? undefined : find(sid));
  if (request.method !== 'GET') return refuse(BAD_HANDSHAKE_METHOD);
  if ((transport === 'websocket') !== isUpgrade) return refuse(BAD_REQUEST);
  const revision = settings.revisions.find((supported) => String(supported) === query.get('EIO'));
  if (!revision) return refuse(UNSUPPORTED_REVISION);
  const base64Only = query.has('b64') && query.get('b64') !== '0';
  return { kind: 'open', revision, base64Only, transport: isUpgrade ? 'websocket' : 'polling' };
}

/** Only the query matters here, and to parse the whole URL takes several times as long. */
function queryOf({ url }: Request): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start));
}

function readExisting(method: string, transport: string, isUpgrade: boolean, session: Session | undefined): Intent {
  if (!session) return refuse(UNKNOWN_SID);
  if (isUpgrade) return session.isOpen && session.polling && !session.upgrade ? { kind: 'upgrade', session } : { kind: 'duplicate' };
  if (transport !== 'polling' || !session.polling) return refuse(BAD_REQUEST);
  if (method === 'GET') return { kind: 'poll', session };
  return method === 'POST' ? { kind: 'post', session } : refuse(BAD_REQUEST);
}

function refuse(error: EngineError): Intent {
  return { kind: 'refused', error };
}
