import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import { kindOf, type Publication, type Source } from './publication.ts';

/**
 * One participant watches another, or one of its streams: what is published there appears, changes and disappears in sections that were
 * negotiated once.
 */
export interface View {
  readonly id: string;
  /** Who watches. */
  readonly participantId: ParticipantId;
  readonly watchedId: ParticipantId;
  /** The only stream that is watched; absent where it is everything that the other publishes. */
  readonly stream?: StreamId;
  /** The negotiated connection that has the sections. */
  readonly connectionId: MediaId;
  /** What of the other is watched; everything where it is left out. */
  readonly sources?: readonly Source[];
  readonly sections: readonly ViewSection[];
}

/** A view as it was negotiated, before the connection has it. */
export type NegotiatedView = Pick<View, 'watchedId' | 'sources' | 'stream' | 'sections'>;

/** A media section by which the watching client receives. */
export interface ViewSection {
  readonly mid: string;
  readonly kind: MediaKind;
  /** The publication that is in it. */
  readonly publicationId: MediaId | null;
  /** The watching participant does not want it now; the others who watch do not notice. */
  readonly paused?: boolean;
}

/** Whoever shares a screen means it to be seen. */
const PREFERENCE: readonly Source[] = ['microphone', 'screen', 'camera'];

/** Publications in the order in which they are shown, where there are fewer sections than publications. */
function byPreference(publications: readonly Publication[]): Publication[] {
  return PREFERENCE.flatMap((source) => publications.filter((publication) => publication.source === source));
}

/** What is watched, where these publications are all that there is, in the order in which it is shown. */
export function watchedOf(watched: Pick<View, 'sources' | 'stream'>, publications: readonly Publication[]): Publication[] {
  const { sources, stream } = watched;
  const isWatched = (one: Publication) => (sources?.includes(one.source) ?? true) && (stream === undefined || stream === one.stream);
  return byPreference(publications).filter(isWatched);
}

/** What stands in the sections, where these publications are all that there is: one in each, and none in two. */
export function arrange(view: Pick<View, 'sources' | 'stream' | 'sections'>, publications: readonly Publication[]): ViewSection[] {
  const left = watchedOf(view, publications);
  return view.sections.map((section) => {
    const index = left.findIndex(({ source }) => kindOf(source) === section.kind);
    const [shown] = index === -1 ? [] : left.splice(index, 1);
    return { ...section, publicationId: shown?.id ?? null };
  });
}
