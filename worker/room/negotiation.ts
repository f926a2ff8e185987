/** What the sections of a negotiated connection are for: from words of the room to a plan for the media node, and from its result back. */
import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import type { SectionInfo, SectionPlan } from '../../shared/sdp.ts';
import { kindOf, type Publication, type Source } from './publication.ts';
import type { NegotiatedView, ViewSection } from './view.ts';

/** What a participant wants to see of another, in that one's present stay: one stream, or everything from these sources. */
export interface Watching {
  readonly watchedId: ParticipantId;
  readonly generation: number;
  /** Everything where it is left out. */
  readonly sources?: readonly Source[];
  readonly stream?: StreamId;
  /** The stream to which the client adds the tracks, where it is not to be the usual one. */
  readonly mediaStream?: string;
  /** Whether the client is told by its ssrc what it gets, so that only another offer can change it: for connections in which it will also send. */
  readonly isAnnounced?: true;
}

/** What a participant sends in sections that say only the kind; nothing of a kind that is left out. */
export type Sources = Readonly<Partial<Record<MediaKind, Source>>>;

/**
 * What some sections of an offer are for. Without `mids` it takes every section that no other part names; what is published without a `stream` goes
 * to the default streams of the sources.
 */
export type Part = { readonly mids?: readonly string[] } & (
  { readonly use: 'publish'; readonly sources: Sources; readonly stream?: StreamId } | ({ readonly use: 'view' } & Watching)
);

/** A publication as it was negotiated, before the room has it. */
type NegotiatedTrack = Pick<Publication, 'id' | 'source' | 'codec' | 'rids'> & Partial<Pick<Publication, 'stream'>>;

/** What has come of a negotiation. */
export interface Outcome {
  readonly tracks: readonly NegotiatedTrack[];
  /** Producers that were made and that nobody has a use for. */
  readonly leftover?: readonly MediaId[];
  readonly views: readonly NegotiatedView[];
}

/** @param publicationsOf what is there to be watched now. */
export function planOf(parts: readonly Part[], publicationsOf: (watching: Watching) => readonly Publication[]): SectionPlan[] {
  return parts.map((part) => {
    const mids = part.mids === undefined ? {} : { mids: [...part.mids] };
    if (part.use === 'publish') return { use: 'publish', ...mids, kinds: kindsOf(Object.values(part.sources)) };
    const kinds = part.sources === undefined ? {} : { kinds: kindsOf(part.sources) };
    return {
      use: 'view',
      ...mids,
      ...kinds,
      stream: streamOf(part),
      ...(part.isAnnounced && { isAnnounced: true }),
      producers: publicationsOf(part).map(({ id }) => id),
    };
  });
}

/** The stream to which a client adds the tracks of a view: one for each stay of the other, and for each choice of what is watched. */
export function streamOf({ generation, sources = [], stream, mediaStream }: Watching): string {
  return mediaStream ?? stream ?? ['participant', generation, ...sources].join('-');
}

export function outcomeOf(parts: readonly Part[], sections: readonly SectionInfo[]): Outcome {
  const named = new Set(parts.flatMap(({ mids = [] }) => mids));
  const sectionsOf = ({ mids }: Part) => sections.filter(({ mid }) => (mids === undefined ? !named.has(mid) : mids.includes(mid)));
  const tracks = parts.flatMap((part) => (part.use === 'publish' ? tracksOf(sectionsOf(part), part) : []));
  const made = sections.flatMap(({ direction, producer }) => (direction === 'recvonly' && producer !== undefined ? producer : []));
  return {
    tracks,
    leftover: made.filter((producer) => !tracks.some(({ id }) => id === producer)),
    views: parts.flatMap((part) => (part.use === 'view' ? [viewOf(sectionsOf(part), part)] : [])),
  };
}

/** The first section of each kind. */
function tracksOf(sections: readonly SectionInfo[], { sources, stream }: Extract<Part, { use: 'publish' }>): Outcome['tracks'] {
  const tracks = new Map<Source, NegotiatedTrack>();
  for (const { kind, producer: id, codec, rids } of sections) {
    const source = sources[kind];
    if (source === undefined || id === undefined || tracks.has(source)) continue;
    tracks.set(source, {
      id,
      source,
      ...(codec !== undefined && { codec }),
      ...(rids && { rids }),
      ...(stream !== undefined && { stream }),
    });
  }
  return [...tracks.values()];
}

export function viewOf(sections: readonly SectionInfo[], { watchedId, sources, stream }: Watching): NegotiatedView {
  const viewed = sections.filter(({ direction }) => direction === 'sendonly');
  return {
    watchedId,
    ...(sources !== undefined && { sources }),
    ...(stream !== undefined && { stream }),
    sections: viewed.map(({ mid, kind, producer }): ViewSection => ({ mid, kind, publicationId: producer ?? null })),
  };
}

function kindsOf(sources: readonly Source[]): MediaKind[] {
  return [...new Set(sources.map(kindOf))];
}
