import { OutgoingPacket } from '../engine-io/outgoing.ts';
import type { Data } from '../engine-io/packet.ts';
import type { EngineApplication, Surroundings } from '../engine-io/server.ts';
import type { Session } from '../engine-io/session.ts';
import type { CloseReason } from '../engine-io/session-host.ts';
import { randomToken } from '../random.ts';
import type { Ack, SocketApplication, Verdict } from './application.ts';
import { Connection, type ConnectionRecord } from './connection.ts';
import { Namespace, type NamespaceHost } from './namespace.ts';
import { DEFAULT_PACKET_LIMITS, writeConnected, writeRefused, type IncomingPacket, type PacketLimits } from './packet.ts';
import { DEFAULT_RECOVERY_SETTINGS, Recovery, type RecoverySettings, type RecoveryStorage } from './recovery.ts';
import { Socket, type DisconnectReason, type SocketRecord } from './socket.ts';

export interface SocketServerOptions {
  readonly limits?: Partial<PacketLimits>;
  /** Milliseconds a client has to enter its first namespace. Default: 45 s, as in the official server. */
  readonly connectTimeout?: number;
  /** How many namespaces one connection may be in. */
  readonly maxNamespaces?: number;
  /** Lets clients resume after a short loss of their connection. Without it there is no recovery. */
  readonly recovery?: Partial<RecoverySettings> & { readonly storage: RecoveryStorage };
}

const CONNECT_TIMEOUT = 45_000;
const MAX_NAMESPACES = 16;
/** A client that asks for one wrong namespace after another is not in error but at work. */
const MAX_REFUSALS = 32;

/** Reasons after which the client itself, or the application, wanted an end; nobody resumes after those. */
const FINAL_REASONS: ReadonlySet<DisconnectReason> = new Set<DisconnectReason>([
  'client namespace disconnect',
  'server namespace disconnect',
  'parse error',
]);

const NOBODY: ReadonlyMap<string, Socket> = new Map();

/** A Socket.IO server, to be run on an Engine.IO server: namespaces, events, acknowledgements, recovery. */
export class SocketServer implements EngineApplication, NamespaceHost {
  readonly recovery: Recovery | undefined;
  readonly #application: SocketApplication;
  readonly #limits: PacketLimits;
  readonly #connectTimeout: number;
  readonly #maxNamespaces: number;
  readonly #connections = new Map<Session, Connection>();
  /** By the name of the namespace and by their public id; namespaces without clients are not there. */
  readonly #sockets = new Map<string, Map<string, Socket>>();
  #surroundings: Surroundings | undefined;

  constructor(application: SocketApplication, options: SocketServerOptions = {}) {
    this.#application = application;
    this.#limits = { ...DEFAULT_PACKET_LIMITS, ...options.limits };
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
    this.#maxNamespaces = options.maxNamespaces ?? MAX_NAMESPACES;
    const { recovery } = options;
    this.recovery = recovery && new Recovery({ ...DEFAULT_RECOVERY_SETTINGS, ...recovery }, recovery.storage);
  }

  /** A namespace. It need not be declared: who may enter it is the application's decision. */
  of(name: string): Namespace {
    return new Namespace(name, this);
  }

  // What the Engine.IO server tells.

  attached(surroundings: Surroundings): void {
    this.#surroundings = surroundings;
  }

