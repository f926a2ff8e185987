import type { MediaKind } from '../../shared/rtp.ts';
import type { Protocol } from './protocols.ts';
import type { Source } from './words.ts';

/** One track of somebody; what takes its place is another. */
interface Track {
  readonly id: number;
  readonly source: Source;
  /** Tracks that were published in one step have the same. */
  readonly step: number;
  paused: boolean;
}

/** Tracks that were published in one step. */
export type Part = readonly Pick<Track, 'id' | 'source'>[];

/** Somebody in the room. */
export interface Person {
  readonly name: string;
  readonly protocol: Protocol;
  /** By a name that only tests know. */
  readonly streams: Map<string, Track[]>;
  /** Whose streams the person plays; some are told of mutes only then. */
  readonly watches: Set<Person>;
  /** What the person has declared to be on, where it declares that at all. */
  readonly declared: Partial<Record<MediaKind, boolean>> | undefined;
}

/** What happens in the room, in its one order. */
export type Happening = { readonly who: Person } & (
  | { readonly type: 'joined' | 'left' }
  | { readonly type: 'track'; readonly change: 'added' | 'removed' | 'paused' | 'resumed'; readonly source: Source }
  /** What was published in each step, before and after. */
  | {
      readonly type: 'stream';
      readonly change: 'begun' | 'changed' | 'ended';
      readonly before: readonly Part[];
      readonly after: readonly Part[];
    }
  | { readonly type: 'shown'; readonly kind: MediaKind; readonly on: boolean }
  | { readonly type: 'said'; readonly text: string; readonly to?: Person }
  | { readonly type: 'renamed'; readonly name: string }
  | { readonly type: 'talking'; readonly talking: boolean }
  | { readonly type: 'floor'; readonly floor: string; readonly taken: boolean }
);

const KINDS: readonly MediaKind[] = ['audio', 'video'];

export function kindOf(source: Source): MediaKind {
  return source === 'microphone' ? 'audio' : 'video';
}

/** The room as it should be, said as simply as possible: who is there, what they send, and what has happened. */
export class RoomModel {
  /** In the order in which they joined. */
  readonly people: Person[] = [];
  readonly floors = new Map<string, Person>();
  readonly #happened: (happening: Happening) => void;
  #count = 0;

  constructor(happened: (happening: Happening) => void) {
    this.#happened = happened;
  }

  join(who: Person): void {
    this.people.push(who);
    this.#happened({ who, type: 'joined' });
  }

  /** Everything of somebody's ends with the stay. */
  leave(who: Person): void {
    for (const [floor, holder] of this.floors) if (holder === who) this.giveFloor(who, floor);
    for (const [key, tracks] of who.streams) {
      who.streams.delete(key);
      this.#happened({ who, type: 'stream', change: 'ended', before: partsOf(tracks), after: [] });
    }
    this.people.splice(this.people.indexOf(who), 1);
    this.#happened({ who, type: 'left' });
  }

  /** Somebody ends its streams, one after the other, and then the stay. */
  leaveInSteps(who: Person): void {
    for (const [key, tracks] of who.streams) this.unpublish(who, { [key]: tracks.map(({ source }) => source) });
    this.leave(who);
  }

  /** What is published in one step, and what ends with it: streams begin, change and end when all of it is done. */
  publish(who: Person, begun: Readonly<Record<string, readonly Source[]>>, ended: Readonly<Record<string, readonly Source[]>> = {}): void {
    this.#change(who, () => {
      for (const [key, sources] of Object.entries(ended)) this.#remove(who, key, sources);
      for (const [key, sources] of Object.entries(begun)) this.#add(who, key, sources);
    });
  }

  unpublish(who: Person, ended: Readonly<Record<string, readonly Source[]>>): void {
    this.publish(who, {}, ended);
  }

  /** Pauses what is sent in a stream, or in all of them. */
  pause(who: Person, kind: MediaKind, paused: boolean, only?: string): void {
    this.#change(who, () => {
      this.#markPaused(who, kind, paused, only);
    });
  }

  /** Somebody says what is on, which is told in any case. */
  declare(who: Person, kind: MediaKind, on: boolean): void {
    if (who.declared) who.declared[kind] = on;
    this.#markPaused(who, kind, !on);
    this.#happened({ who, type: 'shown', kind, on });
  }

  say(who: Person, text: string, to?: Person): void {
    this.#happened({ who, type: 'said', text, ...(to && { to }) });
  }

  rename(who: Person, name: string): void {
    this.#happened({ who, type: 'renamed', name });
  }

  talk(who: Person, talking: boolean): void {
    this.#happened({ who, type: 'talking', talking });
  }

  takeFloor(who: Person, floor: string): void {
    this.floors.set(floor, who);
    this.#happened({ who, type: 'floor', floor, taken: true });
  }

  giveFloor(who: Person, floor: string): void {
    this.floors.delete(floor);
    this.#happened({ who, type: 'floor', floor, taken: false });
  }

  /** What somebody has on, as the others are shown it. */
  isOn({ declared, streams }: Person, kind: MediaKind): boolean {
    if (declared) return declared[kind] ?? true;
    return [...streams.values()].flat().some(({ source, paused }) => kindOf(source) === kind && !paused);
  }

  #change(who: Person, change: () => void): void {
    const streams = new Map([...who.streams].map(([key, tracks]) => [key, partsOf(tracks)]));
    const shown = KINDS.map((kind) => this.isOn(who, kind));
    change();
    for (const [key, before] of streams) {
      if (!who.streams.has(key)) this.#happened({ who, type: 'stream', change: 'ended', before, after: [] });
    }
    for (const [key, tracks] of who.streams) {
      const [before = [], after] = [streams.get(key), partsOf(tracks)];
      if (before.length === 0) this.#happened({ who, type: 'stream', change: 'begun', before, after });
      else if (idsOf(before) !== idsOf(after)) this.#happened({ who, type: 'stream', change: 'changed', before, after });
    }
    for (const [index, kind] of KINDS.entries()) {
      const on = this.isOn(who, kind);
      if (on !== shown[index]) this.#happened({ who, type: 'shown', kind, on });
    }
  }

  #add(who: Person, key: string, sources: readonly Source[]): void {
    const step = (this.#count += 1);
    for (const source of sources) {
      const track = { id: (this.#count += 1), source, step, paused: who.declared?.[kindOf(source)] === false };
      who.streams.set(key, [...(who.streams.get(key) ?? []), track]);
      this.#happened({ who, type: 'track', change: 'added', source });
    }
  }

  #remove(who: Person, key: string, sources: readonly Source[]): void {
    for (const source of sources) {
      const left = (who.streams.get(key) ?? []).filter((track) => track.source !== source);
      if (left.length > 0) who.streams.set(key, left);
      else who.streams.delete(key);
      this.#happened({ who, type: 'track', change: 'removed', source });
    }
  }

  #markPaused(who: Person, kind: MediaKind, paused: boolean, only?: string): void {
    const concerned = [...who.streams].filter(([key]) => only === undefined || key === only).flatMap(([, tracks]) => tracks);
    for (const track of concerned.filter((one) => kindOf(one.source) === kind && one.paused !== paused)) {
      track.paused = paused;
      this.#happened({ who, type: 'track', change: paused ? 'paused' : 'resumed', source: track.source });
    }
  }
}

function partsOf(tracks: readonly Track[]): Part[] {
  const steps = [...new Set(tracks.map(({ step }) => step))];
  return steps.map((step) => tracks.filter((track) => track.step === step));
}

function idsOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => part.map(({ id }) => id)).join(' ');
}
