import type { MediaOrder, Notice, RoomEvent } from '../../worker/room/events.ts';
import type { RecordStore } from '../../worker/room/records.ts';
import { Room } from '../../worker/room/room.ts';
import { newRoom, type RoomOptions, type RoomSnapshot } from '../../worker/room/snapshot.ts';

/** Keeps records as the real storage does: as text, so that nothing is shared with the room by reference. */
export class MemoryStore implements RecordStore {
  readonly #records = new Map<string, Map<string, string>>();

  put(collection: string, id: string, record: object): void {
    const records = this.#records.get(collection) ?? new Map<string, string>();
    this.#records.set(collection, records.set(id, JSON.stringify(record)));
  }

  delete(collection: string, id: string): void {
    this.#records.get(collection)?.delete(id);
  }

  deleteAll(collection: string): void {
    this.#records.delete(collection);
  }

  scan<Item>(collection: string, after = ''): Iterable<Item> {
    const records = [...(this.#records.get(collection) ?? [])].filter(([id]) => id > after);
    return records.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => JSON.parse(text) as Item);
  }

  load(): RoomSnapshot {
    const [room] = this.all<RoomSnapshot['room']>('room');
    if (!room) throw new Error('no room was stored');
    return {
      room,
      participants: this.all('participants'),
      publications: this.all('publications'),
      streams: this.all('streams'),
      subscriptions: this.all('subscriptions'),
      connections: this.all('connections'),
      views: this.all('views'),
      floors: this.all('floors'),
      messages: this.all('messages'),
    };
  }

  all<Item>(collection: string): Item[] {
    return [...(this.#records.get(collection)?.values() ?? [])].map((text) => JSON.parse(text) as Item);
  }
}

/** A room with everything that came out of it. */
export class RoomUnderTest {
  readonly store = new MemoryStore();
  readonly events: RoomEvent[] = [];
  readonly orders: MediaOrder[] = [];
  readonly gone: [string, string][] = [];
  readonly notices: Notice[] = [];
  readonly room: Room;

  /** Called in the middle of the change of which the event tells. */
  onEvent: (event: RoomEvent) => void = () => undefined;

  constructor(capacity = 100, options: RoomOptions = {}) {
    this.room = this.#open(newRoom('default/test', 0, options), capacity);
    this.room.save();
  }

  /** The room as a restarted process would find it. */
  reloaded(): Room {
    return this.#open(this.store.load(), 100);
  }

  /** What happened since the last call to participants and publications, without the numbers and without what follows from the rest. */
  takeEvents(): object[] {
    const taken = this.takeAllEvents().filter(({ type }) => !String(type).startsWith('stream-'));
    for (const event of taken) for (const key of ['participant', 'streams', 'topology', 'turned']) Reflect.deleteProperty(event, key);
    return taken;
  }

  /** What happened since the last call, without the numbers. */
  takeAllEvents(): { type?: unknown }[] {
    const taken = this.events.splice(0).map((event) => ({ ...event }));
    for (const event of taken) Reflect.deleteProperty(event, 'sequence');
    return taken;
  }

  /** Lets somebody in, with a session named after it. */
  enter(id: string, now = 0): void {
    this.room.join(id, now, now + 60_000);
    this.room.openSession(id, `session of ${id}`);
  }

  #open(snapshot: RoomSnapshot, capacity: number): Room {
    return new Room(snapshot, { capacity }, this.store, {
      event: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
      notice: (notice) => this.notices.push(notice),
      defer: (task) => {
        task();
      },
      order: (order) => this.orders.push(order),
      gone: (participantId, reason) => this.gone.push([participantId, reason]),
    });
  }
}

/** The media node as the orders make it: which producer stands in which section of which connection. */
export function sectionsAfter(orders: readonly MediaOrder[], negotiated: ReadonlyMap<string, Record<string, string | null>>) {
  const sections = new Map([...negotiated].map(([connection, mids]) => [connection, { ...mids }]));
  for (const order of orders) {
    if (order.type === 'close-connection') sections.delete(order.connection);
    const section = 'mid' in order ? sections.get(order.connection) : undefined;
    if (section && order.type === 'attach-producer') section[order.mid] = order.producer;
    if (section && order.type === 'detach-producer') section[order.mid] = null;
  }
  return sections;
}

/** Everything observable of a room, for comparing two of them. */
export function contentsOf(room: Room): object {
  const participants = room.participants().toSorted((one, other) => one.id.localeCompare(other.id));
  return {
    sequence: room.sequence,
    members: participants.map((participant) => ({
      participant,
      publications: room.publicationsOf(participant.id).toSorted((one, other) => one.id.localeCompare(other.id)),
      subscriptions: room.subscriptionsOf(participant.id).toSorted((one, other) => one.id.localeCompare(other.id)),
      connections: room.connectionsOf(participant.id).toSorted((one, other) => one.id.localeCompare(other.id)),
      views: room.viewsBy(participant.id).toSorted((one, other) => one.id.localeCompare(other.id)),
      indication: room.indicationOf(participant.id),
    })),
  };
}
