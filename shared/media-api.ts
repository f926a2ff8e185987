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
import {
  AttemptSchema,
  ConnectionIdSchema,
  DescriptionSchema,
  FeedSchema,
  MidSchema,
  LongSdpSchema,
  SectionInfoSchema,
  SectionPlanSchema,
} from './sdp.ts';

/** Bodies of requests in either direction may not be larger, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

/** But a call that carries a description may: room for the longest one, escaped, and its plan. */
const MAX_DESCRIPTION_BODY_BYTES = 640 * 1024;

/** And one that sets limits for all sections of a large room. */
const MAX_LIMITS_BODY_BYTES = 512 * 1024;

/** A document may not be larger, in bytes. */
export const MAX_DOCUMENT_BYTES = 25 * 1024 * 1024;

/** A document may not have more pages. */
export const MAX_DOCUMENT_PAGES = 200;

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
  /** It was never there, was deleted, or its lifetime is over. */
  'document-not-found': 404,
  'page-not-found': 404,
  'recording-not-found': 404,
  'already-connected': 409,
  /** A newer negotiation of this connection has begun: this one does not count any more. */
  'superseded-attempt': 409,
  /** The client would not recognise another stream in this section before the connection is negotiated anew. */
  'needs-negotiation': 409,
  'stale-generation': 409,
  /** Nothing came that could be decoded. */
  'no-picture': 409,
  'recording-exists': 409,
  'recording-not-finished': 409,
  'body-too-large': 413,
  'cannot-consume': 422,
  /** The codec cannot be recorded, not in this container, or not in this recording. */
  'cannot-record': 422,
  /** It cannot be read as the kind of document that it should be. */
  'invalid-document': 422,
  /** It can be read only with a password. */
  'encrypted-document': 422,
  /** It has too many pages, or reading or drawing it takes too long or too much memory. */
  'costly-document': 422,
  internal: 500,
  /** A program that this needs is not installed on the media node. The message says what to do. */
  'missing-program': 501,
  'shutting-down': 503,
  /** The media node has as much of this kind of work as it can take; another try later may succeed. */
  overloaded: 503,
  /** Recordings fill what they may, or the disk is nearly full. */
  'disk-full': 507,
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

/** What is not JSON travels as it is. */
const BytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');

/** The media type of a body. */
type BodyType = 'application/json' | 'application/pdf' | 'image/png' | 'application/octet-stream';

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
  /** Unless it is JSON, the body is bytes, and its digest is signed in its place (see `signature.ts`). */
  readonly bodyType: BodyType;
  /** Of a success; a refusal is always JSON. Unless it is JSON, the result is bytes. */
  readonly resultType: BodyType;
  readonly maxBodyBytes: number;
  /** A call that is not answered in this time has failed, in seconds. */
  readonly answersWithin: number;
}

/** The names behind the colons of a path: `/v1/rooms/:room` has `room`. */
type PathParameters<Path extends string> = Path extends `${infer Segment}/${infer Rest}`
  ? PathParameters<Segment> & PathParameters<Rest>
  : Path extends `:${infer Name}`
    ? Readonly<Record<Name, string>>
    : unknown;

/** The name of a recording, chosen by the room object and used once. */
const RecordingIdSchema = z.string().regex(/^[\w-]{1,64}$/u, 'must be letters, digits, _ and -, at most 64');

const RecordingContainerSchema = z.enum(['webm', 'matroska', 'mp4']);
export type RecordingContainer = z.infer<typeof RecordingContainerSchema>;

/** Why a recording ended; `interrupted` when the media node was stopped or died meanwhile, and found the file afterwards. */
const RecordingCauseSchema = z.enum(['stopped', 'room-closed', 'too-long', 'disk-full', 'interrupted']);

export const RecordingInfoSchema = z.object({
  recording: RecordingIdSchema,
  room: RoomIdSchema,
  container: RecordingContainerSchema,
  state: z.enum(['running', 'finished']),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  /** Seconds; 0 while it goes on. */
  duration: z.number().min(0),
  /** Of the finished file; 0 while it goes on. */
  bytes: z.number().int().min(0),
  cause: RecordingCauseSchema.exactOptional(),
});
export type RecordingInfo = z.infer<typeof RecordingInfoSchema>;

/** At most one of each kind. */
const RecordedProducersSchema = z.object({ audio: MediaIdSchema.exactOptional(), video: MediaIdSchema.exactOptional() });

/** A part of a file may not be longer, in bytes. */
const MAX_PART_BYTES = 16 * 1024 * 1024;

/** A number in a query. */
function countOfAtMost(highest: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/u, 'must be a whole number')
    .transform(Number)
    .refine((count) => count <= highest, `must be at most ${highest}`);
}

