import type { OutgoingPacket } from '../engine-io/outgoing.ts';
import { writeEvent } from './packet.ts';
import type { Audience, Recovery } from './recovery.ts';
import type { AckExpectation, DisconnectReason, Socket, SocketHome } from './socket.ts';

/** What a namespace needs of its server. */
export interface NamespaceHost {
  readonly recovery: Recovery | undefined;
  /** The clients of a namespace by their public id; empty for a namespace without clients. */
  socketsOf(name: string): ReadonlyMap<string, Socket>;
  now(): number;
  needsAttentionAt(time: number): void;
  remove(socket: Socket, reason: DisconnectReason): void;
}

/** A namespace, whether it has clients at the moment or not. */
export class Namespace implements SocketHome {
  readonly name: string;
  readonly #host: NamespaceHost;

  constructor(name: string, host: NamespaceHost) {
    this.name = name;
    this.#host = host;
  }

  /** All clients in this namespace, by their public id. */
  get sockets(): ReadonlyMap<string, Socket> {
    return this.#host.socketsOf(this.name);
  }

  has(socket: Socket): boolean {
    return this.sockets.get(socket.id) === socket;
  }

  /** Takes a client out. The client itself is told nothing. */
  remove(socket: Socket, reason: DisconnectReason): void {
    if (this.has(socket)) this.#host.remove(socket, reason);
  }

  /** Sends an event to all clients but some, or to some only. It is encoded once, however many there are. */
  emit(name: string, args: readonly unknown[], audience: Audience = {}): void {
    this.#send(this.#receivers(audience), name, args, audience);
  }

  emitTo(socket: Socket, name: string, args: readonly unknown[], ack?: AckExpectation): void {
    if (ack) this.#ask(socket, name, args, ack);
    else this.#send([socket], name, args, { only: [socket.id] });
  }

  /** An event that expects an answer is not kept for recovery, as in the official server: its answer could not be told apart. */
  #ask(socket: Socket, name: string, args: readonly unknown[], { context, timeout = Infinity }: AckExpectation): void {
    if (!this.has(socket)) return;
    const expiresAt = this.#host.now() + timeout;
    const packets = writeEvent(this.name, name, args, socket.acks.expect(context, expiresAt));
    deliver(socket, packets);
    socket.session.changed();
    this.#host.needsAttentionAt(expiresAt);
  }

  #send(receivers: Iterable<Socket>, name: string, args: readonly unknown[], audience: Audience): void {
    const kept = this.#keep(name, args, audience);
    let plain: OutgoingPacket[] | undefined;
    for (const socket of receivers) {
      // Clients that cannot resume are spared the extra argument.
      if (kept && socket.pid !== undefined) deliver(socket, kept);
      else deliver(socket, (plain ??= writeEvent(this.name, name, args)));
    }
  }

  #keep(name: string, args: readonly unknown[], audience: Audience): OutgoingPacket[] | undefined {
    const { recovery } = this.#host;
    if (!recovery) return undefined;
    const packets = writeEvent(this.name, name, [...args, recovery.nextOffset()]);
    this.#host.needsAttentionAt(recovery.log(this.name, audience, packets, this.#host.now()));
    return packets;
  }

  #receivers({ only, except }: Audience): Iterable<Socket> {
    const { sockets } = this;
    if (!only && !except) return sockets.values();
    const chosen = only ? only.flatMap((id) => sockets.get(id) ?? []) : [...sockets.values()];
    return except ? chosen.filter(({ id }) => !except.includes(id)) : chosen;
  }
}

function deliver(socket: Socket, packets: readonly OutgoingPacket[]): void {
  for (const packet of packets) socket.session.sendPacket(packet);
}
