/** The sections of the media node's own offers, and what a client's answer says about them. */
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import type { Section } from './parse.ts';
import type { WrittenSection } from './write.ts';

type Codec = RtpCapabilities['codecs'][number];
type OfferedCapabilities = Required<RtpCapabilities>;

/**
 * What a section is offered with: all that a router could send in it, so that any producer can be attached to it later.
 *
 * Without RTX, because the client is not told ssrcs by which it could tell what is sent again from what is sent the first time.
 */
export function offeredCapabilities(kind: MediaKind, { codecs, headerExtensions = [] }: RtpCapabilities): OfferedCapabilities {
  return {
    codecs: codecs.filter((codec) => codec.kind === kind && !/\/rtx$/iu.test(codec.mimeType)),
    headerExtensions: headerExtensions.filter(
      (extension) => extension.kind === kind && ['sendrecv', 'sendonly'].includes(extension.direction ?? 'sendrecv'),
    ),
  };
}

/** @param stream to which the client adds the section's track; nothing flows in the section without. */
export function offeredSection(mid: string, kind: MediaKind, offered: OfferedCapabilities, stream: string | undefined): WrittenSection {
  return {
    mid,
    type: kind,
    protocol: 'UDP/TLS/RTP/SAVPF',
    formats: '',
    isStopped: false,
    codecs: offered.codecs.map(({ preferredPayloadType, ...codec }) => ({ ...codec, payloadType: preferredPayloadType })),
    headerExtensions: offered.headerExtensions.map(({ uri, preferredId }) => ({ uri, id: preferredId })),
    ...(stream === undefined ? { direction: 'inactive' } : { direction: 'sendonly', msid: { stream, track: `${stream}-${mid}` } }),
  };
}

/**
 * What of the offer the client takes. What else it would send is of no interest.
 *
 * @returns `undefined` when it does not want to receive in this section.
 */
export function acceptedCapabilities({ direction, capabilities }: Section, offered: OfferedCapabilities): RtpCapabilities | undefined {
  if (direction !== 'recvonly' && direction !== 'sendrecv') return undefined;
  const codecs = offered.codecs.flatMap((codec) => {
    const taken = capabilities?.codecs.find(({ preferredPayloadType }) => preferredPayloadType === codec.preferredPayloadType);
    return taken === undefined ? [] : [{ ...codec, rtcpFeedback: commonFeedback(codec, taken) }];
  });
  const headerExtensions = offered.headerExtensions.filter(({ uri, preferredId }) =>
    capabilities?.headerExtensions?.some((extension) => extension.uri === uri && extension.preferredId === preferredId),
  );
  return codecs.length === 0 ? undefined : { codecs, headerExtensions };
}

function commonFeedback({ rtcpFeedback: offered = [] }: Codec, { rtcpFeedback: taken = [] }: Codec) {
  return offered.filter(({ type, parameter = '' }) => taken.some((other) => other.type === type && (other.parameter ?? '') === parameter));
}
