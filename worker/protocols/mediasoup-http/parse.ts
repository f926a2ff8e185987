import { z } from 'zod';
import { DEFAULT_TENANT, MediaIdSchema, ParticipantIdSchema, type RoomId, RoomIdSchema, roomIdOf } from '../../../shared/ids.ts';
import { DtlsParametersSchema, RtpCapabilitiesSchema, RtpParametersSchema } from '../../../shared/rtp.ts';
import { INVALID_PARAMETERS } from './errors.ts';
import type { ApiRequest, ClientMessage, Endpoint } from './messages.ts';

/** Names may arrive as JSON numbers: clients of forms and of typed languages both exist. */
const text = z.union([z.string(), z.number().transform(String)]);
const roomName = text.transform((name) => roomIdOf(DEFAULT_TENANT, name)).pipe(RoomIdSchema);
const userMail = text.pipe(ParticipantIdSchema);
const type = z.enum(['mic', 'webcam', 'screen']);

/** A parameter that is an object; a form can only carry it as JSON text. */
function objectOf<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (typeof value === 'string' ? parseJson(value) : value), schema);
}

const SCHEMAS = {
  exists: z.object({ roomName }),
  createRoom: z.object({ roomName, userMail }),
  attendees: z.object({ roomName }),
  createAttendee: z.object({ roomName, userMail }),
  connectSender: z.object({ roomName, userMail, dtlsParameters: objectOf(DtlsParametersSchema) }),
  createProducer: z.object({ roomName, userMail, type, rtpParameters: objectOf(RtpParametersSchema) }),
  producers: z.object({ roomName, producerMail: userMail.exactOptional() }),
  connectReceiver: z.object({ roomName, userMail, dtlsParameters: objectOf(DtlsParametersSchema) }),
  createConsumer: z.object({
    roomName,
    userMail,
    id: MediaIdSchema,
    rtpCapabilities: objectOf(RtpCapabilitiesSchema),
    // Required by the document, but says nothing that `id` does not say.
    producerMail: userMail,
  }),
  leaveRoom: z.object({ roomName, userMail }),
} satisfies Record<Endpoint, z.ZodType>;

/** Parameters that carry media descriptions: what is wrong with them is worth telling. */
const DESCRIPTIONS: ReadonlySet<PropertyKey | undefined> = new Set(['dtlsParameters', 'rtpParameters', 'rtpCapabilities']);

export type ParsedRequest =
  { readonly ok: true; readonly room: RoomId; readonly request: ApiRequest } | { readonly ok: false; readonly text: string };

/** Parses the parameters of an endpoint, from a query or a body. `null` and the empty string count as missing. */
export function parseRequest(endpoint: Endpoint, parameters: unknown): ParsedRequest {
  const parsed = SCHEMAS[endpoint].safeParse(withoutEmpty(parameters));
  if (!parsed.success) return { ok: false, text: complaint(parsed.error.issues) };
  const { roomName: room, ...rest } = parsed.data;
  // The schema was chosen by the endpoint, which TypeScript cannot follow through the index.
  return { ok: true, room, request: { endpoint, ...rest } as ApiRequest };
}

function withoutEmpty(parameters: unknown): unknown {
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return {};
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== null && value !== ''));
}

function complaint(issues: readonly z.core.$ZodIssue[]): string {
  const [first] = issues;
  const described = issues.every((issue) => DESCRIPTIONS.has(issue.path[0]) && !(issue.code === 'invalid_type' && issue.path.length === 1));
  if (!first || !described) return INVALID_PARAMETERS;
  return `Invalid ${first.path.join('.')}: ${first.message}`.slice(0, 200);
}

const NotificationSchema = z.object({
  method: z.enum(['producerRemoved', 'producerPaused', 'producerResumed']),
  data: z.object({ type }),
});
const RequestSchema = z.object({ request: z.literal(true), id: z.number() });

/**
 * Parses a message of the notification socket, in protoo's framing or in the bare `{method, data}` of the document.
 *
 * @returns `undefined` for what is to be ignored: bad JSON, unknown methods, a missing type.
 */
export function parseMessage(frame: string): ClientMessage | undefined {
  const message = parseJson(frame);
  const request = RequestSchema.safeParse(message);
  if (request.success) return { kind: 'request', id: request.data.id };
  const notification = NotificationSchema.safeParse(message);
  if (!notification.success) return undefined;
  return { kind: 'notification', method: notification.data.method, type: notification.data.data.type };
}

/** @returns the value, or `undefined` when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
