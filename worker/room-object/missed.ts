import type { ParticipantId } from '../../shared/ids.ts';
import { Collection, type RecordStore } from '../room/records.ts';

/** Whoever misses more than this cannot catch up any more, in characters. */
const MAX_MISSED_LENGTH = 512 * 1024;

/** What somebody would have been told, had its session not been cut. */
export interface MissedFrames {
  readonly id: ParticipantId;
  readonly protocol: string;
  readonly frames: readonly string[];
}

/** What those miss that are away and may come back. */
export class Missed {
  readonly #missed: Collection<MissedFrames>;

  constructor(stored: readonly MissedFrames[], store: RecordStore) {
    this.#missed = new Collection('missed', store, stored);
  }

  /** From now on the participant misses what it is sent. */
  begin(id: ParticipantId, protocol: string): void {
    if (!this.#missed.get(id)) this.#missed.set({ id, protocol, frames: [] });
  }

  all(): readonly MissedFrames[] {
    return this.#missed.size === 0 ? [] : this.#missed.values();
  }

  /** Keeps a frame for a participant that is away. @returns false when it misses too much to ever catch up. */
  add(id: ParticipantId, frame: string): boolean {
    const missed = this.#missed.get(id);
    if (!missed) return true;
    const frames = [...missed.frames, frame];
    this.#missed.set({ ...missed, frames });
    return frames.reduce((length, one) => length + one.length, 0) <= MAX_MISSED_LENGTH;
  }

  /** The participant is back. @returns what it missed, in order. */
  take(id: ParticipantId): readonly string[] {
    const frames = this.#missed.get(id)?.frames ?? [];
    this.#missed.delete(id);
    return frames;
  }
}
