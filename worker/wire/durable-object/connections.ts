import { EngineServer, type EngineApplication, type Platform } from '../engine-io/server.ts';
import type { FrameSocket } from '../engine-io/packet.ts';
import type { Session } from '../engine-io/session.ts';
import { engineSettings, type EngineSettings } from '../engine-io/settings.ts';
import { LAST_FRAME, releaseFrame } from '../pipe.ts';
import { readRelayRequest } from '../relay.ts';
import { randomToken } from '../random.ts';
import { upgradeResponse } from '../upgrade-response.ts';
import { sidPrefixOf } from './affinity.ts';
import { AlarmClock } from './alarm-clock.ts';
import { SessionStore } from './session-store.ts';

/** How long a session may be open before it is saved, in milliseconds. The object cannot fall asleep meanwhile. */
const FRESH_TIME = 1_000;

/** Marks this layer's WebSockets among all of an object. */
const TAG = 'engine.io';

export interface ConnectionOptions {
  readonly settings?: Partial<EngineSettings>;
  /** The object's alarm clock, when other parts of the object use the alarm too. */
  readonly clock?: AlarmClock;
  /**
   * Lets the platform answer the heartbeats of revision 3 without waking the object. An object has only one such answer: switch it off
   * where another protocol needs it, where all frames are passed on to another object, or where clients are to be asked for heartbeats when they are sent
   * much (`prompt-heartbeats.ts`). Default: on.
   */
  readonly answersHeartbeats?: boolean;
}

/**
 * An Engine.IO server inside a Durable Object with hibernation. The object hands over its requests, its WebSocket events and its alarm:
 *
 * ```ts
 * fetch(request) { return this.#connections.fetch(request); }
 * webSocketMessage(socket, message) { this.#connections.receive(socket, message); }
 * webSocketClose(socket) { this.#connections.socketClosed(socket); }
 * webSocketError(socket) { this.#connections.socketClosed(socket); }
 * alarm() { this.#connections.alarm(); }
 * ```
 */
export class DurableConnections implements Platform {
  readonly server: EngineServer;
  readonly hearsHeartbeats: boolean;
  readonly #ctx: DurableObjectState;
  readonly #clock: AlarmClock;
  readonly #store: SessionStore;
  readonly #sidPrefix: string;
  readonly #changed = new Set<Session>();
  /** Sessions that opened a moment ago and were not saved since. */
  readonly #fresh = new Set<Session>();
  #willSaveFresh = false;
  /** Whether what changes now is saved when a message has been handled: a promise would cost more than the saving. */
  #isReceiving = false;

