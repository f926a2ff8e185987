/** Writes the media node's descriptions: answers to clients' offers, and offers of its own. */
import { applyCodecParameters } from 'mediasoup-client/handlers/sdp/commonUtils';
import { write } from 'sdp-transform';
import type { MediaDescription, SessionDescription } from 'sdp-transform';
import type { TransportInfo } from '../../shared/media-api.ts';
import type { RtpParameters } from '../../shared/rtp.ts';
import type { ServerCandidate } from '../../shared/sdp.ts';

import { isMediaKind } from './parse.ts';

/** Where there is nothing to say but a port has to be named (RFC 8840). Never 0, which would take the section out of the bundle. */
const DISCARD_PORT = 9;

type Codec = Pick<RtpParameters['codecs'][number], 'mimeType' | 'payloadType' | 'clockRate' | 'channels' | 'parameters' | 'rtcpFeedback'>;

/** ICE and DTLS of the media node's side of a connection. */
export type Endpoint = Pick<TransportInfo, 'iceParameters' | 'iceCandidates' | 'dtlsParameters'>;

/** The DTLS role that the media node takes (RFC 5763): `passive` and `active` in answers, `actpass` in offers. */
export type Setup = 'passive' | 'active' | 'actpass';

/** What identifies the packets of a stream. */
export interface StreamNames {
  readonly ssrc: number;
  readonly cname: string;
}

/** A section as the media node describes it. */
export interface WrittenSection {
  readonly mid: string;
  readonly type: string;
  readonly protocol: string;
  /** Goes on the media line where there are no codecs. */
  readonly formats: string;
  /** Written with port 0; only for a section that the client has stopped. */
  readonly isStopped: boolean;
  readonly direction: 'sendonly' | 'recvonly' | 'inactive';
  readonly codecs: readonly Codec[];
  readonly headerExtensions?: readonly { uri: string; id: number }[];
  /** What the client says it sends, for parameters of the answer that follow from it. */
  readonly offered?: RtpParameters;
  /** Simulcast layers that the client sends. */
  readonly rids?: readonly string[];
  /** The stream and the track that the client shall make of what it receives. */
  readonly msid?: { readonly stream: string; readonly track: string };
  /** Announced only where the client could not find the section of the packets by payload type. */
  readonly ssrc?: StreamNames;
}

export interface WrittenDescription {
  readonly id: number;
  /** Counts the descriptions of one connection, beginning with 1. */
  readonly version: number;
  /** `undefined` where no section needs a transport. */
  readonly endpoint: Endpoint | undefined;
  readonly setup: Setup;
  readonly sections: readonly WrittenSection[];
}

/** @returns the text, with CRLF at the end of each line. */
export function writeDescription({ id, version, endpoint, setup, sections }: WrittenDescription): string {
  const bundled = sections.filter(({ isStopped }) => !isStopped).map(({ mid }) => mid);
  const description: SessionDescription = {
    version: 0,
    origin: { username: 'parley', sessionId: id, sessionVersion: version, netType: 'IN', ipVer: 4, address: '0.0.0.0' },
    name: '-',
    timing: { start: 0, stop: 0 },
    ...(bundled.length > 0 && { icelite: 'ice-lite', groups: [{ type: 'BUNDLE', mids: bundled.join(' ') }] }),
    media: sections.map((section) => mediaOf(section, endpoint, setup)),
  };
  return write(description);
}

/** The media node's candidates as clients take them one by one; all sections of a bundle have the same, so they name the first. */
export function candidatesOf({ iceCandidates }: Endpoint, sections: readonly WrittenSection[]): ServerCandidate[] {
  const index = sections.findIndex(({ isStopped }) => !isStopped);
  const mid = sections[index]?.mid;
  if (mid === undefined) return [];
  return iceCandidates.map(({ foundation, protocol, priority, address, port, type, tcpType }) => ({
    candidate: `candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ ${type}${tcpType === undefined ? '' : ` tcptype ${tcpType}`}`,
    sdpMid: mid,
    sdpMLineIndex: index,
  }));
}

