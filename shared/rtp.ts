/**
 * DTLS and RTP parameters from strangers' clients. mediasoup checks the shape of what it is given, but many a parameter set that
 * makes no sense passes; these schemas refuse it before it gets there, and bound the size of everything.
 */
import { z } from 'zod';

const HASH_BYTES = { 'sha-1': 20, 'sha-224': 28, 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 } as const;
const FINGERPRINT_ALGORITHMS = ['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'] as const;

const FingerprintSchema = z
  .object({
    algorithm: z.enum(FINGERPRINT_ALGORITHMS),
    value: z
      .string()
      .max(191)
      .regex(/^[\dA-F]{2}(?::[\dA-F]{2})*$/iu, 'must be pairs of hex digits joined by colons')
      // RFC 8122 asks for upper case, some clients send lower case, and mediasoup compares letter by letter.
      .toUpperCase(),
  })
  .refine(({ algorithm, value }) => value.length === HASH_BYTES[algorithm] * 3 - 1, 'has the wrong length for its algorithm');

/** A peer's DTLS role and certificate fingerprints (RFC 8122). */
export const DtlsParametersSchema = z.object({
  role: z.enum(['auto', 'client', 'server']).exactOptional(),
  fingerprints: z.array(FingerprintSchema).min(1).max(FINGERPRINT_ALGORITHMS.length),
});
export type DtlsParameters = z.infer<typeof DtlsParametersSchema>;

export const MediaKindSchema = z.enum(['audio', 'video']);
export type MediaKind = z.infer<typeof MediaKindSchema>;

const MimeTypeSchema = z.string().regex(/^(?:audio|video)\/[\w.+-]{1,32}$/iu, 'must be audio/… or video/…');
const PayloadTypeSchema = z.number().int().min(0).max(127);
const SsrcSchema = z.number().int().min(1).max(0xffff_ffff);
const ClockRateSchema = z.number().int().min(1).max(1_000_000);
const ChannelsSchema = z.number().int().min(1).max(24);
const RtcpFeedbackSchema = z.object({ type: z.string().min(1).max(32), parameter: z.string().max(32).exactOptional() });
const FormatParametersSchema = z
  .record(z.string().max(64), z.union([z.string().max(1024), z.number(), z.null()]))
  .refine((parameters) => Object.keys(parameters).length <= 32, 'has more than 32 parameters');

/** The header extensions that mediasoup knows; others are dropped, which RFC 8285 allows. */
const HEADER_EXTENSION_URIS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  'urn:3gpp:video-orientation',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  'urn:ietf:params:rtp-hdrext:toffset',
  'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  'urn:mediasoup:params:rtp-hdrext:packet-id',
] as const;
type HeaderExtensionUri = (typeof HEADER_EXTENSION_URIS)[number];
const knownUris: ReadonlySet<string> = new Set(HEADER_EXTENSION_URIS);

const HeaderExtensionIdSchema = z.number().int().min(1).max(255);
const HeaderExtensionUriSchema = z.string().min(1).max(255);

function withKnownUri<Extension extends { uri: string }>(extensions: Extension[]) {
  return extensions.filter((extension): extension is Extension & { uri: HeaderExtensionUri } => knownUris.has(extension.uri));
}

function allDifferent(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

const CodecParametersSchema = z.object({
  mimeType: MimeTypeSchema,
  payloadType: PayloadTypeSchema,
  clockRate: ClockRateSchema,
  channels: ChannelsSchema.exactOptional(),
  parameters: FormatParametersSchema.exactOptional(),
  rtcpFeedback: z.array(RtcpFeedbackSchema).max(32).exactOptional(),
});

const HeaderExtensionParametersSchema = z.object({
  uri: HeaderExtensionUriSchema,
  id: HeaderExtensionIdSchema,
  encrypt: z.boolean().exactOptional(),
});

const EncodingSchema = z.object({
  ssrc: SsrcSchema.exactOptional(),
  rid: z
    .string()
    .regex(/^[\w-]{1,32}$/u)
    .exactOptional(),
  codecPayloadType: PayloadTypeSchema.exactOptional(),
  rtx: z.object({ ssrc: SsrcSchema }).exactOptional(),
  dtx: z.boolean().exactOptional(),
  // As in W3C WebRTC-SVC, section 6; mediasoup takes up to 99 layers and makes L8 of eight simulcast encodings.
  scalabilityMode: z
    .string()
    .regex(/^[LS][1-8]T[1-8]h?(?:_KEY(?:_SHIFT)?)?$/u)
    .exactOptional(),
  maxBitrate: z.number().int().positive().max(1_000_000_000).exactOptional(),
});

/** What one sender sends: the `RtpParameters` of mediasoup, made from the sender's side of an SDP (RFC 8829). */
export const RtpParametersSchema = z
  .object({
    mid: z.string().min(1).max(64).exactOptional(),
    codecs: z.array(CodecParametersSchema).min(1).max(32),
    headerExtensions: z.array(HeaderExtensionParametersSchema).max(32).transform(withKnownUri).exactOptional(),
    encodings: z.array(EncodingSchema).min(1).max(8),
    rtcp: z.object({ cname: z.string().max(256).exactOptional(), reducedSize: z.boolean().exactOptional() }).exactOptional(),
    msid: z.string().max(256).exactOptional(),
  })
  .refine(({ codecs }) => allDifferent(codecs.map((codec) => codec.payloadType)), 'uses a payload type twice')
  .refine(
    ({ headerExtensions }) => allDifferent((headerExtensions ?? []).map((extension) => extension.id)),
    'uses a header extension id twice',
  )
  .refine(({ encodings }) => allDifferent(encodings.flatMap((encoding) => encoding.rid ?? [])), 'uses a rid twice')
  .refine(
    ({ encodings }) => allDifferent(encodings.flatMap((encoding) => [encoding.ssrc ?? [], encoding.rtx?.ssrc ?? []].flat())),
    'uses an ssrc twice',
  );
export type RtpParameters = z.infer<typeof RtpParametersSchema>;

/** What one receiver can decode: the `RtpCapabilities` of mediasoup. */
export const RtpCapabilitiesSchema = z.object({
  codecs: z
    .array(
      z.object({
        kind: MediaKindSchema,
        mimeType: MimeTypeSchema,
        preferredPayloadType: PayloadTypeSchema,
        clockRate: ClockRateSchema,
        channels: ChannelsSchema.exactOptional(),
        parameters: FormatParametersSchema.exactOptional(),
        rtcpFeedback: z.array(RtcpFeedbackSchema).max(32).exactOptional(),
      }),
    )
    .min(1)
    .max(64),
  headerExtensions: z
    .array(
      z.object({
        kind: MediaKindSchema,
        uri: HeaderExtensionUriSchema,
        preferredId: HeaderExtensionIdSchema,
        preferredEncrypt: z.boolean().exactOptional(),
        direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).exactOptional(),
      }),
    )
    .max(64)
    .transform(withKnownUri)
    .exactOptional(),
});
export type RtpCapabilities = z.infer<typeof RtpCapabilitiesSchema>;
