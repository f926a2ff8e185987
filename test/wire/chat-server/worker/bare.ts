import { DurableObject } from 'cloudflare:workers';

const OPEN = `0${JSON.stringify({ sid: 'x'.repeat(63), upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 })}`;
const CONNECTED = `40${JSON.stringify({ sid: 'x'.repeat(20) })}`;

/**
 * The benchmark's yardstick: a room that sends the frames that Socket.IO would, to the same clients, and does nothing else. It keeps nothing
 * about them, asks them nothing and checks nothing.
 */
export class Bare extends DurableObject {
  override fetch(): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    socket.send(OPEN);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string): void {
    if (message === '40') socket.send(CONNECTED);
    else this.#say(message.replace('"say"', '"said"'));
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  #say(frame: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }
}
