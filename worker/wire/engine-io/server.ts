import { readBody } from './body.ts';
import { codecOf } from './codec.ts';
import { preflightResponse, withCors } from './cors.ts';
import { BAD_REQUEST, errorResponse, UNKNOWN_SID } from './errors.ts';
import { readIntent, type Intent } from './handshake.ts';
import { openPacket } from './open-packet.ts';
import type { HeartbeatSettings } from './heartbeat.ts';
import type { Data, Frame, FrameSocket, Revision } from './packet.ts';
import { PollingTransport, type PollAnswer } from './polling.ts';
import { Session } from './session.ts';
import type { CloseReason, SessionHost, SessionIdentity, SessionRecord } from './session-host.ts';
import type { EngineSettings } from './settings.ts';

/** What runs above Engine.IO. It is told of sessions, and may keep data of its own with them. */
export interface EngineApplication {
  opened(session: Session, request: Request): void;
  received(session: Session, data: Data): void;
  closed(session: Session, reason: CloseReason): void;
  /** The application's part of a session's record; anything that structured clone can copy. */
  save?(session: Session): unknown;
  /** A session is back after the object slept, with what `save` answered. */
  restored?(session: Session, saved: unknown): void;
  /** A session is given back to the server that opened it: it is gone from here, but its client is not. */
  released?(session: Session): void;
  /** Does what is due by now; answers when to come back, in milliseconds since the epoch. */
  attend?(now: number): number;
  /** The server that the application runs on, before it is told of any session. */
  attached?(server: Surroundings): void;
}

/** What an application may ask of the server it runs on. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls the application's `attend` at this time at the latest, in milliseconds since the epoch. */
  needsAttentionAt(time: number): void;
}

/** What the surroundings do for the server. Times are milliseconds since the epoch. */
export interface Platform {
  now(): number;
  after(milliseconds: number, callback: () => void): void;
  /** A new session id that cannot be guessed. */
  createSid(): string;
  /** Calls {@link EngineServer.attend} at this time at the latest; an earlier wish stays valid. */
  wakeAt(time: number): void;
  /** A session has opened. It is worth saving soon, with what its client does next; until then it may get lost: its client connects again. */
  opened(session: Session): void;
  /** The session's state has changed; it is worth saving once the current task is done. */
  changed(session: Session): void;
  /** Whether it leaves it to the server to answer heartbeats of revision 3. */
  readonly hearsHeartbeats: boolean;
  /** When the platform last answered a heartbeat of revision 3 by itself. */
  heartbeatSeenAt(socket: FrameSocket): number | undefined;
}

/** A session's record together with the application's part. */
export interface StoredSession {
  readonly engine: SessionRecord;
  readonly application: unknown;
}

/** An Engine.IO server for one object: all its sessions, over polling and WebSockets. */
export class EngineServer implements SessionHost<Session> {
  readonly settings: EngineSettings;
  readonly #platform: Platform;
  readonly #application: EngineApplication;
  readonly heartbeatSettings: HeartbeatSettings;
  readonly #sessions = new Map<string, Session>();
  readonly #bySocket = new Map<FrameSocket, Session>();
  /** Sessions with a POST whose body is still arriving; a second one at the same time is a violation. */
  readonly #posting = new Set<Session>();

  /** @param phase shifts the shared heartbeat, in milliseconds; any number that differs between objects will do. */
  constructor(settings: EngineSettings, platform: Platform, application: EngineApplication, phase = 0) {
    this.settings = settings;
    this.#platform = platform;
    this.#application = application;
    this.heartbeatSettings = { pingInterval: settings.pingInterval, pingTimeout: settings.pingTimeout, phase };
    application.attached?.(this);
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Finds out what a request wants. A session whose time is up counts as gone, even if no alarm has noticed it yet. */
  read(request: Request): Intent {
    return readIntent(request, this.settings, (sid) => {
      const session = this.#sessions.get(sid);
      session?.attend(this.now());
      return this.#sessions.get(sid);
    });
  }

  /** Answers a request of the polling transport. Requests for a WebSocket are refused; {@link read} tells them apart. */
  async respond(request: Request, intent = this.read(request)): Promise<Response> {
    const isPreflight = request.method === 'OPTIONS';
    const response = isPreflight ? preflightResponse(request, this.settings.cors) : await this.#respondTo(intent, request);
    return withCors(response, request, this.settings.cors);
  }

  #respondTo(intent: Intent, request: Request): Promise<Response> | Response {
    switch (intent.kind) {
      case 'refused':
        return errorResponse(intent.error);
      case 'open':
        return this.#openPolling(intent, request);
      case 'poll':
        return this.#poll(intent.session, request.signal);
      case 'post':
        return this.#post(intent.session, request);
      case 'upgrade':
      case 'duplicate':
        return errorResponse(BAD_REQUEST);
    }
  }

