/** Refuses RTP parameters that are well-formed and yet make no sense; mediasoup would take many of them and never show a picture. */
import type { MediaKind, RtpParameters } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';

const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
const CAPTURE_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

function refuse(message: string): never {
  throw new MediaError('invalid-parameters', message);
}

function kindOf(mimeType: string): string | undefined {
  return mimeType.split('/', 1)[0]?.toLowerCase();
}

/**
 * @throws MediaError `invalid-parameters` when a codec is of another kind than the producer, or when the packets of an encoding could not
 *   be told from others: RFC 8843 section 9.2 finds them by ssrc, or by the rid or mid in a header extension.
 */
export function assertSensible(kind: MediaKind, { codecs, encodings, headerExtensions = [], mid }: RtpParameters): void {
  const stranger = codecs.find(({ mimeType }) => kindOf(mimeType) !== kind);
  if (stranger !== undefined) refuse(`${stranger.mimeType} is not a codec for ${kind}`);
  const uris = new Set<string>(headerExtensions.map(({ uri }) => uri));
  const isFoundByMid = encodings.length === 1 && mid !== undefined && uris.has(MID_URI);
  for (const { ssrc, rid } of encodings) {
    const isFound = ssrc !== undefined || (rid !== undefined && uris.has(RID_URI)) || isFoundByMid;
    if (!isFound) refuse('an encoding has neither an ssrc, nor a rid or mid together with its header extension');
  }
}

/**
 * The parameters without the header extension for capture times. mediasoup-client names it whether or not the browser sends it, and mediasoup
 * waits for it: until it comes, no viewer can be brought from one layer of simulcast to another, also when the one it gets has stopped.
 * Without it mediasoup takes the times from sender reports, which every client sends.
 */
export function withoutCaptureTimes({ headerExtensions = [], ...parameters }: RtpParameters): RtpParameters {
  return { ...parameters, headerExtensions: headerExtensions.filter(({ uri }) => uri !== CAPTURE_TIME_URI) };
}

/** By what the packets of a producer are told from those of the other producers of its transport. */
export interface Identifiers {
  readonly used: readonly string[];
  /** Those of them that no other producer of the transport may use. */
  readonly exclusive: readonly string[];
}

export function identifiersOf({ encodings, mid }: RtpParameters): Identifiers {
  const ssrcs = encodings.flatMap(({ ssrc, rtx }) => [ssrc, rtx?.ssrc]).filter((ssrc) => ssrc !== undefined);
  const rids = encodings.flatMap(({ rid }) => (rid === undefined ? [] : [`rid ${rid}`]));
  const exclusive = ssrcs.map((ssrc) => `ssrc ${ssrc}`);
  // A rid needs to be unique only inside its media section, which the mid names.
  if (mid === undefined) return { used: [...exclusive, ...rids], exclusive: [...exclusive, ...rids] };
  return { used: [...exclusive, `mid ${mid}`, ...rids], exclusive: [...exclusive, `mid ${mid}`] };
}
