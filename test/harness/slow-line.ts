/** A slow line to the edge: a TCP relay that lets the client have only so many bytes in a second. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export class SlowLine {
  /** The edge's address by way of this line. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  /** Opens a line to the edge at `target`. */
  static async open(target: string, bytesPerSecond: number): Promise<SlowLine> {
    const { hostname, port } = new URL(target);
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        sockets.add(socket);
        // Its end is that of the other.
        socket.on('error', () => socket.destroy());
      }
      near.on('close', () => far.destroy()).pipe(far);
      trickle(far, near, bytesPerSecond)
        // The edge has cut the connection, or the client has.
        .catch(() => undefined)
        .finally(() => near.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SlowLine(server, sockets);
  }

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

async function trickle(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    to.write(chunk);
    await wait((chunk.length / bytesPerSecond) * 1_000);
  }
}
