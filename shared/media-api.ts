/**
 * The one contract between the room object (caller) and the media node (server), and of the events that go back.
 *
 * Every endpoint is declared once, with the schemas of its body and of its result; the client and the server are both typed by
 * this table. Everything that belongs to a room lives below `/v1/rooms/:room/:generation`. A generation is one life of the room on a media
 * node: the room object counts it up whenever it has to start anew, and orders of an older generation are refused.
 */
import { z } from 'zod';
import { IceCandidateSchema, IceParametersSchema, IcePolicySchema, IceServersSchema } from './ice.ts';
import { MediaIdSchema, RoomIdSchema } from './ids.ts';
import { DtlsParametersSchema, MediaKindSchema, RtpCapabilitiesSchema, RtpParametersSchema } from './rtp.ts';
import { AttemptSchema, DescriptionSchema, FeedSchema, SdpSchema, SectionInfoSchema, SectionPlanSchema } from './sdp.ts';

/** Bodies of requests in either direction may not be larger, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

/** But a call that carries a description may: room for the longest one, escaped, and its plan. */
const MAX_DESCRIPTION_BODY_BYTES = 640 * 1024;

/** A room on the media node lives this long after its last creation or renewal, in seconds. */
export const ROOM_LEASE_SECONDS = 120;

/** Why a call was refused. The HTTP status follows from the reason. */
export const MEDIA_ERROR_STATUS = {
  'invalid-parameters': 400,
  /** The message names the line of the description, beginning with 1. */
  'invalid-sdp': 400,
  unauthorized: 401,
  'route-not-found': 404,
  'room-not-found': 404,
  'transport-not-found': 404,
  'producer-not-found': 404,
  'consumer-not-found': 404,
  'connection-not-found': 404,
  'section-not-found': 404,
  'already-connected': 409,
  /** A newer negotiation of this connection has begun: this one does not count any more. */
  'superseded-attempt': 409,
  /** The client would not recognise another stream in this section before the connection is negotiated anew. */
  'needs-negotiation': 409,
  'stale-generation': 409,
  'body-too-large': 413,
  'cannot-consume': 422,
  internal: 500,
  'shutting-down': 503,
} as const;
export type MediaErrorReason = keyof typeof MEDIA_ERROR_STATUS;
const MediaErrorReasonSchema = z.enum(Object.keys(MEDIA_ERROR_STATUS) as [MediaErrorReason, ...MediaErrorReason[]]);

/** The body of every answer that is not a success. */
export const MediaErrorSchema = z.object({ error: z.object({ reason: MediaErrorReasonSchema, message: z.string() }) });

const NothingSchema = z.object({});
const StatsSchema = z.array(z.record(z.string(), z.unknown()));

export const TransportInfoSchema = z.object({
  id: MediaIdSchema,
  iceParameters: IceParametersSchema,
  iceCandidates: z.array(IceCandidateSchema),
  dtlsParameters: DtlsParametersSchema,
});
export type TransportInfo = z.infer<typeof TransportInfoSchema>;

export const ConsumerInfoSchema = z.object({
  id: MediaIdSchema,
  kind: MediaKindSchema,
  rtpParameters: RtpParametersSchema,
  producerPaused: z.boolean(),
});
export type ConsumerInfo = z.infer<typeof ConsumerInfoSchema>;

const LayersSchema = z.object({
  spatialLayer: z.number().int().min(0).max(7),
  temporalLayer: z.number().int().min(0).max(7).exactOptional(),
});

export interface Endpoint<
  Path extends string = string,
  Body extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
  readonly result: Result;
  readonly maxBodyBytes: number;
}

/** The names behind the colons of a path: `/v1/rooms/:room` has `room`. */
type PathParameters<Path extends string> = Path extends `${infer Segment}/${infer Rest}`
  ? PathParameters<Segment> & PathParameters<Rest>
  : Path extends `:${infer Name}`
    ? Readonly<Record<Name, string>>
    : unknown;

function endpoint<Path extends string, Result extends z.ZodType>(
  method: Endpoint['method'],
  path: Path,
  result: Result,
): Endpoint<Path, typeof NothingSchema, typeof NothingSchema, Result>;
function endpoint<Path extends string, Result extends z.ZodType, Body extends z.ZodType>(
  method: Endpoint['method'],
  path: Path,
  result: Result,
  schemas: { body: Body; maxBodyBytes?: number },
): Endpoint<Path, Body, typeof NothingSchema, Result>;
function endpoint<Path extends string, Result extends z.ZodType, Query extends z.ZodType>(
  method: Endpoint['method'],
  path: Path,
  result: Result,
  schemas: { query: Query },
): Endpoint<Path, typeof NothingSchema, Query, Result>;
function endpoint(
  method: Endpoint['method'],
  path: string,
  result: z.ZodType,
  {
    body = NothingSchema,
    query = NothingSchema,
    maxBodyBytes = MAX_BODY_BYTES,
  }: Partial<Pick<Endpoint, 'body' | 'query' | 'maxBodyBytes'>> = {},
): Endpoint {
  return { method, path, query, body, result, maxBodyBytes };
}