  opened(session: Session, request: Request): void {
    const connectBy = this.now() + this.#connectTimeout;
    const handshake = this.#application.handshake?.(request);
    const connection = new Connection(session, this.#limits, { partial: undefined, handshake, connectBy, refusals: 0 });
    this.#connections.set(session, connection);
    this.needsAttentionAt(connectBy);
    // Clients of revision 3 are in the main namespace from the beginning (protocol document v5, "Difference between v5 and v4").
    if (session.revision === 3) this.#connect(connection, '/', {});
  }

  received(session: Session, data: Data): void {
    const connection = this.#connections.get(session);
    if (!connection) return;
    const { partial } = connection.reader;
    const packet = connection.reader.add(data);
    if (connection.reader.partial !== partial) session.changed();
    if (packet === 'malformed') session.close('parse error');
    else if (packet) this.#handle(connection, packet);
  }

  closed(session: Session, reason: CloseReason): void {
    const connection = this.#connections.get(session);
    this.#connections.delete(session);
    for (const socket of connection?.sockets.values() ?? []) socket.namespace.remove(socket, reason);
  }

  save(session: Session): ConnectionRecord | undefined {
    return this.#connections.get(session)?.record();
  }

  released(session: Session): void {
    for (const socket of this.#connections.get(session)?.sockets.values() ?? []) this.#take(socket);
    this.#connections.delete(session);
  }

  restored(session: Session, saved: unknown): void {
    this.released(session);
    const record = saved as ConnectionRecord;
    const connection = new Connection(session, this.#limits, record);
    this.#connections.set(session, connection);
    for (const socket of record.sockets) this.#enter(connection, socket);
    this.needsAttentionAt(Math.min(connection.connectBy ?? Infinity, ...this.#ackExpiries(connection)));
  }

  attend(now: number): number {
    let next = this.recovery?.attend(now) ?? Infinity;
    for (const connection of [...this.#connections.values()]) {
      if (now >= (connection.connectBy ?? Infinity)) connection.session.close('forced close');
      for (const socket of connection.sockets.values()) this.#expireAcks(socket, now);
      next = Math.min(next, connection.connectBy ?? Infinity, ...this.#ackExpiries(connection));
    }
    return next;
  }

  // What namespaces ask.

  now(): number {
    return this.#surroundings?.now() ?? Date.now();
  }

  needsAttentionAt(time: number): void {
    if (time < Infinity) this.#surroundings?.needsAttentionAt(time);
  }

  socketsOf(name: string): ReadonlyMap<string, Socket> {
    return this.#sockets.get(name) ?? NOBODY;
  }

  remove(socket: Socket, reason: DisconnectReason): void {
    this.#take(socket);
    socket.session.changed();
    if (this.recovery && !FINAL_REASONS.has(reason)) this.needsAttentionAt(this.recovery.lose(socket.record(), this.now()));
    this.#run(() => this.#application.disconnected?.(socket, reason));
  }

  #take({ id, session, namespace }: Socket): void {
    const sockets = this.#sockets.get(namespace.name);
    sockets?.delete(id);
    if (sockets?.size === 0) this.#sockets.delete(namespace.name);
    this.#connections.get(session)?.sockets.delete(namespace.name);
  }

  #ackExpiries(connection: Connection): number[] {
    return Array.from(connection.sockets.values(), ({ acks }) => acks.nextExpiry());
  }

  #expireAcks(socket: Socket, now: number): void {
    for (const { context } of socket.acks.takeExpired(now)) {
      socket.session.changed();
      this.#run(() => this.#application.acknowledged?.(socket, context, undefined));
    }
  }

  #handle(connection: Connection, packet: IncomingPacket): void {
    const socket = connection.sockets.get(packet.namespace);
    if (packet.type === 'connect') this.#handleConnect(connection, packet.namespace, packet.auth);
    else if (socket) this.#handleInside(socket, packet);
    // A client may still be speaking in a namespace that it was put out of; before its first namespace it has nothing to say.
    else if (connection.connectBy !== undefined) connection.session.close('parse error');
  }

  #handleInside(socket: Socket, packet: Exclude<IncomingPacket, { type: 'connect' }>): void {
    switch (packet.type) {
      case 'event':
        this.#run(() => this.#application.event(socket, packet.name, packet.args, ackOf(socket, packet.ackId)));
        break;
      case 'ack':
        this.#handleAck(socket, packet.ackId, packet.args);
        break;
      case 'disconnect':
        socket.namespace.remove(socket, 'client namespace disconnect');
        break;
    }
  }

  #handleAck(socket: Socket, ackId: number, args: readonly unknown[]): void {
    const pending = socket.acks.take(ackId);
    if (!pending) return;
    socket.session.changed();
    this.#run(() => this.#application.acknowledged?.(socket, pending.context, args));
  }

  #handleConnect(connection: Connection, name: string, auth: Readonly<Record<string, unknown>>): void {
    if (connection.sockets.has(name) || connection.deciding.has(name)) connection.session.close('parse error');
    else if (connection.sockets.size + connection.deciding.size >= this.#maxNamespaces)
      this.#refuse(connection, name, 'Too many namespaces');
    else if (!this.#resume(connection, name, auth)) this.#connect(connection, name, auth);
  }

  #resume(connection: Connection, name: string, { pid, offset }: Readonly<Record<string, unknown>>): boolean {
    if (!this.recovery || connection.revision === 3 || typeof pid !== 'string') return false;
    this.#endPredecessor(name, pid);
    const resumed = this.recovery.resume(name, pid, typeof offset === 'string' ? offset : undefined, this.now());
    if (!resumed) return false;
    const socket = this.#enter(connection, resumed.record, true);
    this.#confirm(connection, socket);
    for (const message of resumed.missed) connection.session.sendPacket(new OutgoingPacket('message', message));
    this.#run(() => this.#application.connected(socket));
    return true;
  }

  /** The client knows that its old connection is gone before the server does. */
  #endPredecessor(name: string, pid: string): void {
    for (const socket of this.socketsOf(name).values()) if (socket.pid === pid) socket.session.close('transport close');
  }

