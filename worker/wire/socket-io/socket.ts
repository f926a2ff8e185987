import type { Session } from '../engine-io/session.ts';
import type { CloseReason } from '../engine-io/session-host.ts';
import { withNamespace } from './bare-packet.ts';
import { PendingAcks, type PendingAck } from './acks.ts';
import { writeAck, writeDisconnected } from './packet.ts';

/** Why a client left a namespace, in the words of the official server. */
export type DisconnectReason = CloseReason | 'client namespace disconnect' | 'server namespace disconnect';

/** What must survive of a socket while the object sleeps. */
export interface SocketRecord {
  readonly namespace: string;
  readonly id: string;
  readonly pid: string | undefined;
  /** The offset that the namespace's log had reached when the client connected. */
  readonly since: string | undefined;
  readonly data: unknown;
  readonly nextAckId: number;
  readonly acks: readonly PendingAck[];
}

export interface AckExpectation {
  /** Handed back with the answer, see {@link PendingAck}. */
  readonly context: unknown;
  /** Milliseconds. Without it the application waits as long as the client is connected. */
  readonly timeout?: number;
}

/** What a socket needs of its namespace. */
export interface SocketHome {
  readonly name: string;
  has(socket: Socket): boolean;
  emitTo(socket: Socket, name: string, args: readonly unknown[], ack?: AckExpectation): void;
  remove(socket: Socket, reason: DisconnectReason): void;
}

/** What a socket needs of its connection. */
interface SocketConnection {
  readonly session: Session;
  readonly handshake: unknown;
}

/** One client in one namespace. */
export class Socket {
  readonly session: Session;
  readonly namespace: SocketHome;
  /** The public id: unique, and no secret. */
  readonly id: string;
  /** The secret with which the client may resume; only clients of revision 4 know how to, and only where recovery is on. */
  readonly pid: string | undefined;
  readonly since: string | undefined;
  /** What the application's `handshake` kept of the request that opened the connection. */
  readonly handshake: unknown;
  /** Whether the client has resumed an earlier connection and received what it missed. */
  readonly recovered: boolean;
  readonly acks: PendingAcks;
  #data: unknown;

  constructor({ session, handshake }: SocketConnection, namespace: SocketHome, record: SocketRecord, recovered = false) {
    this.session = session;
    this.handshake = handshake;
    this.namespace = namespace;
    ({ id: this.id, pid: this.pid, since: this.since, data: this.#data } = record);
    this.recovered = recovered;
    this.acks = new PendingAcks(record.nextAckId, record.acks);
  }

  /** The application's own data about this client. It survives the object's sleep. Assign it anew to change it. */
  get data(): unknown {
    return this.#data;
  }

  set data(data: unknown) {
    this.#data = data;
    this.session.changed();
  }

  /** Whether the client is still in the namespace. */
  get isConnected(): boolean {
    return this.namespace.has(this);
  }

  /** Sends an event to this client only. With `ack` the client is asked to answer; the answer arrives at the application. */
  emit(name: string, args: readonly unknown[], ack?: AckExpectation): void {
    this.namespace.emitTo(this, name, args, ack);
  }

  /** Answers an event that the client sent with an acknowledgement id. Works also after the object slept. */
  acknowledge(ackId: number, args: readonly unknown[]): void {
    if (!this.isConnected) return;
    for (const packet of writeAck(this.namespace.name, ackId, args)) this.session.sendPacket(packet);
  }

  /** Sends an event or an answer in the form of `bare-packet.ts`, as it came from another server. */
  sendBare(packet: string): void {
    if (this.isConnected) this.session.send(withNamespace(packet, this.namespace.name));
  }

  /** Puts the client out of the namespace. Its connection stays, for its other namespaces. */
  disconnect(): void {
    if (!this.isConnected) return;
    for (const packet of writeDisconnected(this.namespace.name)) this.session.sendPacket(packet);
    this.namespace.remove(this, 'server namespace disconnect');
  }

  record(): SocketRecord {
    const { id, pid, since, data, acks } = this;
    return { namespace: this.namespace.name, id, pid, since, data, nextAckId: acks.nextId, acks: acks.all };
  }
}