const ROOM = '/v1/rooms/:room/:generation';
const CONNECTION = `${ROOM}/connections/:connection` as const;

/** All endpoints of the media node, by name. */
export const mediaApi = {
  /** Opens the room, or renews its lease where it is open in this generation. Closes an older generation of it. */
  openRoom: endpoint('PUT', ROOM, z.object({ rtpCapabilities: RtpCapabilitiesSchema })),
  /** Renews the lease; `room-not-found` tells that the room was lost and needs a new generation. */
  renewRoom: endpoint('POST', `${ROOM}/renew`, NothingSchema),
  inspectRoom: endpoint('GET', ROOM, z.object({ transports: z.number().int(), producers: z.number().int(), consumers: z.number().int() })),
  closeRoom: endpoint('DELETE', ROOM, NothingSchema),

  createTransport: endpoint('POST', `${ROOM}/transports`, TransportInfoSchema),
  connectTransport: endpoint('POST', `${ROOM}/transports/:transport/connect`, NothingSchema, {
    body: z.object({ dtlsParameters: DtlsParametersSchema }),
  }),
  transportStats: endpoint('GET', `${ROOM}/transports/:transport/stats`, StatsSchema),
  closeTransport: endpoint('DELETE', `${ROOM}/transports/:transport`, NothingSchema),

  createProducer: endpoint('POST', `${ROOM}/producers`, z.object({ id: MediaIdSchema }), {
    body: z.object({
      transport: MediaIdSchema,
      kind: MediaKindSchema,
      rtpParameters: RtpParametersSchema,
      paused: z.boolean().default(false),
    }),
  }),
  pauseProducer: endpoint('POST', `${ROOM}/producers/:producer/pause`, NothingSchema),
  resumeProducer: endpoint('POST', `${ROOM}/producers/:producer/resume`, NothingSchema),
  producerStats: endpoint('GET', `${ROOM}/producers/:producer/stats`, StatsSchema),
  closeProducer: endpoint('DELETE', `${ROOM}/producers/:producer`, NothingSchema),

  createConsumer: endpoint('POST', `${ROOM}/consumers`, ConsumerInfoSchema, {
    body: z.object({
      transport: MediaIdSchema,
      producer: MediaIdSchema,
      rtpCapabilities: RtpCapabilitiesSchema,
      paused: z.boolean().default(false),
    }),
  }),
  pauseConsumer: endpoint('POST', `${ROOM}/consumers/:consumer/pause`, NothingSchema),
  resumeConsumer: endpoint('POST', `${ROOM}/consumers/:consumer/resume`, NothingSchema),
  setConsumerLayers: endpoint('POST', `${ROOM}/consumers/:consumer/layers`, NothingSchema, { body: LayersSchema }),
  consumerStats: endpoint('GET', `${ROOM}/consumers/:consumer/stats`, StatsSchema),
  closeConsumer: endpoint('DELETE', `${ROOM}/consumers/:consumer`, NothingSchema),

  /**
   * Answers a client's offer. The first offer opens the connection, and where it is refused closes it; a later one renegotiates it, and its plan says again what all sections are
   * for: producers and consumers of sections that the plan does not name any more are closed, without an event.
   *
   * A connection is one PeerConnection of a client, and a transport that is negotiated by SDP: its id stands in events where a transport's
   * does. What a client publishes in it are ordinary producers, what it is sent ordinary consumers. Either the client makes the offers of a
   * connection or the media node; trickled candidates of the client need not be told.
   *
   * A producer of the plan that has just ended, or that the client cannot decode, leaves its section empty. Where a plan names no producers,
   * what is attached stays.
   */
  answerOffer: endpoint('POST', `${CONNECTION}/answer-offer`, DescriptionSchema, {
    body: z.object({ attempt: AttemptSchema, sdp: SdpSchema, plan: z.array(SectionPlanSchema).max(64) }),
    maxBodyBytes: MAX_DESCRIPTION_BODY_BYTES,
  }),
  /**
   * Makes an offer with these feeds and no others. The first one opens the connection; a later one adds and removes feeds. What is new waits
   * for the client's answer.
   */
  createOffer: endpoint('POST', `${CONNECTION}/create-offer`, DescriptionSchema, {
    body: z.object({ attempt: AttemptSchema, feeds: z.array(FeedSchema).max(64) }),
  }),
  /** Takes the client's answer to the offer of this attempt. Sections that the client refused are `inactive` in the result. */
  completeOffer: endpoint('POST', `${CONNECTION}/complete-offer`, z.object({ sections: z.array(SectionInfoSchema) }), {
    body: z.object({ attempt: AttemptSchema, sdp: SdpSchema }),
    maxBodyBytes: MAX_DESCRIPTION_BODY_BYTES,
  }),
  /**
   * Sends this producer to the client in a section that was answered `sendonly`, instead of the one that was attached before; the client shows
   * it without a new negotiation. Only where the client made the offer and receives in several sections of the kind does it take a new
   * negotiation to change what they carry.
   */
  attachProducer: endpoint('PUT', `${CONNECTION}/sections/:mid/producer`, SectionInfoSchema, {
    body: z.object({ producer: MediaIdSchema }),
  }),
  /** Leaves the section empty; also when it is empty already. */
  detachProducer: endpoint('DELETE', `${CONNECTION}/sections/:mid/producer`, NothingSchema),
  /** Stops what is sent in a section, and whatever is attached to it later, or lets it go on. The others who receive the producer do not notice. */
  setSectionPaused: endpoint('PUT', `${CONNECTION}/sections/:mid/paused`, NothingSchema, { body: z.object({ paused: z.boolean() }) }),
  /** Chooses the layers that are sent in a section, also of whatever is attached to it later; as far as there are any. */
  setSectionLayers: endpoint('PUT', `${CONNECTION}/sections/:mid/layers`, NothingSchema, { body: LayersSchema }),
  connectionStats: endpoint('GET', `${CONNECTION}/stats`, StatsSchema),
  /** Closes the connection and what is in it; a negotiation that is being worked on fails with `connection-not-found`. */
  closeConnection: endpoint('DELETE', CONNECTION, NothingSchema),

  /** STUN and TURN servers with time-limited credentials; `user` names the credential's owner in the TURN server's log. */
  iceServers: endpoint('GET', '/v1/ice-servers', IceServersSchema, {
    query: z.object({ policy: IcePolicySchema, user: z.string().min(1).max(128).exactOptional() }),
  }),
} as const;