  /** Sessions from before the object slept are back when this returns; the application hears of them by `restored`. */
  constructor(ctx: DurableObjectState, application: EngineApplication, options: ConnectionOptions = {}) {
    this.#ctx = ctx;
    this.#sidPrefix = sidPrefixOf(ctx.id.toString());
    this.#clock = options.clock ?? new AlarmClock(ctx.storage);
    this.#store = new SessionStore(ctx.storage.kv);
    this.hearsHeartbeats = options.answersHeartbeats === false;
    this.server = new EngineServer(engineSettings(options.settings), this, application, phaseOf(ctx.id));
    if (!this.hearsHeartbeats) ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('2', '3'));
    this.#store.restore(this.server, ctx.getWebSockets(TAG));
  }

  /** Handles a request to the Engine.IO path. */
  fetch(request: Request): Promise<Response> | Response {
    const intent = this.server.read(request);
    switch (intent.kind) {
      case 'open':
        if (intent.transport === 'polling') break;
        return this.#accept((socket) => this.server.openSocket(intent, socket, request));
      case 'upgrade':
        return this.#accept((socket) => {
          this.server.startUpgrade(intent.session, socket);
        });
      case 'duplicate':
        return refuseSocket();
      case 'poll':
      case 'post':
      case 'refused':
        break;
    }
    return this.server.respond(request, intent);
  }

  /**
   * Takes a session over from the server that opened it, see `relay.ts`. Whoever calls this has made sure that the request comes from
   * that server and not from a client.
   */
  adopt(request: Request): Response {
    const { identity, saved } = readRelayRequest(request);
    return this.#accept((socket) => this.server.adopt({ ...identity, sid: this.createSid() }, socket, saved));
  }

  /** Gives an adopted session back to the server that opened it. */
  release(session: Session): void {
    const { socket } = session;
    socket?.send(releaseFrame(this.server.release(session)));
  }

  /** Accepts a WebSocket that hibernates. */
  #accept(start: (socket: WebSocket) => unknown): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.#ctx.acceptWebSocket(socket, [TAG]);
    start(socket);
    return upgradeResponse(client, this.server.settings);
  }

  /** Whether a WebSocket event of the object concerns this layer. */
  owns(socket: WebSocket): boolean {
    return this.#ctx.getTags(socket).includes(TAG);
  }

  receive(socket: WebSocket, frame: string | ArrayBuffer): void {
    if (!this.server.sessionOf(socket)) {
      returnFrame(socket, frame);
      return;
    }
    this.#isReceiving = true;
    try {
      this.server.receive(socket, frame);
    } finally {
      this.#isReceiving = false;
      if (this.#changed.size > 0) this.#saveChanged();
    }
  }

  socketClosed(socket: WebSocket): void {
    this.server.socketClosed(socket);
  }

  alarm(): void {
    this.#clock.rang();
    this.server.attend();
  }

  // What the server needs of its surroundings.

  now(): number {
    return Date.now();
  }

  after(milliseconds: number, callback: () => void): void {
    setTimeout(callback, milliseconds);
  }

  createSid(): string {
    return this.#sidPrefix + randomToken();
  }

  wakeAt(time: number): void {
    this.#clock.wakeAt(time);
  }

  heartbeatSeenAt(socket: FrameSocket): number | undefined {
    return socket instanceof WebSocket ? this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() : undefined;
  }

  /** A client's next packet, by which it enters a namespace, comes at once, as a rule: the session is saved with what that changes. */
  opened(session: Session): void {
    this.#fresh.add(session);
    // A timer costs more than all the rest of a handshake, so there is one for all that open meanwhile.
    if (this.#willSaveFresh) return;
    this.#willSaveFresh = true;
    this.after(FRESH_TIME, () => {
      this.#willSaveFresh = false;
      for (const fresh of this.#fresh) this.changed(fresh);
    });
  }

  /** Saves once per task, however much happens in it. */
  changed(session: Session): void {
    if (this.#changed.size === 0 && !this.#isReceiving) {
      // `queueMicrotask` takes the runtime several times as long.
      void Promise.resolve().then(() => {
        this.#saveChanged();
      });
    }
    this.#changed.add(session);
  }

  #saveChanged(): void {
    const sessions = [...this.#changed];
    this.#changed.clear();
    for (const session of sessions) {
      this.#fresh.delete(session);
      this.#store.save(this.server, session);
    }
  }
}

/** Any number that differs between objects: the beginning of the id, which is random. */
function phaseOf(id: DurableObjectId): number {
  return Number.parseInt(id.toString().slice(0, 8), 16);
}

/** The client of this socket was released: what it still sends belongs to the server that opened its session. */
function returnFrame(socket: WebSocket, frame: string | ArrayBuffer): void {
  try {
    if (frame === LAST_FRAME) socket.close(1000, 'released');
    else socket.send(frame);
  } catch {
    // The socket of a session that was closed; what still arrives on it concerns nobody.
  }
}

/** A second WebSocket of a session must see a closed connection rather than an HTTP error. */
function refuseSocket(): Response {
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.accept();
  socket.close(1000, 'the session has a WebSocket');
  return upgradeResponse(client);
}
