import { nameOfSection } from '../sfu/room.ts';
import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function connectionHandlers(
  rooms: Rooms,
): Pick<
  Handlers,
  | 'answerOffer'
  | 'createOffer'
  | 'completeOffer'
  | 'attachProducer'
  | 'detachProducer'
  | 'setSectionPaused'
  | 'setSectionLayers'
  | 'watchSection'
  | 'unwatchSection'
  | 'connectionStats'
  | 'closeConnection'
> {
  return {
    answerOffer({ path: { room, generation, connection }, body }) {
      return rooms.get(room, generation).connections.answerOffer(connection, body);
    },
    createOffer({ path: { room, generation, connection }, body }) {
      return rooms.get(room, generation).connections.createOffer(connection, body);
    },
    completeOffer({ path: { room, generation, connection }, body }) {
      return rooms.get(room, generation).connections.completeOffer(connection, body);
    },
    attachProducer({ path: { room, generation, connection, mid }, body: { producer } }) {
      return rooms.get(room, generation).connections.attachProducer(connection, mid, producer);
    },
    async detachProducer({ path: { room, generation, connection, mid } }) {
      await rooms.get(room, generation).connections.detachProducer(connection, mid);
      return {};
    },
    async setSectionPaused({ path: { room, generation, connection, mid }, body: { paused } }) {
      await rooms.get(room, generation).connections.setSectionPaused(connection, mid, paused);
      return {};
    },
    async setSectionLayers({ path: { room, generation, connection, mid }, body }) {
      await rooms.get(room, generation).connections.setSectionLayers(connection, mid, body);
      return {};
    },
    watchSection({ path: { room, generation, connection, mid } }) {
      rooms.get(room, generation).watchSection(connection, mid);
      return {};
    },
    unwatchSection({ path: { room, generation, connection, mid } }) {
      rooms.get(room, generation).unwatch(nameOfSection(connection, mid));
      return {};
    },
    connectionStats({ path: { room, generation, connection } }) {
      return rooms.get(room, generation).connections.stats(connection);
    },
    closeConnection({ path: { room, generation, connection } }) {
      rooms.get(room, generation).connections.close(connection);
      return {};
    },
  };
}