function mediaOf(section: WrittenSection, endpoint: Endpoint | undefined, setup: Setup): MediaDescription {
  const { mid, type, protocol, formats, isStopped, direction, codecs } = section;
  const media: MediaDescription = {
    type,
    port: isStopped ? 0 : DISCARD_PORT,
    protocol,
    payloads: codecs.length === 0 ? formats : codecs.map(({ payloadType }) => payloadType).join(' '),
    connection: { version: 4, ip: '0.0.0.0' },
    mid,
    direction,
    ...(!isStopped && endpoint !== undefined && linkOf(endpoint, setup)),
    ...codecLines(codecs),
    ...(isMediaKind(type) && { rtcpMux: 'rtcp-mux', rtcpRsize: 'rtcp-rsize' }),
    ...streamLines(section),
  };
  if (section.offered !== undefined) {
    applyCodecParameters({ offerRtpParameters: section.offered, answerMediaObject: media });
  }
  return media;
}

function linkOf({ iceParameters, iceCandidates, dtlsParameters }: Endpoint, setup: Setup): Partial<MediaDescription> {
  const fingerprint = dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? dtlsParameters.fingerprints[0];
  return {
    iceUfrag: iceParameters.usernameFragment,
    icePwd: iceParameters.password,
    candidates: iceCandidates.map(({ foundation, protocol, priority, address, port, type, tcpType }) => ({
      foundation,
      component: 1,
      transport: protocol,
      priority,
      ip: address,
      port,
      type,
      ...(tcpType !== undefined && { tcptype: tcpType }),
    })),
    endOfCandidates: 'end-of-candidates',
    ...(fingerprint !== undefined && { fingerprint: { type: fingerprint.algorithm, hash: fingerprint.value } }),
    setup,
  };
}

function codecLines(codecs: readonly Codec[]): Pick<MediaDescription, 'rtp' | 'fmtp' | 'rtcpFb'> {
  return {
    rtp: codecs.map(({ payloadType, mimeType, clockRate, channels = 1 }) => ({
      payload: payloadType,
      codec: mimeType.slice(mimeType.indexOf('/') + 1),
      rate: clockRate,
      ...(channels > 1 && { encoding: channels }),
    })),
    fmtp: codecs.flatMap(({ payloadType, parameters = {} }) => {
      const config = formatParameters(parameters);
      return config === '' ? [] : [{ payload: payloadType, config }];
    }),
    rtcpFb: codecs.flatMap(({ payloadType, rtcpFeedback = [] }) =>
      rtcpFeedback.map(({ type, parameter = '' }) => ({ payload: payloadType, type, ...(parameter !== '' && { subtype: parameter }) })),
    ),
  };
}

/** Some parameters are words without a value, such as `0-15` of telephone events. */
function formatParameters(parameters: NonNullable<Codec['parameters']>): string {
  return Object.entries(parameters)
    .map(([name, value]) => (value === null || value === '' ? name : `${name}=${value}`))
    .join(';');
}

function streamLines({ headerExtensions = [], rids = [], msid, ssrc }: WrittenSection): Partial<MediaDescription> {
  return {
    ...(headerExtensions.length > 0 && { ext: headerExtensions.map(({ uri, id }) => ({ uri, value: id })) }),
    ...(rids.length > 0 && {
      rids: rids.map((id) => ({ id, direction: 'recv' })),
      simulcast: { dir1: 'recv' as const, list1: rids.join(';') },
    }),
    ...(msid !== undefined && { msid: [{ id: msid.stream, appdata: msid.track }] }),
    ...(ssrc !== undefined && { ssrcs: [{ id: ssrc.ssrc, attribute: 'cname', value: ssrc.cname }] }),
  };
}
