import type { EngineServer, StoredSession } from '../engine-io/server.ts';
import type { Session } from '../engine-io/session.ts';
import { closeQuietly } from '../quietly.ts';

/** "Service restart": clients reconnect. */
const RESTARTED = 1012;

const PREFIX = 'engine.io/session/';

/** What a socket's attachment holds: the whole session, or only its id when the session is too large for an attachment. */
type Attachment = StoredSession | { readonly sid: string };

/**
 * Keeps sessions while the object sleeps: those on a WebSocket in its attachment, which costs no disk write; those that are too large,
 * and those of polling clients, in the object's storage.
 */
export class SessionStore {
  readonly #storage: SyncKvStorage;
  readonly #stored = new Set<string>();

  constructor(storage: SyncKvStorage) {
    this.#storage = storage;
  }

  /** Brings back all sessions that were saved. */
  restore(server: EngineServer, sockets: readonly WebSocket[]): void {
    const entries = new Map(Array.from(this.#storage.list<StoredSession>({ prefix: PREFIX })));
    for (const key of entries.keys()) this.#stored.add(key);
    for (const socket of sockets) {
      const attachment = socket.deserializeAttachment() as Attachment | null;
      const stored = attachment && 'sid' in attachment ? entries.get(PREFIX + attachment.sid) : attachment;
      // A socket without a session was one that had not finished its upgrade.
      if (!stored) closeQuietly(socket, 1000, 'upgrade failed');
      else if (stored.engine.pinned) closeQuietly(socket, RESTARTED, 'what this session depended on is gone');
      else server.restore(stored, socket);
    }
    for (const [key, { engine, application }] of entries) {
      if (engine.transport === 'polling' && !engine.pinned) server.restore({ engine, application }, undefined);
      else if (!server.find(engine.sid)) this.#forget(key);
    }
  }

  /** Stores a session as it is now; one that is closed is forgotten. */
  save(server: EngineServer, session: Session): void {
    const key = PREFIX + session.sid;
    const socket = session.socket instanceof WebSocket ? session.socket : undefined;
    if (session.isClosed) {
      socket?.serializeAttachment(null);
      this.#forget(key);
    } else if (socket) this.#attach(key, socket, server.stored(session));
    else if (session.isSettled) this.#put(key, server.stored(session));
    else this.#forget(key);
  }

  #attach(key: string, socket: WebSocket, stored: StoredSession): void {
    try {
      socket.serializeAttachment(stored);
      this.#forget(key);
    } catch {
      // The platform limits the size of an attachment; there is no way to ask beforehand.
      this.#put(key, stored);
      socket.serializeAttachment({ sid: stored.engine.sid } satisfies Attachment);
    }
  }

  #put(key: string, stored: StoredSession): void {
    this.#storage.put(key, stored);
    this.#stored.add(key);
  }

  #forget(key: string): void {
    if (this.#stored.delete(key)) this.#storage.delete(key);
  }
}
