import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function roomHandlers(rooms: Rooms): Pick<Handlers, 'openRoom' | 'renewRoom' | 'inspectRoom' | 'closeRoom' | 'setLimits'> {
  return {
    async openRoom({ path: { room, generation } }) {
      const { rtpCapabilities } = await rooms.open(room, generation);
      return { rtpCapabilities };
    },
    renewRoom({ path: { room, generation } }) {
      rooms.renew(room, generation);
      return {};
    },
    inspectRoom({ path: { room, generation } }) {
      return rooms.get(room, generation).counts;
    },
    async closeRoom({ path: { room, generation } }) {
      await rooms.close(room, generation);
      return {};
    },
    async setLimits({ path: { room, generation }, body }) {
      return { skipped: await rooms.get(room, generation).limits.set(body) };
    },
  };
}
