import type { RecordStore } from './records.ts';

/** Strokes that were drawn within a short time, stored together. */
interface StrokeGroup {
  /** Ids of later groups are greater in the order of texts. */
  readonly id: string;
  readonly strokes: readonly string[];
}

/** A part of the board. */
export interface Page {
  readonly strokes: readonly string[];
  /** Where the next part begins; absent after the last one. */
  readonly next?: string;
}

export interface BoardOutlet {
  /** Runs a task a little later, unless the process ends before. */
  defer(task: () => void): void;
  /** Strokes were stored. What must not be older than them is to be stored now. */
  stored(): void;
}

const COLLECTION = 'strokes';

/** A group is stored at once when it has so many characters. */
const GROUP_CHARACTERS = 100_000;

/** A part of the board is handed out when it has so many characters, without waiting for the rest. */
const PAGE_CHARACTERS = 200_000;

/** So many characters of strokes are kept, the latest; a long day of drawing. */
const KEPT_CHARACTERS = 16_000_000;

/**
 * What stands on the room's board: strokes in the order in which they were drawn. Only clients understand them. They are stored in groups and
 * stay in the storage until somebody wants to see the board, because there may be very many.
 */
export class Board {
  readonly #store: RecordStore;
  readonly #outlet: BoardOutlet;
  #pending: string[] = [];
  #pendingId = '';
  #pendingCharacters = 0;
  /** Characters that are stored; unknown until something is drawn in this life of the process. */
  #storedCharacters: number | undefined;

  constructor(store: RecordStore, outlet: BoardOutlet) {
    this.#store = store;
    this.#outlet = outlet;
  }

  /** @param order grows with every stroke, over restarts as well. */
  add(stroke: string, order: number): void {
    const isFirst = this.#pending.length === 0;
    if (isFirst) this.#pendingId = String(order).padStart(16, '0');
    this.#pending.push(stroke);
    this.#pendingCharacters += stroke.length;
    if (this.#pendingCharacters >= GROUP_CHARACTERS) this.#flush();
    else if (isFirst) this.#outlet.defer(this.#flush);
  }

  clear(): void {
    this.#forgetPending();
    this.#storedCharacters = 0;
    this.#store.deleteAll(COLLECTION);
  }

  read(after?: string): Page {
    this.#flush();
    const strokes: string[] = [];
    let characters = 0;
    for (const group of this.#store.scan<StrokeGroup>(COLLECTION, after)) {
      strokes.push(...group.strokes);
      characters += sizeOf(group);
      if (characters >= PAGE_CHARACTERS) return { strokes, next: group.id };
    }
    return { strokes };
  }

  readonly #flush = (): void => {
    if (this.#pending.length === 0) return;
    const stored = this.#storedCharacters ?? this.#countStored();
    this.#store.put(COLLECTION, this.#pendingId, { id: this.#pendingId, strokes: this.#pending } satisfies StrokeGroup);
    this.#outlet.stored();
    this.#storedCharacters = stored + this.#pendingCharacters;
    this.#forgetPending();
    if (this.#storedCharacters > KEPT_CHARACTERS) this.#forgetOldest(this.#storedCharacters - KEPT_CHARACTERS / 2);
  };

  #forgetPending(): void {
    this.#pending = [];
    this.#pendingCharacters = 0;
  }

  #forgetOldest(characters: number): void {
    const old: StrokeGroup[] = [];
    let found = 0;
    for (const group of this.#store.scan<StrokeGroup>(COLLECTION)) {
      if (found >= characters) break;
      found += sizeOf(group);
      old.push(group);
    }
    for (const { id } of old) this.#store.delete(COLLECTION, id);
    this.#storedCharacters = (this.#storedCharacters ?? 0) - found;
  }

  #countStored(): number {
    let characters = 0;
    for (const group of this.#store.scan<StrokeGroup>(COLLECTION)) characters += sizeOf(group);
    return characters;
  }
}

function sizeOf({ strokes }: StrokeGroup): number {
  return strokes.reduce((total, stroke) => total + stroke.length, 0);
}
