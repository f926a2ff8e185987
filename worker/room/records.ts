/** Keeps records beyond the life of the process. Writes are in order and take effect at once. */
export interface RecordStore {
  put(collection: string, id: string, record: object): void;
  delete(collection: string, id: string): void;
  /** Deletes all records of a collection. */
  deleteAll(collection: string): void;
  /** The records of a collection in the order of their ids, read while they are looked at. @param after the id behind which to begin. */
  scan<Item>(collection: string, after?: string): Iterable<Item>;
}

/**
 * Records by their id, written through to the store on every change, so that the room can be rebuilt from the store at any moment. A record is
 * never changed in place: it is replaced by `set`.
 */
export class Collection<Item extends { readonly id: string }> {
  readonly #name: string;
  readonly #store: RecordStore;
  readonly #items: Map<string, Item>;

  constructor(name: string, store: RecordStore, items: Iterable<Item>) {
    this.#name = name;
    this.#store = store;
    this.#items = new Map([...items].map((item) => [item.id, item]));
  }

  get size(): number {
    return this.#items.size;
  }

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  set(item: Item): Item {
    this.#items.set(item.id, item);
    this.#store.put(this.#name, item.id, item);
    return item;
  }

  delete(id: string): void {
    if (this.#items.delete(id)) this.#store.delete(this.#name, id);
  }

  /** The one that has been there longest. */
  oldest(): Item | undefined {
    const [oldest] = this.#items.values();
    return oldest;
  }

  values(): Item[] {
    return [...this.#items.values()];
  }

  filter(predicate: (item: Item) => boolean): Item[] {
    return this.values().filter(predicate);
  }
}