/** Bits per second. */
const BitrateSchema = z.number().int().min(10_000).max(1_000_000_000);

/**
 * How much a client may send in one transport or connection. With limits for each producer of a kind the whole is their sum, counted anew when producers
 * come and go; then an audio producer without a limit counts 128 kbit/s. The smaller one of sum and whole holds. The client is told by REMB.
 *
 * Pictures with layers have a limit of their own, for all layers together: what viewers get of them is a matter of layers, and those that a client has left
 * out for a limit would take seconds to come back.
 */
const IncomingLimitSchema = z.object({
  maxIncomingBitrate: BitrateSchema.exactOptional(),
  maxAudioBitrate: BitrateSchema.exactOptional(),
  maxVideoBitrate: BitrateSchema.exactOptional(),
  maxLayeredBitrate: BitrateSchema.exactOptional(),
});
export type IncomingLimit = z.infer<typeof IncomingLimitSchema>;

const MAX_LIMITS = 2_000;

/** Something that a call of many parts named and that was not there any more. */
const SkippedSchema = z.object({
  connection: ConnectionIdSchema.exactOptional(),
  mid: MidSchema.exactOptional(),
  consumer: MediaIdSchema.exactOptional(),
  reason: MediaErrorReasonSchema,
});
export type Skipped = z.infer<typeof SkippedSchema>;

/**
 * How long it may take to make what a client's media depends on. Many clients do not ask again, and one whose offer is not answered loses everything
 * that its connection carries; but none waits for more than ten seconds.
 */
const MEDIA_SECONDS = 8;

interface EndpointOptions<Body extends z.ZodType, Query extends z.ZodType> extends Partial<
  Pick<Endpoint, 'bodyType' | 'resultType' | 'maxBodyBytes' | 'answersWithin'>
> {
  body?: Body;
  query?: Query;
}

function endpoint<
  Path extends string,
  Result extends z.ZodType,
  Body extends z.ZodType = typeof NothingSchema,
  Query extends z.ZodType = typeof NothingSchema,
