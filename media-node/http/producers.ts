import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function producerHandlers(
  rooms: Rooms,
): Pick<Handlers, 'createProducer' | 'pauseProducer' | 'resumeProducer' | 'producerStats' | 'closeProducer'> {
  return {
    createProducer({ path: { room, generation }, body }) {
      return rooms.get(room, generation).createProducer(body);
    },
    async pauseProducer({ path: { room, generation, producer } }) {
      await rooms.get(room, generation).pauseProducer(producer);
      return {};
    },
    async resumeProducer({ path: { room, generation, producer } }) {
      await rooms.get(room, generation).resumeProducer(producer);
      return {};
    },
    producerStats({ path: { room, generation, producer } }) {
      return rooms.get(room, generation).producerStats(producer);
    },
    closeProducer({ path: { room, generation, producer } }) {
      rooms.get(room, generation).closeProducer(producer);
      return {};
    },
  };
}
