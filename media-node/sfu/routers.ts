import type { types } from 'mediasoup';
import type { RtpCapabilities } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';
import { nameOf } from '../sdp/payload-types.ts';
import type { PayloadTypes } from '../sdp/payload-types.ts';
import { capabilitiesOf, renumberedCodecs, routerCodecs } from './codecs.ts';
import { translated } from './refusals.ts';
import type { MediaWorker } from './worker.ts';

/** Browsers have two or three ways to number codecs. More are a client's mistake or a stranger's mischief, and every router costs memory. */
const MAX_NUMBERINGS = 4;

export interface RoomRouter {
  readonly router: types.Router;
  readonly rtpCapabilities: RtpCapabilities;
}

/**
 * The routers of one room, all in one SFU process: the main one, and one for each other numbering of codecs among the clients, because mediasoup
 * always sends with the payload types of its router. Between them producers are carried by pipes, once and only when somebody asks.
 */
export class Routers {
  readonly main: RoomRouter;
  readonly #worker: MediaWorker;
  readonly #others = new Map<string, Promise<RoomRouter>>();
  readonly #homes = new Map<string, types.Router>();
  readonly #carried = new Map<string, Promise<string>>();
  /** Ids of producers by the ids under which they are known in other routers. */
  readonly #origins = new Map<string, string>();
  #isClosed = false;

  static async create(worker: MediaWorker): Promise<Routers> {
    const router = await worker.createRouter(routerCodecs());
    return new Routers(worker, { router, rtpCapabilities: capabilitiesOf(router) });
  }

  private constructor(worker: MediaWorker, main: RoomRouter) {
    this.#worker = worker;
    this.main = main;
  }

  /** The router for clients that number codecs in this way; the main one where there are too many ways already. */
  numbered(payloadTypes: PayloadTypes | undefined): Promise<RoomRouter> {
    if (payloadTypes === undefined) return Promise.resolve(this.main);
    const name = nameOf(payloadTypes);
    const known = this.#others.get(name);
    if (known !== undefined) return known;
    if (this.#others.size >= MAX_NUMBERINGS) return Promise.resolve(this.main);
    const opening = this.#open(payloadTypes);
    this.#others.set(name, opening);
    opening.catch(() => this.#others.delete(name));
    return opening;
  }

  /** Remembers in which router a producer is, until it is closed. */
  settle(producer: types.Producer, router: types.Router): void {
    this.#homes.set(producer.id, router);
    producer.observer.once('close', () => this.#homes.delete(producer.id));
  }

  /**
   * The router in which a producer is.
   *
   * @throws MediaError `producer-not-found` when it is closed.
   */
  homeOf(producer: string): types.Router {
    const home = this.#homes.get(producer);
    if (home === undefined) throw new MediaError('producer-not-found', `there is no producer ${producer} in this room`);
    return home;
  }

  /**
   * Makes a producer available in a router.
   *
   * @returns its id there.
   * @throws MediaError `producer-not-found` when it is closed; `cannot-consume` when the router has no number for its codec.
   */
  async bring(producer: string, router: types.Router): Promise<string> {
    const home = this.homeOf(producer);
    if (home === router) return producer;
    const key = `${producer} ${router.id}`;
    const known = this.#carried.get(key);
    if (known !== undefined) return known;
    const carrying = this.#carry(producer, home, router, key);
    this.#carried.set(key, carrying);
    carrying.catch(() => this.#carried.delete(key));
    return carrying;
  }

  /** The id of the producer that is known under this id in some router. */
  originOf(producer: string): string {
    return this.#origins.get(producer) ?? producer;
  }

  close(): void {
    this.#isClosed = true;
    this.main.router.close();
    for (const opening of this.#others.values())
      void opening.then(
        ({ router }) => {
          router.close();
        },
        () => undefined,
      );
  }

  async #open(payloadTypes: PayloadTypes): Promise<RoomRouter> {
    const router = await translated({ gone: 'room-not-found' }, () => this.#worker.createRouter(renumberedCodecs(payloadTypes)));
    if (!this.#isClosed) return { router, rtpCapabilities: capabilitiesOf(router) };
    router.close();
    throw new MediaError('room-not-found', 'the room was closed in the meantime');
  }

  async #carry(producerId: string, home: types.Router, router: types.Router, key: string): Promise<string> {
    const { pipeProducer } = await translated({ gone: 'producer-not-found', unsupported: 'cannot-consume' }, () =>
      // Ids have to differ in one SFU process.
      home.pipeToRouter({ producerId, router, keepId: false }),
    );
    if (pipeProducer === undefined) throw new Error('mediasoup carried nothing');
    this.#origins.set(pipeProducer.id, producerId);
    pipeProducer.observer.once('close', () => {
      this.#carried.delete(key);
      this.#origins.delete(pipeProducer.id);
    });
    return pipeProducer.id;
  }
}
