import { DurableObject } from 'cloudflare:workers';

/** The least that a room can do: each message goes to all, in the frame that Socket.IO would use. The benchmark's yardstick. */
export class Bare extends DurableObject {
  override fetch(): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(_socket: WebSocket, message: string | ArrayBuffer): void {
    const frame = typeof message === 'string' ? message.replace('"say"', '"said"') : message;
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }
}
