import { EventEmitter } from 'node:events';
import type { MediaEvent, ResultOf } from '../../shared/media-api.ts';
import { MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { NamedQueue } from './named-queue.ts';
import { Room } from './room.ts';
import type { WorkerPool } from './worker-pool.ts';

interface RoomsEvents {
  event: [Room, MediaEvent];
  /** The room is gone; `isOrdered` tells whether the room object wanted it so and expects no more events of this generation. */
  closed: [room: Room, isOrdered: boolean];
}

interface Lease {
  readonly room: Room;
  readonly timer: NodeJS.Timeout;
}

/** All rooms of this node, by name. There is at most one generation of each. */
export class Rooms extends EventEmitter<RoomsEvents> {
  readonly #pool: WorkerPool;
  readonly #log: Logger;
  readonly #leaseMs: number;
  readonly #leases = new Map<string, Lease>();
  /** The last generations of rooms that ended by themselves: what was lost must not come back empty under its old name. */
  readonly #ended = new Map<string, number>();
  readonly #queue = new NamedQueue();
  #isShutDown = false;

  constructor(pool: WorkerPool, leaseSeconds: number, log: Logger) {
    super();
    this.#pool = pool;
    this.#leaseMs = leaseSeconds * 1000;
    this.#log = log;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Sums over all rooms. */
  get counts(): ResultOf<'inspectRoom'> {
    const sums = { transports: 0, producers: 0, consumers: 0 };
    for (const { room } of this.#leases.values()) {
      sums.transports += room.counts.transports;
      sums.producers += room.counts.producers;
      sums.consumers += room.counts.consumers;
    }
    return sums;
  }

  /**
   * Opens the room, or renews it when it is open in this generation. An older generation of it is closed.
   *
   * @throws MediaError `stale-generation` when a newer generation is open, or when this one has ended by itself a short while ago.
   */
  open(id: string, generation: number): Promise<Room> {
    return this.#queue.run(id, () => this.#open(id, generation));
  }

  /**
   * The room to which an order of this generation goes.
   *
   * @throws MediaError `room-not-found`, or `stale-generation` when another generation is open.
   */
  get(id: string, generation: number): Room {
    return this.#lease(id, generation).room;
  }

  /** Whether the room is open in this generation. */
  has(id: string, generation: number): boolean {
    return this.#leases.get(id)?.room.generation === generation;
  }

  /** @throws MediaError as `get` does. */
  renew(id: string, generation: number): void {
    this.#lease(id, generation).timer.refresh();
  }

  /** @throws MediaError as `get` does. */
  close(id: string, generation: number): Promise<void> {
    return this.#queue.run(id, () => {
      this.get(id, generation).close();
      return Promise.resolve();
    });
  }

  /** Ends all rooms, telling them why; no room is opened after this. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { room } of this.#leases.values()) room.end('shutting-down');
  }

  async #open(id: string, generation: number): Promise<Room> {
    const live = this.#leases.get(id);
    if (live?.room.generation === generation) {
      live.timer.refresh();
      return live.room;
    }
    const newest = live?.room.generation ?? this.#ended.get(id) ?? 0;
    if (generation <= newest) throw new MediaError('stale-generation', `generation ${newest} of this room was opened before`);
    live?.room.close();
    const room = await Room.create(id, generation, await this.#pool.leastLoaded(), this.#log);
    this.#add(room);
    return room;
  }

  #add(room: Room): void {
    if (this.#isShutDown) {
      room.close();
      throw new MediaError('shutting-down', 'this media node is being stopped');
    }
    const timer = setTimeout(() => {
      room.end('lease-expired');
    }, this.#leaseMs).unref();
    this.#leases.set(room.id, { room, timer });
    room.on('event', (event) => this.emit('event', room, event));
    room.on('closed', (cause) => {
      clearTimeout(timer);
      this.#leases.delete(room.id);
      if (cause !== undefined) this.#rememberEnd(room);
      this.emit('closed', room, cause === undefined);
    });
  }

  /** For as long as a room object that missed the news may still take the room for open. */
  #rememberEnd({ id, generation }: Room): void {
    this.#ended.set(id, generation);
    setTimeout(() => {
      if (this.#ended.get(id) === generation) this.#ended.delete(id);
    }, this.#leaseMs).unref();
  }

  #lease(id: string, generation: number): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new MediaError('room-not-found', 'this room is not open on this media node');
    if (lease.room.generation === generation) return lease;
    throw new MediaError('stale-generation', `generation ${lease.room.generation} of this room is open, not ${generation}`);
  }
}
