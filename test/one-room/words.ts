import type { MediaKind } from '../../shared/rtp.ts';

/** What a track shows. */
export type Source = 'microphone' | 'camera' | 'screen';

/** What members are told, said in terms of the room: whatever the protocol, the same words mean the same. Each begins with whom it is about. */
export const words = {
  joins: (who: string) => `${who} joins`,
  leaves: (who: string) => `${who} leaves`,
  /** Where each track is told of by itself. */
  sends: (who: string, source: Source) => `${who} sends ${source}`,
  ceases: (who: string, source: Source) => `${who} ceases to send ${source}`,
  pauses: (who: string, source: Source) => `${who} pauses ${source}`,
  resumes: (who: string, source: Source) => `${who} resumes ${source}`,
  /** Where only is told whether somebody can be seen and heard. */
  shows: (who: string, kind: MediaKind, on: boolean) => `${who} has ${kind} ${on ? 'on' : 'off'}`,
  /** Where streams are told of; with what is in them, where that is told. */
  begins: (who: string, sources?: readonly Source[]) => `${who} begins a stream${contents(sources)}`,
  keeps: (who: string, sources: readonly Source[]) => `${who} keeps a stream${contents(sources)}`,
  ends: (who: string, sources?: readonly Source[]) => `${who} ends a stream${contents(sources)}`,
  says: (who: string, text: string) => `${who} says ${text}`,
  whispers: (who: string, text: string) => `${who} whispers ${text}`,
  isCalled: (who: string, name: string) => `${who} is called ${name}`,
  talks: (who: string, talking: boolean) => `${who} ${talking ? 'talks' : 'is silent'}`,
  takes: (who: string, floor: string) => `${who} takes ${floor}`,
  releases: (who: string, floor: string) => `${who} gives back ${floor}`,
};

function contents(sources: readonly Source[] | undefined): string {
  return sources ? ` of ${[...sources].sort().join(' and ')}` : '';
}
