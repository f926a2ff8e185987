/** From a section in which a client receives to the capabilities with which it consumes. */
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import { sharedCodecs } from './codecs.ts';
import type { Section } from './parse.ts';

type Codec = RtpCapabilities['codecs'][number];

/**
 * What the client can receive in this section from a router.
 *
 * - Only codecs whose numbers are the same on both sides: an SFU has to send with the numbers of the client's offer, and mediasoup sends with
 *   those of its router.
 * - No RTX, whose numbers mediasoup chooses by itself. What got lost is sent again with its own ssrc then.
 * - No header extensions, whose ids are fixed in mediasoup and are others in the client's offer. Without them there is no transport-cc, so the
 *   client is asked to report its estimate by `goog-remb`.
 *
 * @param router what the router of the client's transport can do.
 * @returns `undefined` when the client does not receive in this section, or with no codec of the router.
 */
export function receivingCapabilities(section: Section, kind: MediaKind, router: RtpCapabilities): RtpCapabilities | undefined {
  const { direction, capabilities } = section;
  if (capabilities === undefined || (direction !== 'recvonly' && direction !== 'sendrecv')) return undefined;
  const usable = sharedCodecs(kind, capabilities, router).filter(({ offered, routed }) => offered === routed);
  const codecs = usable.flatMap(({ offered, routed }) => {
    const client = capabilities.codecs.find(({ preferredPayloadType }) => preferredPayloadType === offered);
    const own = router.codecs.find(({ preferredPayloadType }) => preferredPayloadType === routed);
    return client === undefined || own === undefined ? [] : [{ ...client, rtcpFeedback: sharedFeedback(client, own) }];
  });
  return codecs.length === 0 ? undefined : { codecs, headerExtensions: [] };
}

function sharedFeedback({ rtcpFeedback: offered = [] }: Codec, { rtcpFeedback: own = [] }: Codec) {
  return offered.filter(
    ({ type, parameter = '' }) =>
      type !== 'transport-cc' && own.some((feedback) => feedback.type === type && (feedback.parameter ?? '') === parameter),
  );
}
