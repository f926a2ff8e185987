import type { MediaType, Notification, Producers } from '../signaling/messages.ts';

/** What changes in the room, without repetitions: nobody joins twice, nothing is unpublished that was not published. */
export interface RosterListener {
  readonly participantJoined: (user: string) => void;
  readonly participantLeft: (user: string) => void;
  readonly published: (user: string, type: MediaType, id: string) => void;
  readonly unpublished: (user: string, type: MediaType, id: string) => void;
  readonly paused: (user: string, type: MediaType, paused: boolean) => void;
}

/**
 * Who is in the room and what they send. It is fed with the replies of `producers` and with notifications and makes changes of both. The two
 * come over different connections, so notifications that arrive while a reply is on its way are held back and are
 * applied after it: they are applied in their order, so the last word about everything is the newest.
 */
export class Roster {
  readonly #self: string;
  readonly #listener: RosterListener;
  readonly #users = new Map<string, Map<MediaType, string>>();
  #held: Notification[] | undefined;
  #refreshed: Promise<void> = Promise.resolve();

  constructor(self: string, listener: RosterListener) {
    this.#self = self;
    this.#listener = listener;
  }

  /** Takes over the whole state from a reply that `fetch` asks for. @throws whatever `fetch` throws; the state stays as it was. */
  refresh(fetch: () => Promise<Producers>): Promise<void> {
    // One after the other: an older reply must not overwrite a newer one.
    const refreshed = this.#refreshed.catch(() => undefined).then(() => this.#refresh(fetch));
    this.#refreshed = refreshed;
    return refreshed;
  }

  /** Applies a notification, now or after the reply that is on its way. */
  handle(notification: Notification): void {
    if (this.#held) {
      this.#held.push(notification);
      return;
    }
    const { method, data } = notification;
    switch (method) {
      case 'userJoined':
        this.#replaceUser(data.user, data.producers);
        break;
      case 'userLeft':
        this.#remove(data.user);
        break;
      case 'producerAdded':
        this.#publish(data.user, data.type, data.id);
        break;
      case 'producerRemoved':
        this.#unpublish(data.user, data.type);
        break;
      case 'producerPaused':
      case 'producerResumed':
        this.#listener.paused(data.user, data.type, method === 'producerPaused');
        break;
    }
  }

  async #refresh(fetch: () => Promise<Producers>): Promise<void> {
    const held: Notification[] = [];
    this.#held = held;
    try {
      this.#replace(await fetch());
    } finally {
      this.#held = undefined;
      for (const notification of held) this.handle(notification);
    }
  }

  #replace(producers: Producers): void {
    for (const user of [...this.#users.keys()]) if (!Object.hasOwn(producers, user)) this.#remove(user);
    for (const [user, list] of Object.entries(producers)) this.#replaceUser(user, list);
  }

  #replaceUser(user: string, producers: Producers[string]): void {
    if (user === this.#self) return;
    const sends = this.#add(user);
    for (const type of [...sends.keys()]) if (!producers.some((producer) => producer.type === type)) this.#unpublish(user, type);
    for (const { type, id } of producers) this.#publish(user, type, id);
  }

  #add(user: string): Map<MediaType, string> {
    const known = this.#users.get(user);
    if (known) return known;
    const sends = new Map<MediaType, string>();
    this.#users.set(user, sends);
    this.#listener.participantJoined(user);
    return sends;
  }

  #remove(user: string): void {
    const sends = this.#users.get(user);
    if (!sends) return;
    for (const type of [...sends.keys()]) this.#unpublish(user, type);
    this.#users.delete(user);
    this.#listener.participantLeft(user);
  }

  #publish(user: string, type: MediaType, id: string): void {
    const sends = this.#add(user);
    if (sends.get(type) === id) return;
    this.#unpublish(user, type);
    sends.set(type, id);
    this.#listener.published(user, type, id);
  }

  #unpublish(user: string, type: MediaType): void {
    const sends = this.#users.get(user);
    const id = sends?.get(type);
    if (!sends || id === undefined) return;
    sends.delete(type);
    this.#listener.unpublished(user, type, id);
  }
}
