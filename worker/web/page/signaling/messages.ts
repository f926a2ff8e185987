/** What the server says, over HTTP and over the notification socket, and the one place where it is checked. */
import type { types } from 'mediasoup-client';
import * as z from 'zod/mini';

// zod compiles its schemas with `new Function` where it may; the page's Content-Security-Policy forbids it.
z.config({ jitless: true });

const MediaTypeSchema = z.enum(['mic', 'webcam', 'screen']);
/** What a track shows: the three names of the protocol. */
export type MediaType = z.infer<typeof MediaTypeSchema>;

/** The kind of track that carries a type. */
export function kindOf(type: MediaType): 'audio' | 'video' {
  return type === 'mic' ? 'audio' : 'video';
}

/** Parameters that pass through unchanged to mediasoup-client, which checks them itself and throws a TypeError. */
function passedThrough<Parameters>() {
  return z.custom<Parameters>((value) => typeof value === 'object' && value !== null);
}

const TransportParamsSchema = z.object({
  id: z.string(),
  iceParameters: passedThrough<types.IceParameters>(),
  iceCandidates: passedThrough<types.IceCandidate[]>(),
  dtlsParameters: passedThrough<types.DtlsParameters>(),
  iceServers: z.exactOptional(passedThrough<RTCIceServer[]>()),
});

const ProducerSchema = z.object({ type: MediaTypeSchema, id: z.string() });

/** The results of the HTTP calls. */
export const results = {
  exists: z.object({ exists: z.boolean() }),
  createRoom: z.object({ created: z.boolean() }),
  attendees: z.array(z.object({ id: z.string() })),
  createAttendee: z.object({
    rtpCapabilities: passedThrough<types.RtpCapabilities>(),
    sendParams: TransportParamsSchema,
    recvParams: TransportParamsSchema,
  }),
  createProducer: z.object({ id: z.string() }),
  producers: z.record(z.string(), z.array(ProducerSchema)),
  createConsumer: z.object({
    id: z.string(),
    rtpParameters: passedThrough<types.RtpParameters>(),
    producerPaused: z._default(z.boolean(), false),
  }),
  nothing: z.unknown(),
};

/** Transports and capabilities that a new attendee was given. */
export type Attendance = z.infer<typeof results.createAttendee>;
/** Everybody in the room with what they send. */
export type Producers = z.infer<typeof results.producers>;
/** A consumer that the server made for this page. */
export type ConsumerOffer = z.infer<typeof results.createConsumer>;

/** The envelope of every answer. */
export const EnvelopeSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), result: z.unknown() }),
  z.object({ status: z.literal('failed'), result: z.unknown() }),
]);

const SubjectSchema = z.object({ user: z.string(), type: MediaTypeSchema });

const NotificationSchema = z.discriminatedUnion('method', [
  z.object({ method: z.literal('userJoined'), data: z.object({ user: z.string(), producers: z.array(ProducerSchema) }) }),
  z.object({ method: z.literal('userLeft'), data: z.object({ user: z.string() }) }),
  z.object({ method: z.literal('producerAdded'), data: z.object({ user: z.string(), type: MediaTypeSchema, id: z.string() }) }),
  z.object({ method: z.literal('producerRemoved'), data: SubjectSchema }),
  z.object({ method: z.literal('producerPaused'), data: SubjectSchema }),
  z.object({ method: z.literal('producerResumed'), data: SubjectSchema }),
]);
/** Something that happened to another attendee. */
export type Notification = z.infer<typeof NotificationSchema>;

/** A notification, or `undefined` for one that this page does not know: the protocol may grow. */
export function parseNotification(value: unknown): Notification | undefined {
  return NotificationSchema.safeParse(value).data;
}