>(method: Endpoint['method'], path: Path, result: Result, options?: EndpointOptions<Body, Query>): Endpoint<Path, Body, Query, Result>;
function endpoint(
  method: Endpoint['method'],
  path: string,
  result: z.ZodType,
  {
    body = NothingSchema,
    query = NothingSchema,
    bodyType = 'application/json',
    resultType = 'application/json',
    maxBodyBytes = MAX_BODY_BYTES,
    answersWithin = 2,
  }: EndpointOptions<z.ZodType, z.ZodType> = {},
): Endpoint {
  return { method, path, query, body, result, bodyType, resultType, maxBodyBytes, answersWithin };
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
  /**
   * Sets what may flow in the whole room, in one call. What is not named stays as it is; what is named and not there is skipped, because it may have
   * gone a moment ago.
   */
  setLimits: endpoint('PUT', `${ROOM}/limits`, z.object({ skipped: z.array(SkippedSchema) }), {
    body: z.object({
      /** For every transport and connection that has no limit of its own, also those that are still to come. An empty one lifts it. */
      everyConnection: IncomingLimitSchema.exactOptional(),
      /** Limits of their own; an empty one lets the room's hold again. `connection` is the id of a transport or of a connection. */
      connections: z
        .array(IncomingLimitSchema.extend({ connection: ConnectionIdSchema }))
        .max(MAX_LIMITS)
        .default([]),
      /** As `setSectionLayers`. */
      sections: z
        .array(LayersSchema.extend({ connection: ConnectionIdSchema, mid: MidSchema }))
        .max(MAX_LIMITS)
        .default([]),
      /** As `setConsumerLayers`. */
      consumers: z
        .array(LayersSchema.extend({ consumer: MediaIdSchema }))
        .max(MAX_LIMITS)
        .default([]),
    }),
    maxBodyBytes: MAX_LIMITS_BODY_BYTES,
  }),

  createTransport: endpoint('POST', `${ROOM}/transports`, TransportInfoSchema, { answersWithin: MEDIA_SECONDS }),
  connectTransport: endpoint('POST', `${ROOM}/transports/:transport/connect`, NothingSchema, {
    answersWithin: MEDIA_SECONDS,
    body: z.object({ dtlsParameters: DtlsParametersSchema }),
  }),
  /**
   * From now on the event `media-missing` tells when no RTP has come for so many seconds over a transport or connection whose client is to send
   * something that is not paused; once, and then nothing is expected any more. A second time, the new time counts.
   */
  expectMedia: endpoint('PUT', `${ROOM}/transports/:transport/expected-media`, NothingSchema, {
    body: z.object({ within: z.number().int().min(1).max(3600) }),
  }),
  transportStats: endpoint('GET', `${ROOM}/transports/:transport/stats`, StatsSchema),
  closeTransport: endpoint('DELETE', `${ROOM}/transports/:transport`, NothingSchema),

  createProducer: endpoint('POST', `${ROOM}/producers`, z.object({ id: MediaIdSchema }), {
    answersWithin: MEDIA_SECONDS,
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
  /** From now on `statistics` events tell about it; also when they do already. It ends with the producer. */
  watchProducer: endpoint('PUT', `${ROOM}/producers/:producer/watch`, NothingSchema),
  unwatchProducer: endpoint('DELETE', `${ROOM}/producers/:producer/watch`, NothingSchema),
  /** The next key frame, which the client is asked for; of simulcast, of the highest layer that arrives. */
  snapshot: endpoint('GET', `${ROOM}/producers/:producer/snapshot`, BytesSchema, { resultType: 'image/png', answersWithin: 15 }),
  closeProducer: endpoint('DELETE', `${ROOM}/producers/:producer`, NothingSchema),

  createConsumer: endpoint('POST', `${ROOM}/consumers`, ConsumerInfoSchema, {
    answersWithin: MEDIA_SECONDS,
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
  /** As `watchProducer`. */
  watchConsumer: endpoint('PUT', `${ROOM}/consumers/:consumer/watch`, NothingSchema),
  unwatchConsumer: endpoint('DELETE', `${ROOM}/consumers/:consumer/watch`, NothingSchema),
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
    answersWithin: MEDIA_SECONDS,
    body: z.object({ attempt: AttemptSchema, sdp: LongSdpSchema, plan: z.array(SectionPlanSchema).max(64) }),
    maxBodyBytes: MAX_DESCRIPTION_BODY_BYTES,
  }),
  /**
   * Makes an offer with these feeds and no others. The first one opens the connection; a later one adds and removes feeds. What is new waits
   * for the client's answer.
   */
  createOffer: endpoint('POST', `${CONNECTION}/create-offer`, DescriptionSchema, {
    answersWithin: MEDIA_SECONDS,
    body: z.object({ attempt: AttemptSchema, feeds: z.array(FeedSchema).max(64) }),
  }),
  /** Takes the client's answer to the offer of this attempt. Sections that the client refused are `inactive` in the result. */
  completeOffer: endpoint('POST', `${CONNECTION}/complete-offer`, z.object({ sections: z.array(SectionInfoSchema) }), {
    answersWithin: MEDIA_SECONDS,
    body: z.object({ attempt: AttemptSchema, sdp: LongSdpSchema }),
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
  /**
   * The highest layers of simulcast or SVC that are sent in a section, also of what is attached to it later. Where there are fewer, the highest ones
   * there are; where the client's line is too thin, lower ones.
   */
  setSectionLayers: endpoint('PUT', `${CONNECTION}/sections/:mid/layers`, NothingSchema, { body: LayersSchema }),
  /** As `watchProducer`, about what the client is sent in a section, whatever it is at the time. It ends with the connection. */
  watchSection: endpoint('PUT', `${CONNECTION}/sections/:mid/watch`, NothingSchema),
  unwatchSection: endpoint('DELETE', `${CONNECTION}/sections/:mid/watch`, NothingSchema),
  connectionStats: endpoint('GET', `${CONNECTION}/stats`, StatsSchema),
  /** Closes the connection and what is in it; a negotiation that is being worked on fails with `connection-not-found`. */
  closeConnection: endpoint('DELETE', CONNECTION, NothingSchema),

  /**
   * Records at most one producer of each kind into one file: WebM for VP8 and VP9, MP4 for H264, unless another container is wanted. Pauses of a
   * producer are gaps, and so is what comes after its end. The event `recording-finished` tells when the file is ready, unless the room is closed before that.
   */
  startRecording: endpoint('POST', `${ROOM}/recordings`, RecordingInfoSchema, {
    body: z.object({
      recording: RecordingIdSchema,
      producers: RecordedProducersSchema,
      container: RecordingContainerSchema.exactOptional(),
    }),
  }),
  /** Other producers take the place of those of their kind; of the same codec. Kinds that are not named go on. */
  replaceRecorded: endpoint('PUT', `${ROOM}/recordings/:recording/producers`, NothingSchema, { body: RecordedProducersSchema }),
  stopRecording: endpoint('POST', `${ROOM}/recordings/:recording/stop`, NothingSchema),
  /** Of all rooms or of one, also of rooms that are closed, until they are deleted. */
  listRecordings: endpoint('GET', '/v1/recordings', z.object({ recordings: z.array(RecordingInfoSchema) }), {
    query: z.object({ room: RoomIdSchema.exactOptional() }),
  }),
  inspectRecording: endpoint('GET', '/v1/recordings/:recording', RecordingInfoSchema),
  /** A part of the finished file; shorter at its end, and empty behind it. */
  recordingFile: endpoint('GET', '/v1/recordings/:recording/file', BytesSchema, {
    query: z.object({ offset: countOfAtMost(Number.MAX_SAFE_INTEGER), length: countOfAtMost(MAX_PART_BYTES) }),
    resultType: 'application/octet-stream',
    answersWithin: 30,
  }),
  deleteRecording: endpoint('DELETE', '/v1/recordings/:recording', NothingSchema),

  /**
   * Takes a PDF document to draw its pages. Answered when it has been opened; the pages are drawn one after the other from then on. A document
   * belongs to no room and lives `DOCUMENT_LIFETIME_SECONDS` of the media node.
   */
  openDocument: endpoint('POST', '/v1/documents', z.object({ document: MediaIdSchema, pages: z.number().int().min(1) }), {
    body: BytesSchema,
    bodyType: 'application/pdf',
    maxBodyBytes: MAX_DOCUMENT_BYTES,
    answersWithin: 40,
  }),
  /** One page, counted from 1, with 144 pixels per inch where that is not too large. Waits until it has been drawn. */
  documentPage: endpoint('GET', '/v1/documents/:document/pages/:page', BytesSchema, { resultType: 'image/png', answersWithin: 100 }),
  closeDocument: endpoint('DELETE', '/v1/documents/:document', NothingSchema),

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

const PictureSizeSchema = z.object({ width: z.number().int().min(1), height: z.number().int().min(1) });

/** What flowed in the last second, and what has gone wrong since the beginning. */
const FlowStatisticsSchema = z.object({
  kind: MediaKindSchema,
  /** Bits per second, all layers of simulcast together. */
  bitrate: z.number().int().min(0),
  /** Since the beginning; towards a receiver, as far as it has told. */
  packetsLost: z.number().int().min(0),
  /** NACK and PLI packets, sent to who sends or received from who receives, since the beginning. */
  nackCount: z.number().int().min(0),
  pliCount: z.number().int().min(0),
  /** Pictures per second. */
  frameRate: z.number().min(0).exactOptional(),
  /** Of the highest layer that a producer sends, or of the one that a consumer gets; left out until it is known. */
  width: z.number().int().min(1).exactOptional(),
  height: z.number().int().min(1).exactOptional(),
});
export type FlowStatistics = z.infer<typeof FlowStatisticsSchema>;

const ProducerStatisticsSchema = FlowStatisticsSchema.extend({ producer: MediaIdSchema });
export type ProducerStatistics = z.infer<typeof ProducerStatisticsSchema>;

/** `connection` and `mid` where the section is watched. */
const ConsumerStatisticsSchema = FlowStatisticsSchema.extend({
  /** Of what is to be sent, without repetitions, in bits per second. */
  sourceBitrate: z.number().int().min(0),
  /** Since the beginning, repetitions left out. */
  packetsSent: z.number().int().min(0),
  consumer: MediaIdSchema,
  producer: MediaIdSchema,
  connection: ConnectionIdSchema.exactOptional(),
  mid: MidSchema.exactOptional(),
});
export type ConsumerStatistics = z.infer<typeof ConsumerStatisticsSchema>;

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
  /** What was expected to come over a transport or connection has not come for so long. */
  z.object({ type: z.literal('media-missing'), transport: MediaIdSchema }),
  /** The set of audible producers changed; empty when the room fell silent. `volume` is in dBvo, -127 to 0. */
  z.object({
    type: z.literal('audio-levels'),
    levels: z.array(z.object({ producer: MediaIdSchema, volume: z.number().int().min(-127).max(0) })),
  }),
  /**
   * How large the pictures of a video producer are, read from its key frames: when it is first known, and whenever it changes. Of simulcast, the highest
   * layer that arrives: `layer` says which that is, counted from 0.
   */
  PictureSizeSchema.extend({ type: z.literal('video-format'), producer: MediaIdSchema, layer: z.number().int().min(0) }),
  /** About what is watched in the room; once a second, while anything of it is there. */
  z.object({
    type: z.literal('statistics'),
    producers: z.array(ProducerStatisticsSchema),
    consumers: z.array(ConsumerStatisticsSchema),
  }),
  /** The file of a recording is ready. Where nothing came to be recorded it has no bytes, and there is no file. */
  RecordingInfoSchema.omit({ room: true, state: true, startedAt: true }).extend({ type: z.literal('recording-finished') }),
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
