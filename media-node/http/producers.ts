import { decodeToPng } from '../ffmpeg/decode.ts';
import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function producerHandlers(
  rooms: Rooms,
  ffmpeg: string,
): Pick<
  Handlers,
  | 'createProducer'
  | 'pauseProducer'
  | 'resumeProducer'
  | 'producerStats'
  | 'watchProducer'
  | 'unwatchProducer'
  | 'snapshot'
  | 'closeProducer'
> {
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
    watchProducer({ path: { room, generation, producer } }) {
      rooms.get(room, generation).watchProducer(producer);
      return {};
    },
    unwatchProducer({ path: { room, generation, producer } }) {
      rooms.get(room, generation).unwatch(producer);
      return {};
    },
    async snapshot({ path: { room, generation, producer } }) {
      const { fourcc, frames } = await rooms.get(room, generation).takeKeyFrame(producer);
      return decodeToPng(ffmpeg, fourcc, frames);
    },
    closeProducer({ path: { room, generation, producer } }) {
      rooms.get(room, generation).closeProducer(producer);
      return {};
    },
  };
}
