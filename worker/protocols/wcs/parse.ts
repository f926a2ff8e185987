import { z } from 'zod';
import { assertNever } from '../../../shared/assert-never.ts';
import { ParticipantIdSchema } from '../../../shared/ids.ts';
import { SdpSchema } from '../../../shared/sdp.ts';
import { INFO, ROOM_INFO } from './errors.ts';
import { type ClientMessage, frameOf, type RoomCommand } from './messages.ts';
import { failedRequest } from './stream.ts';

/** `data` is a list of arguments; some clients leave it out where there are none. */
const EnvelopeSchema = z.object({ message: z.string(), data: z.array(z.unknown()).default([]) });

const MediaSessionIdSchema = z.string().min(1).max(128);

const StreamNameSchema = z
  .string()
  .min(1)
  .max(256)
  // eslint-disable-next-line no-control-regex -- control characters are what this keeps out
  .regex(/^[^\u0000-\u001f\u007f]*$/u, 'must not contain control characters');

/** Numbers that are wishes come as texts, too, and are 0 where they make no sense. */
const wish = z.coerce.number().int().min(0).max(1_000_000).catch(0);
const flag = z.boolean().catch(false);
const words = z.string().max(1024).catch('');

/** What belongs to the application is read as far as it means something here. */
const ApplicationSchema = z
  .object({
    name: z.string().min(1).max(250).optional().catch(undefined),
    login: ParticipantIdSchema.optional().catch(undefined),
    token: z.string().min(1).optional().catch(undefined),
  })
  .catch({});

const ConnectionSchema = z.object({
  clientVersion: words,
  clientOSVersion: words,
  clientBrowserVersion: words,
  mediaProviders: z.array(z.string().max(64)).max(16).catch([]),
  keepAlive: flag,
  authToken: z.string().min(1).max(256).optional().catch(undefined),
  custom: ApplicationSchema,
});

/** The SDK has a kind of its own for the screen. */
const ConstraintsSchema = z.object({ video: z.object({ type: z.string().optional().catch(undefined) }).catch({}) }).catch({ video: {} });

/** In the order in which what is missing is told. */
const RequestSchema = z.object({
  mediaSessionId: MediaSessionIdSchema,
  mediaProvider: z.literal('WebRTC').default('WebRTC'),
  name: StreamNameSchema,
  sdp: SdpSchema.min(1),
  hasAudio: flag,
  hasVideo: flag,
  record: flag,
  constraints: ConstraintsSchema,
  quality: wish,
  bitrate: wish,
  minBitrate: wish,
  maxBitrate: wish,
  custom: ApplicationSchema,
});

/** What can be read of a request that is none. */
const ReadableSchema = z
  .object({ mediaSessionId: MediaSessionIdSchema.nullable().catch(null), name: StreamNameSchema.catch('') })
  .catch({ mediaSessionId: null, name: '' });

const REQUEST_PROBLEMS: Readonly<Record<string, string>> = {
  mediaSessionId: INFO.noSessionId,
  mediaProvider: INFO.noCommonCodecs,
  name: INFO.failed,
  sdp: INFO.badSdp,
};

const StreamSchema = z.object({ mediaSessionId: MediaSessionIdSchema });
const NamedStreamSchema = StreamSchema.extend({ name: StreamNameSchema });

const StreamEventSchema = StreamSchema.extend({
  type: z.enum(['audioMuted', 'audioUnmuted', 'videoMuted', 'videoUnmuted', 'data']),
  payload: z.unknown().optional(),
});

const roomName = z.string().min(1).max(250);
const CommandSchema = z.discriminatedUnion('command', [
  z.object({ command: z.literal('join'), options: z.object({ name: roomName, record: flag }) }),
  z.object({ command: z.literal('leave'), options: z.object({ name: roomName }) }),
  z.object({
    command: z.literal('sendMessage'),
    options: z.object({ roomConfig: z.object({ name: roomName }), to: ParticipantIdSchema, text: z.string().max(32_768) }),
  }),
]);
const COMMANDS = z.object({ command: z.enum(['join', 'leave', 'sendMessage']) });

const OperationSchema = z.object({ operationId: z.string().min(1).max(128), payload: z.unknown().optional() });

/** A message, or what is wrong with it in words that repeat nothing of it, and the frame by which the client is told if there is one. */
export type ParsedMessage =
  { readonly ok: true; readonly message: ClientMessage } | { readonly ok: false; readonly problem: string; readonly answer?: string };

export function parseMessage(frame: string): ParsedMessage {
  const envelope = EnvelopeSchema.safeParse(jsonOrNothing(frame));
  if (!envelope.success) return { ok: false, problem: 'not a message' };
  const {
    message,
    data: [argument],
  } = envelope.data;
  switch (message) {
    case 'connection':
      return parsed(ConnectionSchema.transform(connectionOf).safeParse(argument ?? {}), message);
    case 'publishStream':
    case 'playStream':
      return parseRequest(message, argument);
    case 'unPublishStream':
    case 'stopStream':
      return parsed(StreamSchema.transform(({ mediaSessionId }) => ({ message, mediaSessionId }) as const).safeParse(argument), message);
    case 'sendStreamEvent':
      return parsed(StreamEventSchema.transform((event) => ({ message, ...event }) as const).safeParse(argument), message);
    case 'availableStream':
    case 'snapshot':
      return parseQuestion(message, argument);
    case 'sendData':
      return parseOperation(argument);
    case 'connectMediaTransport':
      return { ok: true, message: { message } };
    default:
      return { ok: true, message: { message: 'ignored' } };
  }
}

