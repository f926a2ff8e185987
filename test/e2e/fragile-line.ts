/** A line to the edge that a test can cut: a TCP relay in front of it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class FragileLine {
  /** The edge's address by way of this line. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #state: { broken: boolean };

  /** Opens a line to the edge at `target`. */
  static async open(target: string): Promise<FragileLine> {
    const { hostname, port } = new URL(target);
    const sockets = new Set<Socket>();
    const state = { broken: false };
    const server = createServer((near) => {
      if (state.broken) near.resetAndDestroy();
      else join(near, connect(Number(port), hostname), sockets);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FragileLine(server, sockets, state);
  }

  private constructor(server: Server, sockets: Set<Socket>, state: { broken: boolean }) {
    this.#server = server;
    this.#sockets = sockets;
    this.#state = state;
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  /** Cuts every connection without a word and takes no new ones. */
  cut(): void {
    this.#state.broken = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#state.broken = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

function join(near: Socket, far: Socket, sockets: Set<Socket>): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    sockets.add(from);
    from.pipe(to);
    // A connection that is cut gives an error on one side; the other side is closed in consequence.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }
}
