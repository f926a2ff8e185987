/** The sections of the media node's own offers, and what a client's answer says about them. */
import type { MediaKind } from '../../shared/rtp.ts';
import type { Section } from './parse.ts';
import type { WrittenSection } from './write.ts';

export type OfferedCodecs = Required<Pick<WrittenSection, 'codecs' | 'headerExtensions'>>;

export interface Flow {
  readonly stream: string;
  readonly track: string;
  readonly ssrc: NonNullable<WrittenSection['ssrc']>;
}

/** @param flow what the section carries; nothing flows in it without. */
export function offeredSection(mid: string, kind: MediaKind, media: OfferedCodecs, flow: Flow | undefined): WrittenSection {
  const base = { mid, type: kind, protocol: 'UDP/TLS/RTP/SAVPF', formats: '', isStopped: false, ...media };
  if (flow === undefined) return { ...base, direction: 'inactive' };
  const { stream, track, ssrc } = flow;
  return { ...base, direction: 'sendonly', msid: { stream, track }, ssrc };
}

/** Whether the client wants to receive the section's codec. What else it would send is of no interest. */
export function accepts({ direction, capabilities }: Section, { codecs }: OfferedCodecs): boolean {
  if (direction !== 'recvonly' && direction !== 'sendrecv') return false;
  return (
    codecs[0] !== undefined &&
    capabilities?.codecs.some(({ preferredPayloadType }) => preferredPayloadType === codecs[0]?.payloadType) === true
  );
}
