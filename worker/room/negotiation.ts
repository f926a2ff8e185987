/** What the sections of a negotiated connection are for: from words of the room to a plan for the media node, and from its result back. */
import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import type { SectionInfo, SectionPlan } from '../../shared/sdp.ts';
import type { Publication, Source } from './publication.ts';
import type { NegotiatedView, ViewSection } from './view.ts';

/** What a participant wants to see of another, in that one's present stay: one stream, or everything from these sources. */
export interface Watching {
  readonly watchedId: ParticipantId;
  readonly generation: number;
  /** Everything where it is left out. */
  readonly sources?: readonly Source[];
  readonly stream?: StreamId;
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

/** What has come of a negotiation. */
export interface Outcome {
  readonly tracks: readonly { readonly source: Source; readonly id: MediaId; readonly stream?: StreamId }[];
  readonly views: readonly NegotiatedView[];
}

/** @param publicationsOf what is there to be watched now. */
export function planOf(parts: readonly Part[], publicationsOf: (watching: Watching) => readonly Publication[]): SectionPlan[] {
  return parts.map((part) => {
    const mids = part.mids === undefined ? {} : { mids: [...part.mids] };
    if (part.use === 'publish') return { use: 'publish', ...mids };
    return { use: 'view', ...mids, stream: streamOf(part), producers: publicationsOf(part).map(({ id }) => id) };
  });
}

/** The stream to which a client adds the tracks of a view: one for each stay of the other, and for each choice of what is watched. */
export function streamOf({ generation, sources = [], stream }: Watching): string {
  return stream ?? ['participant', generation, ...sources].join('-');
}

export function outcomeOf(parts: readonly Part[], sections: readonly SectionInfo[]): Outcome {
  const named = new Set(parts.flatMap(({ mids = [] }) => mids));
  const sectionsOf = ({ mids }: Part) => sections.filter(({ mid }) => (mids === undefined ? !named.has(mid) : mids.includes(mid)));
  return {
    tracks: parts.flatMap((part) => (part.use === 'publish' ? tracksOf(sectionsOf(part), part) : [])),
    views: parts.flatMap((part) => (part.use === 'view' ? [viewOf(sectionsOf(part), part)] : [])),
  };
}

/** The first section of each kind. */
function tracksOf(sections: readonly SectionInfo[], { sources, stream }: Extract<Part, { use: 'publish' }>): Outcome['tracks'] {
  const tracks = new Map<Source, MediaId>();
  for (const { kind, producer } of sections) {
    const source = sources[kind];
    if (source !== undefined && producer !== undefined && !tracks.has(source)) tracks.set(source, producer);
  }
  return [...tracks].map(([source, id]) => ({ source, id, ...(stream !== undefined && { stream }) }));
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