/** Whether a socket on no particular path speaks this protocol. */
export function isOurs(firstMessage: string): boolean {
  return EnvelopeSchema.required().safeParse(jsonOrNothing(firstMessage)).success;
}

function connectionOf({ custom, mediaProviders, keepAlive, authToken, ...client }: z.output<typeof ConnectionSchema>): ClientMessage {
  const { login, token } = custom;
  return {
    message: 'connection',
    client,
    mediaProviders,
    keepAlive,
    ...(authToken !== undefined && { authToken }),
    ...(login !== undefined && { login }),
    ...(token !== undefined && { token }),
  };
}

function parseRequest(message: 'publishStream' | 'playStream', argument: unknown): ParsedMessage {
  const request = RequestSchema.safeParse(argument ?? {});
  if (request.success) {
    const { custom, constraints, ...rest } = request.data;
    const screen = constraints.video.type === 'screen';
    return { ok: true, message: { message, request: { ...rest, screen, ...(custom.name !== undefined && { room: custom.name }) } } };
  }
  const [field = 'mediaSessionId'] = request.error.issues[0]?.path ?? [];
  const known = ReadableSchema.parse(argument);
  const event = failedRequest(known, message === 'publishStream', REQUEST_PROBLEMS[String(field)] ?? INFO.failed);
  return { ok: false, problem: `${message} without ${String(field)}`, answer: frameOf('notifyStreamStatusEvent', event) };
}

function parseQuestion(message: 'availableStream' | 'snapshot', argument: unknown): ParsedMessage {
  const question = parsed(NamedStreamSchema.transform((stream) => ({ message, ...stream }) as const).safeParse(argument), message);
  const asked = StreamSchema.safeParse(argument);
  if (question.ok || !asked.success) return question;
  return { ...question, answer: noSuchStream(message, asked.data.mediaSessionId, INFO.notFound) };
}

/** The answer to a question about a stream that there is not, or that the client may not see. */
export function noSuchStream(message: 'availableStream' | 'snapshot', mediaSessionId: string, info: string): string {
  return message === 'availableStream'
    ? frameOf('availableStream', { status: 'false', id: mediaSessionId, info })
    : frameOf('notifyStreamEvent', { mediaSessionId, type: 'snapshotFailed', payload: { info } });
}

function parseOperation(argument: unknown): ParsedMessage {
  const operation = OperationSchema.safeParse(argument);
  if (!operation.success) return { ok: false, problem: 'sendData without an operation' };
  const { operationId, payload } = operation.data;
  // Applications send data of their own, too, which need not be anything.
  if (!COMMANDS.safeParse(payload).success)
    return { ok: true, message: { message: 'sendData', operationId, command: { command: 'other' } } };
  const command = CommandSchema.transform(commandOf).safeParse(payload);
  if (command.success) return { ok: true, message: { message: 'sendData', operationId, command: command.data } };
  const answer = frameOf('DataStatusEvent', { operationId, status: 'FAILED', info: ROOM_INFO.malformed });
  return { ok: false, problem: 'a command of the Room API is not understood', answer };
}

function commandOf(said: z.output<typeof CommandSchema>): RoomCommand {
  switch (said.command) {
    case 'join':
      return { command: 'join', room: said.options.name, record: said.options.record };
    case 'leave':
      return { command: 'leave', room: said.options.name };
    case 'sendMessage': {
      const { roomConfig, to, text } = said.options;
      return { command: 'sendMessage', room: roomConfig.name, to, text };
    }
    default:
      return assertNever(said);
  }
}

function parsed(result: z.ZodSafeParseResult<ClientMessage>, message: string): ParsedMessage {
  if (result.success) return { ok: true, message: result.data };
  const problem = result.error.issues.map(({ path, code }) => `${path.join('.')} ${code}`).join(', ');
  return { ok: false, problem: `${message}: ${problem}`.slice(0, 200) };
}

/** What the lobby writes into the URL of the socket to the room, and the adapter reads from it. */
export interface Admittance {
  readonly participantId: string;
  /** How the others are to call it. */
  readonly name?: string;
  /** The operation that waits for the room to be joined by the Room API; without it the participant is hidden until it publishes. */
  readonly joins?: string;
  /** Whether it has joined with `record`. */
  readonly records?: true;
}

const AdmittanceSchema = z.object({
  participantId: ParticipantIdSchema,
  name: z.string().exactOptional(),
  joins: z.string().exactOptional(),
  records: z
    .literal('true')
    .transform(() => true as const)
    .exactOptional(),
});

export function admittanceQuery({ records, ...admittance }: Admittance): Record<string, string> {
  return { ...admittance, ...(records && { records: 'true' }) };
}

/** @throws Error when the URL is not one that {@link admittanceQuery} has made. */
export function readAdmittance({ searchParams }: URL): Admittance {
  return AdmittanceSchema.parse(Object.fromEntries(searchParams));
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
