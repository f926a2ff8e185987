import type { Env } from '../../platform/env.ts';
import { logger } from '../../platform/logger.ts';
import { entrances } from '../../protocols/index.ts';
import type { Entrance, EventListener, EventSocket } from '../../protocols/protocol.ts';
import type { ConnectRequest } from '../../wire/socket-io/application.ts';
import { serialisedAck, serialisedEvent } from '../../wire/socket-io/bare-packet.ts';
import { receptionServer, requestOf, type SocketListener } from '../../wire/socket-io/reception.ts';
import type { SocketServer } from '../../wire/socket-io/server.ts';
import type { Socket } from '../../wire/socket-io/socket.ts';
import { doorOf } from '../door.ts';
import { upgradeOf } from '../upgrade.ts';
import { entranceNameIn } from './path.ts';

/** A client has this long to show which protocol it speaks, in milliseconds. Pages connect before their user does anything. */
const PATIENCE = 60_000;

type SocketIoEntrance = Entrance & {
  readonly lobby: { readonly byFirstEvent: NonNullable<NonNullable<Entrance['lobby']>['byFirstEvent']> };
};

/**
 * Receives Socket.IO clients at the front door. They are let into the namespaces of the protocols, and in each the first event decides which
 * protocol's lobby attends to the client from then on.
 */
export function newDesk(env: Env): SocketServer {
  return receptionServer({
    patience: PATIENCE,
    admit: (request) => (isKnown(request) ? { accept: true } : { accept: false, message: 'Invalid namespace' }),
    attend: (socket, event) => {
      const listener = recognise(socket, event, env);
      // Nothing that the client says later would be understood either.
      if (!listener) socket.disconnect();
      return listener;
    },
    failed: (error) => {
      logger.error('socket.io: an event failed', { error: String(error) });
    },
  });
}

function isKnown(request: ConnectRequest): boolean {
  return candidatesFor(request).some(({ lobby }) => lobby.byFirstEvent.namespaces.includes(request.namespace));
}

function recognise(socket: Socket, event: string, env: Env): SocketListener | undefined {
  const entrance = candidatesFor(socket).find(({ lobby }) => lobby.byFirstEvent.recognises(socket.namespace.name, event));
  if (!entrance) return undefined;
  const door = doorOf(entrance.name, env);
  return attended(socket, entrance.lobby.byFirstEvent.attend(clientOf(socket), upgradeOf(requestOf(socket)), door));
}

function candidatesFor(client: Socket | ConnectRequest): SocketIoEntrance[] {
  const name = entranceNameIn(new URL(requestOf(client).url).pathname);
  return entrances.filter(takesEvents).filter((entrance) => name === undefined || entrance.name === name);
}

function takesEvents(entrance: Entrance): entrance is SocketIoEntrance {
  return entrance.lobby?.byFirstEvent !== undefined;
}

/** What a lobby knows of a client is in memory only: should that be lost, the session ends with it, and the client connects anew. */
function attended(socket: Socket, listener: EventListener): SocketListener {
  const unpin = socket.session.pin();
  return {
    event: (name, args, ack) => {
      listener.event(name, args, ack?.id);
    },
    closed: (reason) => {
      unpin();
      listener.closed(reason);
    },
  };
}

/** What a lobby sees of a client. */
function clientOf(socket: Socket): EventSocket {
  return {
    id: socket.id,
    emit: (event, json) => {
      socket.sendBare(serialisedEvent(event, json));
    },
    acknowledge: (ackId, json) => {
      socket.sendBare(serialisedAck(ackId, json));
    },
    whenRoomy: (callback) => {
      socket.session.whenRoomy(callback);
    },
    dismiss: () => {
      socket.disconnect();
    },
    close: () => {
      socket.session.close('forced close');
    },
  };
}
