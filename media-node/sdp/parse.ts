/** From the text of a client's offer or answer to what the bridge needs of it. */
import { extractDtlsParameters, extractRtpCapabilities } from 'mediasoup-client/handlers/sdp/commonUtils';
import { validateAndNormalizeRtpCapabilities } from 'mediasoup-client/ortc';
import { LRUCache } from 'lru-cache';
import { parse as parseSdp } from 'sdp-transform';
import type { MediaDescription, SessionDescription } from 'sdp-transform';
import { DtlsParametersSchema, RtpCapabilitiesSchema } from '../../shared/rtp.ts';
import type { DtlsParameters, MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import { type DescriptionLimits, SHORT_DESCRIPTION } from '../../shared/sdp.ts';
import { partsOf } from './lines.ts';
import type { Part } from './lines.ts';
import { malformed } from './malformed.ts';

type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One media section as its client describes it. */
export interface Section {
  readonly mid: string;
  /** As on the media line: `audio`, `video`, `application`. */
  readonly type: string;
  readonly protocol: string;
  /** Payload types, or whatever a section of another kind has in their place. */
  readonly formats: string;
  /** Of whom described it; `inactive` for a section that it stopped. */
  readonly direction: Direction;
  /** Port 0 without `bundle-only`: the section is stopped for ever, and its place may be taken by another one. */
  readonly isStopped: boolean;
  /** Codecs that the media line lists and header extensions; `undefined` for what is stopped, and for what is neither audio nor video. */
  readonly capabilities: RtpCapabilities | undefined;
  /** As `sdp-transform` reads it, for the helpers of mediasoup-client; codecs and header extensions are in `capabilities` only. */
  readonly media: MediaDescription;
  /** Number of the first line with this attribute, else of the media line. */
  readonly lineOf: (attribute: string) => number;
}

/** The part of a description that is the same for all sections, because they share one transport. */
export interface Link {
  readonly usernameFragment: string;
  readonly dtlsParameters: DtlsParameters;
  /** Where the fingerprint is. */
  readonly line: number;
}

export interface ClientDescription {
  readonly sections: readonly Section[];
  /** `undefined` when no section is alive: some clients offer nothing before they have a camera. */
  readonly link: Link | undefined;
}

/**
 * Reads an offer or an answer, in linear time. It is short unless something else is said.
 *
 * @throws MediaError `invalid-sdp`, naming the line.
 */
export function parseDescription(sdp: string, limits: DescriptionLimits = SHORT_DESCRIPTION): ClientDescription {
  const [session, ...parts] = partsOf(sdp, limits);
  const remembered = parts.map((part) => known.get(capabilityLines(part)));
  const unread = parts.flatMap((part, index) => (remembered[index] === undefined ? part : part.filter(isOfOtherThings)));
  const parsed = parseSdp([...session, ...unread].map(({ text }) => text).join('\r\n') + '\r\n');
  const sections = parts.map((part, index) => sectionOf(part, remembered[index], parsed.media[index], parsed.direction));
  assertMidsDiffer(sections);
  const live = sections.filter(({ isStopped }) => !isStopped);
  assertBundled(live, session, parsed);
  const [first] = live;
  return { sections, link: first === undefined ? undefined : linkOf(first, session, parsed) };
}

export function isMediaKind(type: string): type is MediaKind {
  return type === 'audio' || type === 'video';
}

/** `sdp-transform` makes numbers of texts that look like some, and its types do not tell. */
function textOf(value: string | number): string {
  return String(value);
}

/** The helpers of mediasoup-client, too, take for texts what its types call texts. */
function withTexts(media: MediaDescription): MediaDescription {
  const { rtp, fmtp, rtcpFb = [], ext = [], ssrcs = [], ssrcGroups = [], rids = [], simulcast } = media;
  return {
    ...media,
    rtp: rtp.map((line) => ({ ...line, codec: textOf(line.codec) })),
    fmtp: fmtp.map((line) => ({ ...line, config: textOf(line.config) })),
    rtcpFb: rtcpFb.map((line) => ({
      ...line,
      type: textOf(line.type),
      ...(line.subtype !== undefined && { subtype: textOf(line.subtype) }),
    })),
    ext: ext.map((line) => ({ ...line, uri: textOf(line.uri) })),
    ssrcs: ssrcs.map((line) => ({ ...line, ...(line.value !== undefined && { value: textOf(line.value) }) })),
    ssrcGroups: ssrcGroups.map((line) => ({ ...line, ssrcs: textOf(line.ssrcs) })),
    rids: rids.map((line) => ({ ...line, id: textOf(line.id) })),
    ...(simulcast !== undefined && {
      simulcast: {
        ...simulcast,
        list1: textOf(simulcast.list1),
        ...(simulcast.list2 !== undefined && { list2: textOf(simulcast.list2) }),
      },
    }),
  };
}

function lineOf(part: Part, attribute: string): number | undefined {
  return part.find(({ name }) => name === attribute)?.number;
}

function sectionOf(
  part: Part,
  remembered: RtpCapabilities | undefined,
  parsed: MediaDescription | undefined,
  byDefault: Direction = 'sendrecv',
): Section {
  const line = part[0]?.number ?? 1;
  if (parsed === undefined) return malformed(line, 'is not a media line');
  const media = withTexts(parsed);
  const { mid, type, port, protocol, payloads = '', bundleOnly, direction = byDefault } = media;
  if (mid === undefined) malformed(line, 'this media section has no a=mid');
  if (port > 65_535) malformed(line, 'has a port that does not exist');
  const isStopped = port === 0 && bundleOnly === undefined;
  if (isMediaKind(type) && !isStopped && media.rtcpMux === undefined) malformed(line, 'this media section has no a=rtcp-mux');
  return {
    mid: textOf(mid),
    type,
    protocol,
    formats: textOf(payloads),
    direction: isStopped ? 'inactive' : direction,
    isStopped,
    capabilities: isMediaKind(type) && !isStopped ? (remembered ?? learn(media, part)) : undefined,
    media,
    lineOf: (attribute) => lineOf(part, attribute) ?? line,
  };
}

/** What all capabilities of a section follow from. */
const CAPABILITY_ATTRIBUTES: ReadonlySet<string> = new Set(['rtpmap', 'fmtp', 'rtcp-fb', 'extmap']);

/** More kinds of sections than the browsers of one time have. */
const MAX_KNOWN = 100;

/** Nearly every section that comes says the same of its codecs as one before, and to read it is a third of all the work. */
const known = new LRUCache<string, RtpCapabilities>({ max: MAX_KNOWN });

function learn(media: MediaDescription, part: Part): RtpCapabilities {
  const capabilities = capabilitiesOf(media, part);
  known.set(capabilityLines(part), capabilities);
  return capabilities;
}

/** @returns kind and payload types with the lines about them, in order. */
function capabilityLines(part: Part): string {
  const [kind = '', , ...formats] = part[0]?.text.split(' ') ?? [];
  return part.reduce(
    (lines, { name, text }) => (CAPABILITY_ATTRIBUTES.has(name) ? `${lines}\n${text}` : lines),
    [kind, ...formats].join(' '),
  );
}

function isOfOtherThings({ name }: Part[number]): boolean {
  return !CAPABILITY_ATTRIBUTES.has(name);
}

/** Codecs that the media line does not list do not count: clients that strike codecs out forget lines of them. */
function capabilitiesOf(media: MediaDescription, part: Part): RtpCapabilities {
  const listed = new Set(textOf(media.payloads ?? '').split(' '));
  const rtp = media.rtp.filter(({ payload }) => listed.has(String(payload)));
  if (rtp.every(({ codec }) => codec.toLowerCase() === 'rtx'))
    malformed(lineOf(part, 'm') ?? 1, 'no codec of this media section has an a=rtpmap');
  const capabilities = extractRtpCapabilities({ sdpObject: { media: [{ ...media, rtp }] } as unknown as SessionDescription });
  try {
    validateAndNormalizeRtpCapabilities(capabilities);
  } catch {
    malformed(lineOf(part, 'fmtp') ?? lineOf(part, 'm') ?? 1, 'this media section has a codec parameter that makes no sense');
  }
  const checked = RtpCapabilitiesSchema.safeParse(capabilities);
  if (checked.success) return checked.data;
  const attribute = checked.error.issues[0]?.path[0] === 'headerExtensions' ? 'extmap' : 'rtpmap';
  return malformed(lineOf(part, attribute) ?? lineOf(part, 'm') ?? 1, `this media section has an a=${attribute} that makes no sense`);
}

function assertMidsDiffer(sections: readonly Section[]): void {
  const mids = new Set<string>();
  for (const { mid, lineOf: line } of sections) {
    if (mids.has(mid)) malformed(line('mid'), 'this mid belongs to another media section');
    mids.add(mid);
  }
}

/** The media node has one transport for all sections of a connection (RFC 9143). */
function assertBundled(live: readonly Section[], session: Part, { groups = [] }: SessionDescription): void {
  if (live.length < 2) return;
  const bundles = groups.filter(({ type }) => type === 'BUNDLE').map(({ mids }) => new Set(textOf(mids).split(' ')));
  const outside = live.find(({ mid }) => bundles[0]?.has(mid) !== true);
  if (outside === undefined) return;
  malformed(lineOf(session, 'group') ?? outside.lineOf('m'), 'all media sections have to be in one a=group:BUNDLE');
}

/** ICE and DTLS stand in the first live section, whose transport all others use, or before all sections. */
function linkOf(first: Section, session: Part, parsed: SessionDescription): Link {
  const lineIn = (attribute: string) =>
    first.lineOf(attribute) === first.lineOf('m') ? lineOf(session, attribute) : first.lineOf(attribute);
  const usernameFragment = first.media.iceUfrag ?? parsed.iceUfrag;
  if (usernameFragment === undefined) malformed(first.lineOf('m'), 'there is no a=ice-ufrag for this media section');
  if ((first.media.icePwd ?? parsed.icePwd) === undefined) malformed(first.lineOf('m'), 'there is no a=ice-pwd for this media section');
  const fingerprint = first.media.fingerprint ?? parsed.fingerprint;
  if (fingerprint === undefined) malformed(first.lineOf('m'), 'there is no a=fingerprint for this media section');
  const line = lineIn('fingerprint') ?? first.lineOf('m');
  // RFC 4145, section 4: who says nothing is active.
  const setup = first.media.setup ?? parsed.setup ?? 'active';
  const sdpObject = { setup, fingerprint, media: [] } as unknown as SessionDescription;
  const dtlsParameters = DtlsParametersSchema.safeParse(extractDtlsParameters({ sdpObject }));
  if (!dtlsParameters.success) return malformed(line, 'the fingerprint is of an unknown algorithm or of the wrong length');
  return { usernameFragment: textOf(usernameFragment), dtlsParameters: dtlsParameters.data, line };
}
