import { errorResponse, BAD_REQUEST } from '../engine-io/errors.ts';
import type { Frame } from '../engine-io/packet.ts';
import { EngineServer, type EngineApplication, type Platform } from '../engine-io/server.ts';
import { engineSettings, type EngineSettings } from '../engine-io/settings.ts';
import { randomToken } from '../random.ts';
import { upgradeResponse } from '../upgrade-response.ts';

/**
 * Serves one Engine.IO WebSocket in a stateless Worker, which lives as long as the socket: for clients whose Durable Object is not known
 * yet. Polling cannot be served like this, because its requests would not find each other; give those to an object.
 *
 */
export function acceptStateless(request: Request, application: EngineApplication, chosen: Partial<EngineSettings> = {}): Response {
  const platform = new TimerPlatform();
  const server = new EngineServer(engineSettings(chosen), platform, application, Math.floor(Math.random() * 1_000_000));
  platform.server = server;
  const intent = server.read(request);
  if (intent.kind === 'refused') return errorResponse(intent.error);
  if (intent.kind !== 'open' || intent.transport !== 'websocket') return errorResponse(BAD_REQUEST);
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.accept();
  // The default became `blob` with newer compatibility dates.
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    server.receive(socket, data as Frame);
  });
  for (const end of ['close', 'error'] as const) {
    socket.addEventListener(end, () => {
      server.socketClosed(socket);
      platform.stop();
    });
  }
  server.openSocket(intent, socket, request);
  return upgradeResponse(client, server.settings);
}

/** Timers instead of an alarm, and nothing to save: the Worker's memory lives as long as its socket. */
class TimerPlatform implements Platform {
  readonly hearsHeartbeats = true;
  server: EngineServer | undefined;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ringsAt = Infinity;

  now(): number {
    return Date.now();
  }

  after(milliseconds: number, callback: () => void): void {
    setTimeout(callback, milliseconds);
  }

  createSid(): string {
    return randomToken();
  }

  wakeAt(time: number): void {
    if (time >= this.#ringsAt) return;
    this.stop();
    this.#ringsAt = time;
    this.#timer = setTimeout(() => {
      this.#ringsAt = Infinity;
      this.server?.attend();
    }, time - Date.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#ringsAt = Infinity;
  }

  opened(): void {
    // Nothing is saved here.
  }

  changed(): void {
    // Nothing outlives this Worker.
  }

  heartbeatSeenAt(): undefined {
    // Nobody answers heartbeats in place of the server here.
  }
}