  async #openPolling(intent: { revision: Revision; base64Only: boolean }, request: Request): Promise<Response> {
    const session = this.#open(intent, new PollingTransport(), request);
    return this.#poll(session, request.signal);
  }

  /** Opens a session on a WebSocket that was just accepted. */
  openSocket(intent: { revision: Revision; base64Only: boolean }, socket: FrameSocket, request: Request): Session {
    return this.#open(intent, socket, request);
  }

  #open(intent: { revision: Revision; base64Only: boolean }, transport: FrameSocket | PollingTransport, request: Request): Session {
    const session = new Session(this, { ...intent, sid: this.#platform.createSid() }, transport);
    this.#add(session);
    this.#platform.wakeAt(session.nextAttention());
    this.#platform.opened(session);
    session.sendPacket(openPacket(session, this.settings));
    this.#application.opened(session, request);
    return session;
  }

  /**
   * Takes over a session that another server opened, on a WebSocket from that server. The client notices nothing: no packet is sent.
   *
   * @param saved the application's part of the session, as its `save` answered it there.
   */
  adopt(identity: SessionIdentity, socket: FrameSocket, saved: unknown): Session {
    const session = new Session(this, identity, socket);
    this.#add(session);
    this.#platform.wakeAt(session.nextAttention());
    this.changed(session);
    this.#application.restored?.(session, saved);
    return session;
  }

  /** Gives an adopted session back. Answers the application's part of it, for the server that opened it. */
  release(session: Session): unknown {
    const saved = this.#application.save?.(session);
    session.detach();
    this.#application.released?.(session);
    return saved;
  }

  /** Brings back a session after the object slept. */
  restore(stored: StoredSession, socket: FrameSocket | undefined): Session {
    const session = Session.restore(this, stored.engine, socket);
    this.#add(session);
    // Its time may have come while the object slept.
    this.#platform.wakeAt(session.attend(this.now()));
    // Where the session has ended, and only its last packets wait to be fetched, the application has let go of it.
    if (session.isOpen) this.#application.restored?.(session, stored.application);
    return session;
  }

  #add(session: Session): void {
    this.#sessions.set(session.sid, session);
    if (session.socket) this.#bySocket.set(session.socket, session);
  }

  find(sid: string): Session | undefined {
    return this.#sessions.get(sid);
  }

  /** Lets a WebSocket try to take over a polling session. */
  startUpgrade(session: Session, socket: FrameSocket): void {
    this.#bySocket.set(socket, session);
    session.startUpgrade(socket);
  }

  /** The session a WebSocket belongs to, as its transport or as a candidate for it. */
  sessionOf(socket: FrameSocket): Session | undefined {
    return this.#bySocket.get(socket);
  }

  /** Handles one message of a WebSocket. */
  receive(socket: FrameSocket, frame: Frame): void {
    const session = this.#bySocket.get(socket);
    if (session?.upgrade?.socket === socket) session.upgrade.receiveFrame(frame);
    else if (session?.socket === socket) session.receiveFrame(frame);
  }

  /** Handles the end of a WebSocket. */
  socketClosed(socket: FrameSocket): void {
    const session = this.#bySocket.get(socket);
    this.#bySocket.delete(socket);
    if (session?.upgrade?.socket === socket) session.upgrade.abort();
    else if (session?.socket === socket) session.socketClosed();
  }

  /** Does everything that is due by now, for all sessions, and asks the platform for the next call. */
  attend(): void {
    const now = this.now();
    let next = this.#application.attend?.(now) ?? Infinity;
    for (const session of [...this.#sessions.values()]) next = Math.min(next, session.attend(now));
    if (next < Infinity) this.#platform.wakeAt(next);
  }

  /** A session and the application's data with it, to be stored while the object sleeps. */
  stored(session: Session): StoredSession {
    return { engine: session.record(), application: this.#application.save?.(session) };
  }

  async #poll(session: Session, signal: AbortSignal): Promise<Response> {
    return pollResponse(session, await session.poll(signal));
  }

  async #post(session: Session, request: Request): Promise<Response> {
    if (this.#posting.has(session)) {
      session.close('transport error');
      return errorResponse(BAD_REQUEST);
    }
    this.#posting.add(session);
    const body = await readBody(request, session.revision, this.settings.maxPayload).finally(() => this.#posting.delete(session));
    if (body === 'too large') return new Response(null, { status: 413 });
    if (body === 'malformed') session.close('parse error');
    if (body === 'malformed' || !session.isOpen) return errorResponse(BAD_REQUEST);
    session.receivePayload(body.packets, body.bytes);
    return new Response('ok', { headers: { 'content-type': 'text/html' } });
  }

  // What sessions need of their server.

  now(): number {
    return this.#platform.now();
  }

  after(milliseconds: number, callback: () => void): void {
    this.#platform.after(milliseconds, callback);
  }

  get hearsHeartbeats(): boolean {
    return this.#platform.hearsHeartbeats;
  }

  heartbeatSeenAt(socket: FrameSocket): number | undefined {
    return this.#platform.heartbeatSeenAt(socket);
  }

  needsAttentionAt(time: number): void {
    this.#platform.wakeAt(time);
  }

  changed(session: Session): void {
    if (session.isClosed) {
      this.#sessions.delete(session.sid);
      if (session.socket) this.#bySocket.delete(session.socket);
    }
    this.#platform.changed(session);
  }

  received(session: Session, data: Data): void {
    this.#application.received(session, data);
  }

  closed(session: Session, reason: CloseReason): void {
    this.#application.closed(session, reason);
  }
}

function pollResponse(session: Session, answer: PollAnswer): Response {
  if (answer === 'refused') return errorResponse(session.isClosed ? UNKNOWN_SID : BAD_REQUEST);
  const body = codecOf(session.revision).encodePayload(answer, session.base64Only);
  const contentType = typeof body === 'string' ? 'text/plain; charset=UTF-8' : 'application/octet-stream';
  return new Response(body, { headers: { 'content-type': contentType } });
}
