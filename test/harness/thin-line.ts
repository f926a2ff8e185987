/** A thin line for media: a UDP relay that drops what comes too fast for it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** So much, in seconds, is let through at once. */
const BURST = 0.1;

export class ThinLine {
  readonly port: number;
  readonly #near: Socket;
  readonly #target: number;
  /** Towards the target, by the client's address: a browser tries several. */
  readonly #far = new Map<string, Socket>();
  #bytesPerSecond = Infinity;
  #allowed = 0;
  #countedAt = performance.now();

  /** Opens a line to a port of this machine, as wide as anybody needs. */
  static async open(target: number): Promise<ThinLine> {
    const near = createSocket('udp4').bind(0, '127.0.0.1');
    await once(near, 'listening');
    return new ThinLine(near, target);
  }

  private constructor(near: Socket, target: number) {
    this.port = near.address().port;
    this.#near = near;
    this.#target = target;
    near.on('message', (packet, client) => {
      this.#socketOf(client).send(packet, this.#target, '127.0.0.1');
    });
  }

  /** From now on no more gets through to the client. */
  narrow(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#allowed = 0;
    this.#countedAt = performance.now();
  }

  close(): void {
    for (const socket of [this.#near, ...this.#far.values()]) socket.close();
  }

  #socketOf({ address, port }: RemoteInfo): Socket {
    const client = `${address} ${port}`;
    const known = this.#far.get(client);
    if (known) return known;
    const socket = createSocket('udp4').on('message', (packet) => {
      if (this.#hasRoomFor(packet.length)) this.#near.send(packet, port, address);
    });
    this.#far.set(client, socket);
    return socket;
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.#bytesPerSecond === Infinity) return true;
    const now = performance.now();
    const more = ((now - this.#countedAt) / 1_000) * this.#bytesPerSecond;
    this.#allowed = Math.min(this.#allowed + more, Math.max(this.#bytesPerSecond * BURST, bytes));
    this.#countedAt = now;
    if (bytes > this.#allowed) return false;
    this.#allowed -= bytes;
    return true;
  }
}
