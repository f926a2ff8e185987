import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function consumerHandlers(
  rooms: Rooms,
): Pick<
  Handlers,
  | 'createConsumer'
  | 'pauseConsumer'
  | 'resumeConsumer'
  | 'setConsumerLayers'
  | 'consumerStats'
  | 'watchConsumer'
  | 'unwatchConsumer'
  | 'closeConsumer'
> {
  return {
    createConsumer({ path: { room, generation }, body }) {
      return rooms.get(room, generation).createConsumer(body);
    },
    async pauseConsumer({ path: { room, generation, consumer } }) {
      await rooms.get(room, generation).pauseConsumer(consumer);
      return {};
    },
    async resumeConsumer({ path: { room, generation, consumer } }) {
      await rooms.get(room, generation).resumeConsumer(consumer);
      return {};
    },
    async setConsumerLayers({ path: { room, generation, consumer }, body }) {
      await rooms.get(room, generation).setConsumerLayers(consumer, body);
      return {};
    },
    consumerStats({ path: { room, generation, consumer } }) {
      return rooms.get(room, generation).consumerStats(consumer);
    },
    watchConsumer({ path: { room, generation, consumer } }) {
      rooms.get(room, generation).watchConsumer(consumer);
      return {};
    },
    unwatchConsumer({ path: { room, generation, consumer } }) {
      rooms.get(room, generation).unwatch(consumer);
      return {};
    },
    closeConsumer({ path: { room, generation, consumer } }) {
      rooms.get(room, generation).closeConsumer(consumer);
      return {};
    },
  };
}
