/** Parameters as real clients send them: taken from Chromium 156's offers by mediasoup-client's rules. */
import type { DtlsParameters, RtpCapabilities, RtpParameters } from '../../../shared/rtp.ts';

export const DTLS: DtlsParameters = {
  role: 'client',
  fingerprints: [
    {
      algorithm: 'sha-256',
      value: '6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08',
    },
  ],
};

const VIDEO_FEEDBACK = [
  { type: 'goog-remb' },
  { type: 'transport-cc' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
];

const VIDEO_EXTENSIONS = [
  { uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', id: 2 },
  { uri: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', id: 3 },
  { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4 },
  { uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', id: 10 },
  { uri: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', id: 11 },
  // Chromium offers extensions that mediasoup does not know.
  { uri: 'http://www.webrtc.org/experiments/rtp-hdrext/video-timing', id: 7 },
] as unknown as NonNullable<RtpParameters['headerExtensions']>;

let ssrc = 1_000;
let mid = 0;

function nextSsrc(): number {
  ssrc += 10;
  return ssrc;
}

function nextMid(): string {
  mid += 1;
  return String(mid);
}

export function opus(): RtpParameters {
  return {
    mid: nextMid(),
    codecs: [
      {
        mimeType: 'audio/opus',
        payloadType: 111,
        clockRate: 48_000,
        channels: 2,
        parameters: { minptime: 10, useinbandfec: 1 },
        rtcpFeedback: [{ type: 'transport-cc' }],
      },
    ],
    headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4 }],
    encodings: [{ ssrc: nextSsrc() }],
    rtcp: { cname: 'w4aK8mP0Yk', reducedSize: true },
  };
}

type Encodings = RtpParameters['encodings'];
type FormatParameters = Record<string, string | number>;

function video(mimeType: string, payloadType: number, parameters: FormatParameters, encodings: Encodings): RtpParameters {
  return {
    mid: nextMid(),
    codecs: [
      { mimeType, payloadType, clockRate: 90_000, parameters, rtcpFeedback: VIDEO_FEEDBACK },
      { mimeType: 'video/rtx', payloadType: payloadType + 1, clockRate: 90_000, parameters: { apt: payloadType }, rtcpFeedback: [] },
    ],
    headerExtensions: VIDEO_EXTENSIONS,
    encodings,
    rtcp: { cname: 'w4aK8mP0Yk', reducedSize: true },
  };
}

function single(): Encodings {
  const first = nextSsrc();
  return [{ ssrc: first, rtx: { ssrc: first + 1 } }];
}

export function vp8(encodings: Encodings = single()): RtpParameters {
  return video('video/VP8', 96, {}, encodings);
}

export function vp9(profile: number, payloadType = 98): RtpParameters {
  return video('video/VP9', payloadType, { 'profile-id': profile }, single());
}

export function h264(profileLevelId: string, packetizationMode: number, payloadType = 102): RtpParameters {
  const parameters = { 'level-asymmetry-allowed': 1, 'packetization-mode': packetizationMode, 'profile-level-id': profileLevelId };
  return video('video/H264', payloadType, parameters, single());
}

export function av1(): RtpParameters {
  return video('video/AV1', 45, { 'level-idx': 5, profile: 0, tier: 0 }, single());
}

export const RID_ENCODINGS: Encodings = [
  { rid: 'q', scalabilityMode: 'L1T3', maxBitrate: 150_000 },
  { rid: 'h', scalabilityMode: 'L1T3', maxBitrate: 500_000 },
  { rid: 'f', scalabilityMode: 'L1T3', maxBitrate: 1_500_000 },
];

export function ssrcEncodings(): Encodings {
  return [...single(), ...single(), ...single()];
}

/** Without RTX, as a receiver must answer whose RTX payload types are not those of the router. */
export function withoutRtx(capabilities: RtpCapabilities): RtpCapabilities {
  return { ...capabilities, codecs: capabilities.codecs.filter(({ mimeType }) => !/rtx$/iu.test(mimeType)) };
}
