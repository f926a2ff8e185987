/**
 * What room object and media node tell each other about connections that are negotiated by SDP.
 *
 * The room object never reads an SDP: it says what the client's media sections are for, and hands texts to and fro.
 */
import { z } from 'zod';
import { MediaIdSchema, StreamIdSchema } from './ids.ts';
import { MediaKindSchema } from './rtp.ts';

/** How long a description may be, in bytes of UTF-8, and how many lines it may have. */
export interface DescriptionLimits {
  readonly bytes: number;
  readonly lines: number;
}

/** Of a connection that is for one thing: somebody publishes, or watches somebody. */
export const SHORT_DESCRIPTION: DescriptionLimits = { bytes: 64 * 1024, lines: 500 };

/** Of a connection that is for everything: its client offers again all that was ever in it, five kilobytes for each media section. */
export const LONG_DESCRIPTION: DescriptionLimits = { bytes: 512 * 1024, lines: 12_000 };

/** A description as it came from a client; whether it makes sense is found out by the bridge, which names the line that does not. */
export const SdpSchema = z.string().max(SHORT_DESCRIPTION.bytes, 'is longer than a description may be');

/** A description of a connection that may be for everything. */
export const LongSdpSchema = z.string().max(LONG_DESCRIPTION.bytes, 'is longer than a description may be');

/** The name of a connection, chosen by the room object and used once: a fresh connection has a fresh name. */
export const ConnectionIdSchema = z.string().regex(/^[\w-]{1,64}$/u, 'must be letters, digits, _ and -, at most 64');

/** The name of a media section (RFC 5888): a token. */
export const MidSchema = z.string().regex(/^[\w!#$%&'*+.^`{|}~-]{1,32}$/u, 'must be a token of at most 32 characters');

/**
 * Counts the negotiations of one connection upwards. The media node works on one at a time; one that is older than another which it has seen
 * is refused with `superseded-attempt`, and so is the answer of one that was overtaken while it was worked on.
 */
export const AttemptSchema = z.number().int().min(1);

const MidsSchema = z.array(MidSchema).min(1).max(64);
const KindsSchema = z.array(MediaKindSchema).max(2);

/**
 * What some sections of a client's offer are for. Without `mids` it takes every section that no other part of the plan names; with `kinds` only
 * sections of these kinds.
 *
 * A section that no part takes, or whose direction in the offer does not fit, is answered `inactive`.
 */
export const SectionPlanSchema = z.discriminatedUnion('use', [
  /** The client sends: each section becomes a producer and is answered `recvonly`. */
  z.object({ use: z.literal('publish'), mids: MidsSchema.exactOptional(), kinds: KindsSchema.exactOptional() }),
  /**
   * The client receives: each section is answered `sendonly`. The producers are attached in this order, each to the first free section of
   * its kind; more can be attached later.
   */
  z.object({
    use: z.literal('view'),
    mids: MidsSchema.exactOptional(),
    kinds: KindsSchema.exactOptional(),
    stream: StreamIdSchema,
    producers: z.array(MediaIdSchema).max(64).default([]),
    /**
     * The answer names what is attached by its ssrc, also where the client would find it without: a client that goes on to send in the same
     * connection does not, if nothing has arrived by then. Only another negotiation can change what such sections carry.
     */
    isAnnounced: z.boolean().exactOptional(),
  }),
]);
export type SectionPlan = z.infer<typeof SectionPlanSchema>;

/** Producers that the client gets as the tracks of one stream, each in a section of its own; sections of these kinds are there also while they are empty. */
export const FeedSchema = z.object({
  stream: StreamIdSchema,
  producers: z.array(MediaIdSchema).max(64).default([]),
  kinds: z.array(MediaKindSchema).max(2).default([]),
});
export type Feed = z.infer<typeof FeedSchema>;

/** A section as it was negotiated, in the order of the description. */
export const SectionInfoSchema = z.object({
  mid: MidSchema,
  kind: MediaKindSchema,
  /** As the media node sees it: it receives from a client that publishes. */
  direction: z.enum(['sendonly', 'recvonly', 'inactive']),
  /** Made from this section (`recvonly`) or attached to it (`sendonly`). */
  producer: MediaIdSchema.exactOptional(),
  /** Carries the producer to the client (`sendonly`); paused, resumed and given layers like every consumer. */
  consumer: MediaIdSchema.exactOptional(),
  /** Name of the codec of what flows, as in `a=rtpmap`: `opus`, `VP8`. */
  codec: z.string().exactOptional(),
  /** Names of the simulcast layers that the client sends (`recvonly`), in the order of the offer. */
  rids: z.array(z.string()).exactOptional(),
});
export type SectionInfo = z.infer<typeof SectionInfoSchema>;

/** A candidate of the media node as a browser takes it (`RTCIceCandidateInit`). All of them also stand in the description. */
const ServerCandidateSchema = z.object({ candidate: z.string(), sdpMid: z.string(), sdpMLineIndex: z.number().int() });
export type ServerCandidate = z.infer<typeof ServerCandidateSchema>;

/** A description for the client. */
export const DescriptionSchema = z.object({
  sdp: z.string(),
  candidates: z.array(ServerCandidateSchema),
  sections: z.array(SectionInfoSchema),
});
export type Description = z.infer<typeof DescriptionSchema>;
