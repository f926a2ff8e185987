import type { Rooms } from '../sfu/rooms.ts';
import type { Handlers } from './call.ts';

export function transportHandlers(
  rooms: Rooms,
): Pick<Handlers, 'createTransport' | 'connectTransport' | 'expectMedia' | 'transportStats' | 'closeTransport'> {
  return {
    createTransport({ path: { room, generation } }) {
      return rooms.get(room, generation).createTransport();
    },
    async connectTransport({ path: { room, generation, transport }, body: { dtlsParameters } }) {
      await rooms.get(room, generation).transport(transport).connect(dtlsParameters);
      return {};
    },
    expectMedia({ path: { room, generation, transport }, body: { within } }) {
      rooms.get(room, generation).expectMedia(transport, within);
      return {};
    },
    transportStats({ path: { room, generation, transport } }) {
      return rooms.get(room, generation).transport(transport).stats();
    },
    closeTransport({ path: { room, generation, transport } }) {
      rooms.get(room, generation).closeTransport(transport);
      return {};
    },
  };
}
