import type { Frame } from '../engine-io/packet.ts';
import { type EngineApplication, EngineServer, type Platform } from '../engine-io/server.ts';
import type { Session } from '../engine-io/session.ts';
import { engineSettings, type EngineSettings } from '../engine-io/settings.ts';
import { randomToken } from '../random.ts';

/**
 * An Engine.IO server that is kept in memory only. Timers take the place of an alarm, and nothing is saved: whoever runs it lives as long as
 * its clients are connected, and a client whose server is gone opens a new session.
 */
export class TransientServer implements Platform {
  readonly server: EngineServer;
  readonly #createSid: () => string;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ringsAt = Infinity;

  /** @param createSid makes session ids by which requests find their way back to this server. */
  constructor(application: EngineApplication, chosen: Partial<EngineSettings> = {}, createSid: () => string = randomToken) {
    this.#createSid = createSid;
    this.server = new EngineServer(engineSettings(chosen), this, application, Math.floor(Math.random() * 1_000_000));
  }

  /** Accepts a WebSocket. @param start tells the server what the socket is for. */
  accept(start: (socket: WebSocket) => unknown): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    socket.accept();
    // The default became `blob` with newer compatibility dates.
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      this.server.receive(socket, data as Frame);
    });
    for (const end of ['close', 'error'] as const) {
      socket.addEventListener(end, () => {
        this.server.socketClosed(socket);
      });
    }
    start(socket);
    return new Response(null, { status: 101, webSocket: client });
  }

  now(): number {
    return Date.now();
  }

  after(milliseconds: number, callback: () => void): void {
    setTimeout(callback, milliseconds);
  }

  createSid(): string {
    return this.#createSid();
  }

  wakeAt(time: number): void {
    if (time >= this.#ringsAt) return;
    this.#stop();
    this.#ringsAt = time;
    this.#timer = setTimeout(() => {
      this.#ringsAt = Infinity;
      this.server.attend();
    }, time - Date.now());
  }

  changed(session: Session): void {
    if (session.isClosed && [...this.server.sessions].length === 0) this.#stop();
  }

  heartbeatSeenAt(): undefined {
    // Nobody answers heartbeats in place of the server here.
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#ringsAt = Infinity;
  }
}
