import type { BodyOf, IncomingLimit, Skipped } from '../../shared/media-api.ts';
import { MediaError } from '../errors.ts';
import type { Connections } from './connections.ts';
import type { Layers } from './layers.ts';
import type { Transport } from './transport.ts';

/** What limits are set on. */
interface LimitedRoom {
  readonly connections: Connections;
  transports(): Iterable<Transport>;
  transport(id: string): Transport;
  setConsumerLayers(id: string, layers: Layers): Promise<void>;
}

/** What may flow in a room at most. */
export class Limits {
  readonly #room: LimitedRoom;
  #every: IncomingLimit = {};

  constructor(room: LimitedRoom) {
    this.#room = room;
  }

  /** A transport that has just been opened gets the room's limit. */
  begin(transport: Transport): Promise<void> {
    return transport.setCommonLimit(this.#every);
  }

  /** @returns what was named and is not there. */
  async set({ everyConnection, connections, sections, consumers }: BodyOf<'setLimits'>): Promise<Skipped[]> {
    if (everyConnection !== undefined) this.#every = everyConnection;
    const every = everyConnection === undefined ? [] : [...this.#room.transports()];
    await Promise.all(every.map((transport) => unlessGone({}, () => this.begin(transport))));
    const outcomes = await Promise.all([
      ...connections.map(({ connection, ...limit }) =>
        unlessGone({ connection }, () => this.#room.transport(connection).setOwnLimit(Object.keys(limit).length > 0 ? limit : undefined)),
      ),
      ...sections.map(({ connection, mid, ...layers }) =>
        unlessGone({ connection, mid }, () => this.#room.connections.setSectionLayers(connection, mid, layers)),
      ),
      ...consumers.map(({ consumer, ...layers }) => unlessGone({ consumer }, () => this.#room.setConsumerLayers(consumer, layers))),
    ]);
    return outcomes.filter((skipped) => skipped !== undefined);
  }
}

async function unlessGone(name: Omit<Skipped, 'reason'>, order: () => Promise<void>): Promise<Skipped | undefined> {
  try {
    await order();
    return undefined;
  } catch (error) {
    if (error instanceof MediaError) return { ...name, reason: error.reason };
    throw error;
  }
}
