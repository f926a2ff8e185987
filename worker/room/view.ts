import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';
import type { Publication, Source } from './publication.ts';

/** One participant watches another: what the other publishes appears, changes and disappears in sections that were negotiated once. */
export interface View {
  readonly id: string;
  /** Who watches. */
  readonly participantId: ParticipantId;
  readonly watchedId: ParticipantId;
  /** The negotiated connection that has the sections. */
  readonly connectionId: MediaId;
  readonly sections: readonly ViewSection[];
}

/** A media section by which the watching client receives. */
export interface ViewSection {
  readonly mid: string;
  readonly kind: MediaKind;
  /** The publication that is in it. */
  readonly publicationId: MediaId | null;
}

/** Which publication a section of a kind shows: whoever shares a screen means it to be seen. */
const PREFERENCES: Readonly<Record<MediaKind, readonly Source[]>> = { audio: ['microphone'], video: ['screen', 'camera'] };

/** What stands in the sections, where these publications are all that there is. A section shows one publication, and a publication stands in one section. */
export function arrange(sections: readonly ViewSection[], publications: readonly Publication[]): ViewSection[] {
  const free = { audio: ordered('audio', publications), video: ordered('video', publications) };
  return sections.map((section) => ({ ...section, publicationId: free[section.kind].shift()?.id ?? null }));
}

function ordered(kind: MediaKind, publications: readonly Publication[]): Publication[] {
  return PREFERENCES[kind].flatMap((source) => publications.filter((publication) => publication.source === source));
}