export type MediaApi = typeof mediaApi;
export type MediaOperation = keyof MediaApi;
export type PathOf<Operation extends MediaOperation> = PathParameters<MediaApi[Operation]['path']>;
export type BodyOf<Operation extends MediaOperation> = z.output<MediaApi[Operation]['body']>;
export type BodyInputOf<Operation extends MediaOperation> = z.input<MediaApi[Operation]['body']>;
export type QueryOf<Operation extends MediaOperation> = z.output<MediaApi[Operation]['query']>;
export type ResultOf<Operation extends MediaOperation> = z.output<MediaApi[Operation]['result']>;

/** Path of the edge to which the media node posts its events, signed like every call the other way. */
export const MEDIA_EVENTS_PATH = '/v1/media-events';

export type Layers = z.infer<typeof LayersSchema>;

/** What happened to a room's media without the room having ordered it. */
const MediaEventSchema = z.discriminatedUnion('type', [
  /** `disconnected` may recover by itself; `failed` and `closed` never do. `transport` is the id of a transport or of a connection. */
  z.object({
    type: z.literal('transport-state'),
    transport: MediaIdSchema,
    state: z.enum(['connected', 'disconnected', 'failed', 'closed']),
  }),
  /** A producer ended that the room did not order to be closed. */
  z.object({ type: z.literal('producer-closed'), producer: MediaIdSchema }),
  /** The set of audible producers changed; empty when the room fell silent. `volume` is in dBvo, -127 to 0. */
  z.object({
    type: z.literal('audio-levels'),
    levels: z.array(z.object({ producer: MediaIdSchema, volume: z.number().int().min(-127).max(0) })),
  }),
  /** All media of this generation is gone; the last event of the generation. */
  z.object({ type: z.literal('room-closed'), cause: z.enum(['worker-died', 'lease-expired', 'shutting-down']) }),
]);
export type MediaEvent = z.infer<typeof MediaEventSchema>;

/**
 * Events of one room, in order. `first` is the number of the first of them; numbers count from 1 in each generation without gaps, so
 * that a batch that was delivered twice is recognised.
 */
export const MediaEventBatchSchema = z.object({
  room: RoomIdSchema,
  generation: z.number().int().min(1),
  first: z.number().int().min(1),
  events: z.array(MediaEventSchema).min(1).max(100),
});
export type MediaEventBatch = z.infer<typeof MediaEventBatchSchema>;
