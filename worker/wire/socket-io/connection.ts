import type { Revision } from '../engine-io/packet.ts';
import type { Session } from '../engine-io/session.ts';
import { PacketReader, type PacketLimits, type PartialPacket } from './packet.ts';
import type { Socket, SocketRecord } from './socket.ts';

/** What must survive of a connection while the object sleeps. */
export interface ConnectionRecord {
  readonly sockets: readonly SocketRecord[];
  readonly partial: PartialPacket | undefined;
  readonly handshake: unknown;
  readonly connectBy: number | undefined;
  readonly refusals: number;
}

/** One client, with all the namespaces it is in. */
export class Connection {
  readonly session: Session;
  readonly reader: PacketReader;
  /** What the application keeps of the request that opened the connection. */
  readonly handshake: unknown;
  /** By the name of the namespace. */
  readonly sockets = new Map<string, Socket>();
  /** Namespaces about which the application has not decided yet. */
  readonly deciding = new Set<string>();
  /** When a client must have entered its first namespace, in milliseconds since the epoch; `undefined` once it has. */
  connectBy: number | undefined;
  /** How many times the client was refused a namespace. */
  refusals: number;

  constructor(session: Session, limits: PacketLimits, record: Omit<ConnectionRecord, 'sockets'>) {
    this.session = session;
    this.handshake = record.handshake;
    this.connectBy = record.connectBy;
    this.refusals = record.refusals;
    this.reader = new PacketReader(this.revision, limits, record.partial);
  }

  get revision(): Revision {
    return this.session.revision;
  }

  record(): ConnectionRecord {
    const sockets = Array.from(this.sockets.values(), (socket) => socket.record());
    return { sockets, partial: this.reader.partial, handshake: this.handshake, connectBy: this.connectBy, refusals: this.refusals };
  }
}
