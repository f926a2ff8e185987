import type { MediaStreamTrack } from 'werift';
import type { MediaKind } from '../../../shared/rtp.ts';
import { eventually } from '../../harness/eventually.ts';
import type { Protocol } from '../protocols.ts';
import type { Happening, Person, RoomModel } from '../room-model.ts';

/** What members do by choice. Each tells the model what it means for the room, and resolves when its own client knows that it is done. */
export interface Deeds {
  /** Camera and microphone. */
  publish(): Promise<void>;
  /** Another camera in place of the one before. */
  replace(): Promise<void>;
  unpublish(): Promise<void>;
  share(): Promise<void>;
  unshare(): Promise<void>;
  mute(kind: MediaKind): Promise<void>;
  unmute(kind: MediaKind): Promise<void>;
  /** Asks for what another member sends. @returns the kinds of media that it was granted. */
  watch(other: Person): Promise<MediaKind[]>;
  say(text: string): Promise<void>;
  whisper(text: string, to: Person): Promise<void>;
  rename(name: string): Promise<void>;
  takeFloor(floor: Floor): Promise<void>;
  giveFloor(floor: Floor): Promise<void>;
  record(): Promise<void>;
  stopRecording(): Promise<void>;
  putOut(other: Person): Promise<void>;
  /** Makes another room, with room for so many. */
  limit(room: string, capacity: number): Promise<void>;
  /** Is cut off, and comes back before anybody has noticed. */
  reconnect(): Promise<void>;
}

/** What members may want to do, and to be told of. */
export type Feature =
  | 'join'
  | 'publish'
  | 'watch'
  | 'mute'
  | 'unmute'
  | 'replace'
  | 'unpublish'
  | 'share a screen'
  | 'chat with all'
  | 'chat with one'
  | 'change the name'
  | 'talk'
  | 'take a floor'
  | 'record'
  | 'put out'
  | 'say nonsense'
  | 'limit the room'
  | 'reconnect'
  | 'leave'
  | 'return'
  | 'vanish';

/** What is asked of a floor by those who know it. */
export type Floor = 'whiteboard' | 'files';

/** A client in the room. What it cannot do is not there. */
export interface Member extends Partial<Deeds> {
  readonly person: Person;
  /** Who and what was there when it came, in the words in which it is told of changes. */
  readonly seen: readonly string[];
  /** Waits until the room has dealt with everything that this client has said. */
  flush(): Promise<void>;
  /** @returns everything that it was told since it was asked last, but of its own requests. */
  heard(): string[];
  leave(): Promise<void>;
  /** Is gone without a word. */
  cut(): void;
  /** Says things that make no sense, and stays. @returns how each was refused; nothing where the protocol has no word for that. */
  misbehave(): Promise<string[]>;
  /** Waits until it is told that it was put out. */
  isPutOut(): Promise<void>;
  /** Ends the client, whatever the room thinks of it. */
  close(): void;
}

/** Where a member enters. */
export interface Place {
  readonly edgeUrl: string;
  /** Eight digits, as some protocols need it. */
  readonly room: string;
  readonly model: RoomModel;
  readonly cast: Cast;
  /** What is sent by those who can send anything here; nothing if not given. */
  readonly tracks?: readonly MediaStreamTrack[];
}

/** What the suites have to know of a protocol. */
export interface Driver {
  readonly protocol: Protocol;
  /** How its members begin: on, where they declare what is on. */
  readonly declared?: Partial<Record<MediaKind, boolean>>;
  /** What its members have no word for, and why. */
  readonly cannot: Readonly<Partial<Record<keyof Deeds, string>>>;
  /** Of which of its members' deeds others are not told, and why. */
  readonly isNotTold: Readonly<Partial<Record<Feature, string>>>;
  /** @throws Refused */
  enter(place: Place, person: Person): Promise<Member>;
  /** What a member of it is told of a happening, in its words. */
  tells(happening: Happening, witness: Person, model: RoomModel): string[];
  /** What a newcomer sees. */
  sees(newcomer: Person, model: RoomModel): string[];
}

/** A newcomer was not let in. */
export class Refused extends Error {}

/** Who is who: members call each other by ids, and tests by names. */
export class Cast {
  readonly #names = new Map<string, string>();

  /** A member was given an id that does not show its name. */
  note(id: string, name: string): void {
    this.#names.set(id, name);
  }

  /** By the id that the room has for somebody. Members of OWT have their names in it. */
  nameOf(id: string): string {
    const [, name] = /^(.+)#[\da-f]{8}$/u.exec(id) ?? [];
    if (name !== undefined) this.note(id, name);
    return this.#names.get(id) ?? id;
  }

  /** The room's id for somebody of this name, as it was told last. */
  idOf(name: string): string {
    return [...this.#names].findLast(([, one]) => one === name)?.[0] ?? name;
  }
}

/** Waits for the first message that fits, and takes it out; all others stay. */
export async function pick<Message>(from: Message[], what: string, fits: (message: Message) => boolean): Promise<Message> {
  await eventually(what, () => from.some(fits)).catch((error: unknown) => {
    throw new Error(`${what} has not come, but ${JSON.stringify(from).slice(0, 2_000)}`, { cause: error });
  });
  const [found] = from.splice(from.findIndex(fits), 1);
  if (found === undefined) throw new Error(what);
  return found;
}
