import type { types } from 'mediasoup';
import type { BodyOf, ResultOf } from '../../shared/media-api.ts';
import type { Description, SectionInfo } from '../../shared/sdp.ts';
import { MediaError } from '../errors.ts';
import { AnsweringConnection } from './answering-connection.ts';
import type { ConnectionRoom } from './connection.ts';
import type { Layers } from './layers.ts';
import { NamedQueue } from './named-queue.ts';
import { OfferingConnection } from './offering-connection.ts';

/** Orders that were on their way when their connection was closed arrive within this time; they must not open it again. */
const REMEMBER_CLOSED_MS = 60_000;

interface Entry {
  readonly connection: AnsweringConnection | OfferingConnection;
  /** The newest negotiation that was asked for. */
  attempt: number;
}

/** The connections of one room that are negotiated by SDP: one negotiation at a time for each, and the newest one counts. */
export class Connections {
  readonly #room: ConnectionRoom;
  readonly #queue = new NamedQueue();
  readonly #entries = new Map<string, Entry>();
  readonly #closed = new Set<string>();

  constructor(room: ConnectionRoom) {
    this.#room = room;
  }

  /** @throws MediaError `invalid-sdp`, `superseded-attempt`, `connection-not-found` when it is closed in the meantime. */
  answerOffer(id: string, { attempt, sdp, plan }: BodyOf<'answerOffer'>): Promise<Description> {
    const entry = this.#begin(id, attempt, answering, (onClosed) => new AnsweringConnection(id, this.#room, onClosed));
    return this.#negotiate(id, entry, attempt, () => answering(entry).answer(sdp, plan));
  }

  /** @throws MediaError `producer-not-found`, `superseded-attempt`, `connection-not-found` when it is closed in the meantime. */
  createOffer(id: string, { attempt, feeds }: BodyOf<'createOffer'>): Promise<Description> {
    const entry = this.#begin(id, attempt, offering, (onClosed) => new OfferingConnection(id, this.#room, onClosed));
    return this.#negotiate(id, entry, attempt, () => offering(entry).offer(feeds));
  }

  /** @throws MediaError `invalid-sdp`, `superseded-attempt`, `connection-not-found`, `already-connected` when it was answered before. */
  completeOffer(id: string, { attempt, sdp }: BodyOf<'completeOffer'>): Promise<ResultOf<'completeOffer'>> {
    const entry = this.#entry(id);
    return this.#negotiate(id, entry, attempt, async () => ({ sections: await offering(entry).complete(sdp) }));
  }

  /** @throws MediaError `section-not-found`, `needs-negotiation`, `producer-not-found`, `cannot-consume`, `connection-not-found` */
  attachProducer(id: string, mid: string, producer: string): Promise<SectionInfo> {
    const entry = this.#entry(id);
    return this.#inTurn(id, entry, () => entry.connection.attach(mid, producer));
  }

  /** @throws MediaError `section-not-found`, `connection-not-found` */
  detachProducer(id: string, mid: string): Promise<void> {
    const entry = this.#entry(id);
    return this.#inTurn(id, entry, () => {
      entry.connection.detach(mid);
      return Promise.resolve();
    });
  }

  /** @throws MediaError `section-not-found`, `connection-not-found` */
  setSectionPaused(id: string, mid: string, isPaused: boolean): Promise<void> {
    const entry = this.#entry(id);
    return this.#inTurn(id, entry, () => entry.connection.setPaused(mid, isPaused));
  }

  /** @throws MediaError `section-not-found`, `connection-not-found` */
  setSectionLayers(id: string, mid: string, layers: Layers): Promise<void> {
    const entry = this.#entry(id);
    return this.#inTurn(id, entry, () => entry.connection.setLayers(mid, layers));
  }

  /**
   * What the client is sent in a section at this moment.
   *
   * @throws MediaError `section-not-found`, `connection-not-found`
   */
  consumerIn(id: string, mid: string): types.Consumer | undefined {
    return this.#entry(id).connection.consumerIn(mid);
  }

  /** Whether the connection is open. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws MediaError `connection-not-found` */
  async stats(id: string): Promise<types.WebRtcTransportStat[]> {
    return (await this.#entry(id).connection.transport?.stats()) ?? [];
  }

  /** @throws MediaError `connection-not-found` */
  close(id: string): void {
    this.#entry(id).connection.close();
  }

  /** The attempt counts from the moment it was asked for, not from its turn: those that wait before it are outdated at once. */
  #begin(id: string, attempt: number, assertRole: (entry: Entry) => unknown, open: (onClosed: () => void) => Entry['connection']): Entry {
    if (this.#closed.has(id)) throw notFound(id);
    const onClosed = () => {
      this.#rememberClosed(id);
    };
    const entry = this.#entries.get(id) ?? { connection: open(onClosed), attempt: 0 };
    assertRole(entry);
    if (attempt <= entry.attempt) throw superseded(entry.attempt);
    entry.attempt = attempt;
    this.#entries.set(id, entry);
    return entry;
  }

  async #negotiate<Result>(id: string, entry: Entry, attempt: number, task: () => Promise<Result>): Promise<Result> {
    const assertNewest = () => {
      if (entry.attempt !== attempt) throw superseded(entry.attempt);
    };
    assertNewest();
    try {
      return await this.#inTurn(id, entry, async () => {
        assertNewest();
        const result = await task();
        assertNewest();
        return result;
      });
    } catch (error) {
      // The client has no description to go on with.
      if (!entry.connection.isDescribed && entry.attempt === attempt) entry.connection.close();
      throw error;
    }
  }

  async #inTurn<Result>(id: string, { connection }: Entry, task: () => Promise<Result>): Promise<Result> {
    const assertOpen = () => {
      if (connection.isClosed) throw notFound(id);
    };
    return this.#queue.run(id, async () => {
      assertOpen();
      const outcome = await settled(task);
      // Whatever was refused because the transport was closed meanwhile, the reason is this.
      assertOpen();
      return outcome();
    });
  }

  #rememberClosed(id: string): void {
    this.#entries.delete(id);
    this.#closed.add(id);
    setTimeout(() => this.#closed.delete(id), REMEMBER_CLOSED_MS).unref();
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw notFound(id);
    return entry;
  }
}

/** @returns what gives the task's result, or throws what it threw. */
async function settled<Result>(task: () => Promise<Result>): Promise<() => Result> {
  try {
    const result = await task();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function answering({ connection }: Entry): AnsweringConnection {
  if (connection instanceof AnsweringConnection) return connection;
  throw new MediaError('invalid-parameters', 'in this connection the media node makes the offers');
}

function offering({ connection }: Entry): OfferingConnection {
  if (connection instanceof OfferingConnection) return connection;
  throw new MediaError('invalid-parameters', 'in this connection the client makes the offers');
}

function notFound(id: string): MediaError {
  return new MediaError('connection-not-found', `there is no connection ${id} in this room`);
}

function superseded(newest: number): MediaError {
  return new MediaError('superseded-attempt', `attempt ${newest} of this connection has begun`);
}
