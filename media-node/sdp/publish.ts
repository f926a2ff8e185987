/** From a section in which a client sends to the parameters of a producer. */
import { getCname } from 'mediasoup-client/handlers/sdp/commonUtils';
import { getRtpEncodings } from 'mediasoup-client/handlers/sdp/unifiedPlanUtils';
import { parseSimulcastStreamList } from 'sdp-transform';
import type { MediaDescription } from 'sdp-transform';
import { RtpParametersSchema } from '../../shared/rtp.ts';
import type { MediaKind, RtpCapabilities, RtpParameters } from '../../shared/rtp.ts';
import { sendingMedia } from './codecs.ts';
import type { Media } from './codecs.ts';
import { malformed } from './malformed.ts';
import type { Section } from './parse.ts';
import type { WrittenSection } from './write.ts';

const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
const REPAIRED_RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id';

export interface Publication {
  readonly kind: MediaKind;
  readonly rtpParameters: RtpParameters;
  /** What the answer says to the client. */
  readonly wanted: Media;
  /** Simulcast layers in the order of the offer; empty without simulcast by rid. */
  readonly rids: readonly string[];
}

/**
 * @param room what the room's router can do.
 * @returns `undefined` when the client does not send in this section, or only with codecs that the room does not know.
 * @throws MediaError `invalid-sdp` when the client's packets could not be told from others, or the parameters make no sense.
 */
export function publicationOf(section: Section, kind: MediaKind, room: RtpCapabilities): Publication | undefined {
  const { direction, capabilities, media } = section;
  if (capabilities === undefined || (direction !== 'sendonly' && direction !== 'sendrecv')) return undefined;
  const common = sendingMedia(kind, capabilities, room);
  if (common === undefined) return undefined;
  const sent = acceptable(common.sent);
  const rids = ridsOf(section);
  const rtpParameters = RtpParametersSchema.safeParse({
    ...sent,
    encodings: layered(rids.length > 0 ? rids.map((rid) => ({ rid })) : encodingsOf(section, sent)),
    rtcp: { cname: getCname({ offerMediaObject: media }), reducedSize: true },
  });
  if (!rtpParameters.success) return malformed(section.lineOf('ssrc'), 'the streams of this media section make no sense');
  return { kind, rtpParameters: rtpParameters.data, wanted: acceptable(common.wanted), rids };
}

/**
 * The mid extension stays out: mediasoup stamps other ids on what it sends, and a client that expects mids there would read something else as
 * one and drop the picture. Streams are told apart by ssrc or rid instead.
 */
function acceptable({ codecs, headerExtensions }: Media): Media {
  return { codecs, headerExtensions: headerExtensions.filter(({ uri }) => uri !== MID_URI) };
}

/**
 * What an answer has to say about simulcast even where nothing is sent. Chromium leaves out of its next offer what was not accepted, and then
 * refuses that offer, its own, because layers are in it and the extension that names them is not.
 */
export function simulcastOf(section: Section): Required<Pick<WrittenSection, 'rids' | 'headerExtensions'>> {
  const rids = ridsOf(section);
  return { rids, headerExtensions: rids.length === 0 ? [] : offeredExtensions(section, [RID_URI, REPAIRED_RID_URI]) };
}

/**
 * What an answer has to say where nothing is sent for now: what the client may come back to. Without it, Chromium's next offer would be without
 * an estimate of the bandwidth.
 */
export function pausedSending(section: Section): Required<Pick<WrittenSection, 'rids' | 'headerExtensions'>> {
  const uris = section.capabilities?.headerExtensions?.map(({ uri }) => uri) ?? [];
  return {
    rids: ridsOf(section),
    headerExtensions:
      section.direction === 'recvonly'
        ? []
        : offeredExtensions(
            section,
            uris.filter((uri) => uri !== MID_URI),
          ),
  };
}

function offeredExtensions({ capabilities }: Section, uris: readonly string[]): { uri: string; id: number }[] {
  const extensions = (capabilities?.headerExtensions ?? []).filter(({ uri }) => uris.includes(uri));
  return extensions.map(({ uri, preferredId }) => ({ uri, id: preferredId }));
}

/** Layers of simulcast by rid (RFC 8853). Of alternatives for one layer, and there is no browser that offers any, the first counts. */
function ridsOf({ type, media: { simulcast, rids = [] }, capabilities, lineOf }: Section): string[] {
  if (simulcast === undefined || type !== 'video') return [];
  if (capabilities?.headerExtensions?.some(({ uri }) => uri === RID_URI) !== true)
    malformed(lineOf('simulcast'), 'no header extension names the layers');
  const list = simulcast.dir1 === 'send' ? simulcast.list1 : simulcast.dir2 === 'send' ? simulcast.list2 : undefined;
  const known = new Set(rids.filter(({ direction }) => direction === 'send').map(({ id }) => String(id)));
  const layers = parseSimulcastStreamList(list ?? '').map(([first]) => String(first?.scid ?? ''));
  return layers.filter((rid) => known.has(rid));
}

function encodingsOf(section: Section, { codecs }: Media): RtpParameters['encodings'] {
  const media = firstTrackOf(section.media);
  if (!(media.ssrcs ?? []).some(({ id }) => id !== 0))
    malformed(section.lineOf('m'), 'this media section sends, but announces neither ssrc nor rid');
  const encodings = getRtpEncodings({ offerMediaObject: media, codecs }) as RtpParameters['encodings'];
  const layers = simulcastSsrcs(media);
  return layers.length === 0 ? encodings.slice(0, 1) : layers.flatMap((ssrc) => encodings.find((encoding) => encoding.ssrc === ssrc) ?? []);
}

/**
 * Browsers send each layer of simulcast with three temporal layers and do not say so. mediasoup sends on only those that it was told of: without this,
 * viewers would get every fourth picture. A layer with fewer of them is not harmed.
 */
function layered(encodings: RtpParameters['encodings']): RtpParameters['encodings'] {
  return encodings.length > 1 ? encodings.map((encoding) => ({ ...encoding, scalabilityMode: 'L1T3' })) : encodings;
}

/** Layers of simulcast by ssrc, lowest first. */
function simulcastSsrcs({ ssrcGroups = [] }: MediaDescription): number[] {
  const group = ssrcGroups.find(({ semantics }) => semantics === 'SIM');
  return group === undefined ? [] : group.ssrcs.split(' ').map(Number);
}

/** In plan B one section holds several tracks, each with ssrcs of its own; the first one is published. */
function firstTrackOf(media: MediaDescription): MediaDescription {
  const { ssrcs = [], ssrcGroups = [] } = media;
  const tracks = ssrcs.filter(({ attribute }) => attribute === 'msid');
  const others = new Set(tracks.filter(({ value }) => value !== tracks[0]?.value).map(({ id }) => id));
  if (others.size === 0) return media;
  return {
    ...media,
    ssrcs: ssrcs.filter(({ id }) => !others.has(id)),
    ssrcGroups: ssrcGroups.filter(
      (group) =>
        !group.ssrcs
          .split(' ')
          .map(Number)
          .some((ssrc) => others.has(ssrc)),
    ),
  };
}
