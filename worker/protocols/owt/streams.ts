import type { MediaId, StreamId } from '../../../shared/ids.ts';
import type { MediaKind } from '../../../shared/rtp.ts';
import { kindOf, type PictureSize, type Publication, type Source as RoomSource } from '../../room/publication.ts';
import type { Stream } from '../../room/stream.ts';
import { memberIdOf } from './members.ts';
import type { AnnouncedStream, Ledger, PublicationSession } from './ledger.ts';
import type { Parameters, Revision, Source, StreamInfo } from './messages.ts';
import { type DescribedTrack, streamInfoOf, trackIdOf } from './stream-info.ts';

/** How the announced streams differ from before. */
export type StreamChange =
  | { readonly type: 'added'; readonly stream: AnnouncedStream }
  /** Some of its tracks have ended, or its pictures have another size. */
  | { readonly type: 'changed'; readonly stream: AnnouncedStream }
  | { readonly type: 'removed'; readonly stream: AnnouncedStream };

/** What a subscriber names: a stream, one of its tracks, or one layer of a track. */
export interface Named {
  readonly stream: AnnouncedStream;
  readonly kind?: MediaKind;
  readonly rid?: string;
}

const SOURCES: Readonly<Record<RoomSource, Source>> = { microphone: 'mic', camera: 'camera', screen: 'screen-cast' };

/** Sections of members of other protocols are not known here; clients only want to see some. */
const USUAL_MIDS: Readonly<Record<MediaKind, string>> = { audio: '0', video: '1' };

/**
 * The streams that members of this protocol know.
 *
 * A client of this protocol negotiates what it subscribes to once, so a stream cannot get tracks later: what appears later in a stream of the room
 * is announced as another one. Members of this protocol publish all that is in a stream at once.
 */
export class Streams {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  all(): readonly AnnouncedStream[] {
    return this.#ledger.streams.values();
  }

  /** Brings everything in line with the room, also where nobody was there to be told. */
  updateAll(): readonly StreamChange[] {
    const ids = new Set([...this.#ledger.room.streams().map(({ id }) => id), ...this.all().map(({ stream }) => stream)]);
    return [...ids].flatMap((id) => this.update(id));
  }

  /** Brings what is announced of a stream of the room in line with what is published in it. */
  update(id: StreamId): readonly StreamChange[] {
    const stream = this.#ledger.room.stream(id);
    const published = stream?.publications.map((publication) => publication.id) ?? [];
    const before = this.all().filter((announced) => announced.stream === id);
    const changes = before.flatMap((announced) => this.#reduce(announced, published) ?? []);
    const known = new Set(before.flatMap(({ publications }) => publications));
    const publications = published.filter((publication) => !known.has(publication));
    if (!stream || publications.length === 0 || this.#isHeldBack(stream)) return changes;
    const { participantId } = stream;
    const size = this.#sizeOf(publications);
    const added = { id: this.#freeId(id), stream: id, participantId, publications, ...(size && { size }) };
    return [...changes, { type: 'added', stream: this.#ledger.streams.set(added) }];
  }

  /** The pictures of a publication have another size. @returns nothing where that makes no difference to those who know the stream. */
  resize(id: MediaId): readonly StreamChange[] {
    const stream = this.with({ id });
    const size = stream && this.#sizeOf(stream.publications);
    if (!size || (size.width === stream.size?.width && size.height === stream.size.height)) return [];
    return [{ type: 'changed', stream: this.#ledger.streams.set({ ...stream, size }) }];
  }

  /** The announced stream that has a publication. */
  with({ id }: Pick<Publication, 'id'>): AnnouncedStream | undefined {
    return this.all().find(({ publications }) => publications.includes(id));
  }

  /** What a subscriber means by an id. */
  named(id: string): Named | undefined {
    const stream = this.#ledger.streams.get(id);
    if (stream) return { stream };
    for (const candidate of this.all().filter((one) => id.startsWith(`${one.id}-`))) {
      for (const { kind, rids } of this.#tracksOf(candidate)) {
        const rid = [undefined, ...rids].find((one) => trackIdOf(candidate.id, kind, one) === id);
        if (trackIdOf(candidate.id, kind, rid) === id) return { stream: candidate, kind, ...(rid !== undefined && { rid }) };
      }
    }
    return undefined;
  }

  publicationsOf({ publications }: AnnouncedStream): Publication[] {
    return publications.flatMap((id) => this.#ledger.room.publication(id) ?? []);
  }

  /** How good the picture of a stream is, as far as it has been seen, or its owner has said so. */
  qualityOf(stream: AnnouncedStream): Parameters | undefined {
    const told = this.#session(stream)?.tracks.find(({ kind }) => kind === 'video')?.parameters;
    return stream.size ? { ...told, resolution: stream.size } : told;
  }

  infoOf(stream: AnnouncedStream, revision: Revision): StreamInfo {
    const { id, participantId } = stream;
    const attributes = this.#session(stream)?.attributes ?? {};
    return streamInfoOf({ id, owner: memberIdOf(participantId, this.#ledger), attributes, tracks: this.#tracksOf(stream) }, revision);
  }

  #tracksOf(stream: AnnouncedStream): DescribedTrack[] {
    const session = this.#session(stream);
    return this.publicationsOf(stream).map(({ source, paused, codec, rids = [] }) => {
      const kind = kindOf(source);
      const told = session?.tracks.find((track) => track.kind === kind);
      return {
        kind,
        source: session ? told?.source : SOURCES[source],
        paused,
        mid: told?.mid ?? USUAL_MIDS[kind],
        codec,
        rids,
        parameters: kind === 'video' ? this.qualityOf(stream) : undefined,
      };
    });
  }

  /** How large the best layer is, also while a slow line keeps it back: each layer is half as wide and high as the next. */
  #sizeOf(publications: readonly MediaId[]): PictureSize | undefined {
    const { size, sizedLayer = 0, rids = [] } = publications.map((id) => this.#ledger.room.publication(id)).find((one) => one?.size) ?? {};
    if (!size) return undefined;
    const factor = 2 ** Math.max(0, rids.length - 1 - sizedLayer);
    return { width: size.width * factor, height: size.height * factor };
  }

  /** How a member of this protocol has published the stream. */
  #session({ stream }: AnnouncedStream): PublicationSession | undefined {
    const session = this.#ledger.sessions.get(stream);
    return session?.type === 'publication' ? session : undefined;
  }

  /**
   * A member's stream is announced when its own media can flow, so that nobody subscribes to what never comes; and nobody's before its owner is.
   */
  #isHeldBack({ id, participantId }: Stream): boolean {
    const session = this.#ledger.sessions.get(id);
    const isEntering = this.#ledger.room.participant(participantId)?.presence.state === 'entering';
    return isEntering || (session !== undefined && session.state !== 'ready');
  }

  #reduce(announced: AnnouncedStream, published: readonly string[]): StreamChange | undefined {
    const publications = announced.publications.filter((id) => published.includes(id));
    if (publications.length === announced.publications.length) return undefined;
    if (publications.length > 0) return { type: 'changed', stream: this.#ledger.streams.set({ ...announced, publications }) };
    this.#ledger.streams.delete(announced.id);
    return { type: 'removed', stream: announced };
  }

  #freeId(id: StreamId): string {
    let free = id;
    for (let number = 2; this.#ledger.streams.get(free); number += 1) free = `${id}-${number}`;
    return free;
  }
}
