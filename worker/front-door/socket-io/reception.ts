import type { Env } from '../../platform/env.ts';
import { logger } from '../../platform/logger.ts';
import { entrances } from '../../protocols/index.ts';
import type { Entrance, EventListener, EventSocket, Upgrade } from '../../protocols/protocol.ts';
import type { Session } from '../../wire/engine-io/session.ts';
import type { Ack, ConnectRequest, SocketApplication, Verdict } from '../../wire/socket-io/application.ts';
import { SocketServer } from '../../wire/socket-io/server.ts';
import type { DisconnectReason, Socket } from '../../wire/socket-io/socket.ts';
import { doorOf } from '../door.ts';
import { entranceNameIn } from './path.ts';

/** A client has this long to show which protocol it speaks, in milliseconds. Pages connect before their user does anything. */
const PATIENCE = 60_000;

type SocketIoEntrance = Entrance & {
  readonly lobby: { readonly byFirstEvent: NonNullable<NonNullable<Entrance['lobby']>['byFirstEvent']> };
};

/**
 * Receives one Socket.IO connection at the front door. It is let into the namespaces of the protocols, and in each its first event decides which
 * protocol's lobby attends to it from then on.
 */
export class Reception implements SocketApplication {
  readonly server: SocketServer = new SocketServer(this);
  readonly #upgrade: Upgrade;
  readonly #env: Env;
  readonly #candidates: readonly SocketIoEntrance[];
  readonly #listeners = new Map<Socket, EventListener>();
  #patience: ReturnType<typeof setTimeout> | null = null;

  constructor(upgrade: Upgrade, env: Env) {
    this.#upgrade = upgrade;
    this.#env = env;
    const name = entranceNameIn(upgrade.url.pathname);
    this.#candidates = entrances.filter(takesEvents).filter((entrance) => name === undefined || entrance.name === name);
  }

  connecting({ namespace }: ConnectRequest): Verdict {
    const isKnown = this.#candidates.some(({ lobby }) => lobby.byFirstEvent.namespaces.includes(namespace));
    return isKnown ? { accept: true } : { accept: false, message: 'Invalid namespace' };
  }

  connected({ session }: Socket): void {
    this.#patience ??= setTimeout(() => {
      session.close('forced close');
    }, PATIENCE);
  }

  event(socket: Socket, name: string, args: readonly unknown[], ack: Ack | undefined): void {
    const listener = this.#listeners.get(socket) ?? this.#recognise(socket, name);
    // Nothing that it says later would be understood either.
    if (listener) listener.event(name, args, ack?.id);
    else socket.disconnect();
  }

  disconnected(socket: Socket, reason: DisconnectReason): void {
    if (!socket.session.isOpen) clearTimeout(this.#patience);
    this.#listeners.get(socket)?.closed(reason);
    this.#listeners.delete(socket);
  }

  failed(error: unknown): void {
    logger.error('socket.io: an event failed', { error: String(error) });
  }

  #recognise(socket: Socket, event: string): EventListener | undefined {
    const namespace = socket.namespace.name;
    const entrance = this.#candidates.find(({ lobby }) => lobby.byFirstEvent.recognises(namespace, event));
    if (!entrance) return undefined;
    clearTimeout(this.#patience);
    const door = doorOf(entrance.name, this.#env);
    const listener = entrance.lobby.byFirstEvent.attend(clientOf(socket), this.#upgrade, door);
    this.#listeners.set(socket, listener);
    return listener;
  }
}

function takesEvents(entrance: Entrance): entrance is SocketIoEntrance {
  return entrance.lobby?.byFirstEvent !== undefined;
}

/** What a lobby sees of a client. */
function clientOf(socket: Socket): EventSocket {
  const session: Session = socket.session;
  return {
    id: socket.id,
    emit: (event, json) => {
      socket.emitSerialised(event, json);
    },
    acknowledge: (ackId, json) => {
      socket.acknowledgeSerialised(ackId, json);
    },
    dismiss: () => {
      socket.disconnect();
    },
    close: () => {
      session.close('forced close');
    },
  };
}