  #connect(connection: Connection, name: string, auth: Readonly<Record<string, unknown>>): void {
    connection.deciding.add(name);
    const decide = (): Verdict | Promise<Verdict> =>
      this.#application.connecting({ namespace: name, auth, handshake: connection.handshake });
    const act = (verdict: Verdict): void => {
      this.#actOn(verdict, connection, name);
    };
    try {
      const verdict = decide();
      // A verdict that is there at once is acted on at once: clients of revision 3 get it together with the handshake.
      if (verdict instanceof Promise)
        verdict.then(act).catch((error: unknown) => {
          this.#refuseAfter(error, connection, name);
        });
      else act(verdict);
    } catch (error) {
      this.#refuseAfter(error, connection, name);
    }
  }

  #refuseAfter(error: unknown, connection: Connection, name: string): void {
    this.#application.failed(error);
    connection.deciding.delete(name);
    this.#refuse(connection, name, 'Internal error');
  }

  #actOn(verdict: Verdict, connection: Connection, name: string): void {
    connection.deciding.delete(name);
    if (!connection.session.isOpen) return;
    if (!verdict.accept) {
      this.#refuse(connection, name, verdict.message, verdict.data);
      return;
    }
    const socket = this.#enter(connection, this.#newRecord(connection, name, verdict.data));
    this.#confirm(connection, socket);
    this.#run(() => this.#application.connected(socket));
  }

  #newRecord({ revision, session }: Connection, namespace: string, data: unknown): SocketRecord {
    const inherited = namespace === '/' ? session.sid : `${namespace}#${session.sid}`;
    const id = revision === 3 ? inherited : randomToken();
    const pid = this.recovery && revision === 4 ? randomToken() : undefined;
    return { namespace, id, pid, since: pid && this.recovery?.lastOffset, data, nextAckId: 0, acks: [] };
  }

  #enter(connection: Connection, record: SocketRecord, recovered = false): Socket {
    const socket = new Socket(connection, this.of(record.namespace), record, recovered);
    const sockets = this.#sockets.get(record.namespace) ?? new Map<string, Socket>();
    this.#sockets.set(record.namespace, sockets.set(socket.id, socket));
    connection.sockets.set(record.namespace, socket);
    connection.connectBy = undefined;
    return socket;
  }

  #confirm({ session, revision }: Connection, { id, pid, namespace }: Socket): void {
    session.changed();
    const ids = { sid: id, ...(pid !== undefined && { pid }) };
    for (const packet of writeConnected(revision, namespace.name, ids)) session.sendPacket(packet);
  }

  #refuse(connection: Connection, name: string, message: string, data?: unknown): void {
    for (const packet of writeRefused(connection.revision, name, message, data)) connection.session.sendPacket(packet);
    connection.session.changed();
    if (++connection.refusals > MAX_REFUSALS) connection.session.close('forced close');
  }

  /** Runs a handler of the application. Whatever it throws must not reach the connection, or one bad event could end all. */
  #run(handler: () => void | Promise<void>): void {
    try {
      const result = handler();
      if (result instanceof Promise)
        result.catch((error: unknown) => {
          this.#application.failed(error);
        });
    } catch (error) {
      this.#application.failed(error);
    }
  }
}

function ackOf(socket: Socket, id: number | undefined): Ack | undefined {
  if (id === undefined) return undefined;
  let isAnswered = false;
  const answer = (...args: readonly unknown[]): void => {
    if (isAnswered) return;
    isAnswered = true;
    socket.acknowledge(id, args);
  };
  return Object.assign(answer, { id });
}
