import { z } from 'zod';
import type { MediaKind } from '../../../shared/rtp.ts';
import { MediaKindSchema } from '../../../shared/rtp.ts';
import { LongSdpSchema, MidSchema } from '../../../shared/sdp.ts';
import { PROBLEMS } from './errors.ts';
import type { ClientRequest, Form, Parameters, PublishedTrack, SubscribedTrack, SubscriptionUpdate } from './messages.ts';
import { SOURCES } from './messages.ts';

/** A request, or why it is refused, in the words that the client gets. */
export type ParsedRequest = { readonly ok: true; readonly request: ClientRequest } | { readonly ok: false; readonly problem: string };

/** Longest message of the chat, in characters. */
const MAX_TEXT = 2048;

/** A stream's attributes are kept and told to everybody; so much of them, in characters of JSON. */
const MAX_ATTRIBUTES = 8 * 1024;

/** Ids are made by the server; what a client sends in their place need not be one. */
const IdSchema = z.string().min(1).max(128);

const SourceSchema = z.enum(SOURCES);

/** `null` and `false` stand for what is not there; so does a wrong word where a client could not have meant anything. */
const absent = z.union([z.null(), z.literal(false)]).transform(() => undefined);

const ResolutionSchema = z.object({ width: z.number().positive().max(16_384), height: z.number().positive().max(16_384) });

const ParametersSchema = z
  .object({
    resolution: z.union([absent, ResolutionSchema]).optional(),
    framerate: z.union([absent, z.number().positive().max(1000)]).optional(),
    // As a multiplier ("x0.6") or, in a publication, in kbit/s: the latter says nothing to a subscriber.
    bitrate: z.union([absent, z.number(), z.string().max(16)]).optional(),
  })
  .transform(({ resolution, framerate, bitrate }): Parameters => {
    const [, multiplier] = /^x(\d+(?:\.\d+)?)$/u.exec(String(bitrate)) ?? [];
    return {
      ...(resolution && { resolution: { width: Math.round(resolution.width), height: Math.round(resolution.height) } }),
      ...(framerate !== undefined && { framerate: Math.round(framerate) }),
      ...(multiplier !== undefined && { bitrateMultiplier: Number(multiplier) }),
    };
  });

const parameters = z.union([absent, ParametersSchema]).optional();
const source = z.union([absent, SourceSchema]).optional();
const transportId = z.union([absent, IdSchema]).optional();
const transport = z.union([absent, z.object({ id: transportId })]).optional();

const AttributesSchema = z
  .record(z.string(), z.unknown())
  .refine((attributes) => JSON.stringify(attributes).length <= MAX_ATTRIBUTES, `must be at most ${MAX_ATTRIBUTES} characters of JSON`);
const attributes = z.union([absent, AttributesSchema]).optional();

/** How tracks are described in one of the forms. */
interface Described<Track> {
  readonly form: Form;
  readonly tracks: readonly Track[];
}

/** Reads media in whichever form it is: a list, a single track with its section, or an entry for each kind. */
function byForm<Track>(schemas: Readonly<Record<Form, z.ZodType<readonly Track[]>>>): z.ZodType<Described<Track>> {
  return z.looseObject({}).transform((media, context): Described<Track> => {
    const form: Form = 'tracks' in media ? 'tracks' : 'mid' in media ? 'track' : 'kinds';
    const parsed = schemas[form].safeParse(media);
    if (parsed.success && parsed.data.length > 0) return { form, tracks: parsed.data };
    const nothing = { path: [], message: 'must have tracks, a mid, or audio or video' };
    for (const { path, message } of parsed.error ? issuesOf(parsed.error) : [nothing]) {
      context.issues.push({ code: 'custom', path: [...path], message, input: media });
    }
    return z.NEVER;
  });
}

// ---- publish -----------------------------------------------------------------------------------------------------------------

const PublishedTrackSchema = z
  .object({ type: MediaKindSchema, mid: MidSchema, source, parameters })
  .transform(({ type: kind, ...track }): PublishedTrack => ({ kind, ...defined(track) }));

const PublishedKindSchema = z
  .union([absent, z.literal(true).transform(() => ({})), z.object({ source, parameters })])
  .optional()
  .transform((track) => (track ? defined(track) : undefined));

const PublishedMediaSchema = byForm<PublishedTrack>({
  tracks: z.object({ tracks: z.array(PublishedTrackSchema).min(1).max(16) }).transform(({ tracks }) => tracks),
  track: PublishedTrackSchema.transform((track) => [track]),
  kinds: z
    .object({ audio: PublishedKindSchema, video: PublishedKindSchema })
    .transform(({ audio, video }) => [
      ...(audio ? [{ kind: 'audio' as const, ...audio }] : []),
      ...(video ? [{ kind: 'video' as const, ...video }] : []),
    ]),
});

const PublishSchema = z
  .object({ media: PublishedMediaSchema, attributes, transport, transportId })
  .transform(({ media, attributes: given, ...rest }): ClientRequest => ({
    event: 'publish',
    ...media,
    ...transportOf(rest),
    ...(given && { attributes: given }),
  }));

// ---- subscribe ---------------------------------------------------------------------------------------------------------------

const SubscribedTrackSchema = z
  .object({ type: MediaKindSchema, mid: MidSchema, from: IdSchema, parameters })
  .transform(({ type: kind, ...track }): SubscribedTrack => ({ kind, ...defined(track) }));

const SubscribedKindSchema = z
  .union([absent, z.object({ from: IdSchema, simulcastRid: z.union([absent, z.string().min(1).max(32)]).optional(), parameters })])
  .optional()
  .transform((track) => track && defined({ from: track.from, rid: track.simulcastRid, parameters: track.parameters }));

const SubscribedMediaSchema = byForm<SubscribedTrack>({
  tracks: z.object({ tracks: z.array(SubscribedTrackSchema).min(1).max(16) }).transform(({ tracks }) => tracks),
  track: z
    .object({ mid: MidSchema, from: IdSchema, type: MediaKindSchema.optional(), parameters })
    .transform(({ type, ...track }) => [{ ...(type && { kind: type }), ...defined(track) }]),
  kinds: z
    .object({ audio: SubscribedKindSchema, video: SubscribedKindSchema })
    .transform(({ audio, video }) => [
      ...(audio ? [{ kind: 'audio' as const, ...audio }] : []),
      ...(video ? [{ kind: 'video' as const, ...video }] : []),
    ]),
});

const SubscribeSchema = z
  .object({ media: SubscribedMediaSchema, transport, transportId })
  .transform(({ media, ...rest }): ClientRequest => ({ event: 'subscribe', ...media, ...transportOf(rest) }));

// ---- The others --------------------------------------------------------------------------------------------------------------

const SwitchSchema = z.object({ id: IdSchema, operation: z.enum(['pause', 'play']), data: z.enum(['audio', 'video', 'av']) });

const StreamControlSchema = SwitchSchema.transform(({ id, operation, data }): ClientRequest => ({
  event: 'stream-control',
  id,
  paused: operation === 'pause',
  kinds: kindsOf(data),
}));

/** What clients of protocol 1.1 and 1.0 ask of a mixer. */
const MixingSchema = z.object({ operation: z.enum(['mix', 'unmix', 'set-region', 'get-region']) });

const update = z.union([absent, z.object({ from: z.union([absent, IdSchema]).optional(), parameters })]).optional();

const SubscriptionControlSchema = z.union([
  SwitchSchema.transform(({ id, operation, data }): ClientRequest => ({
    event: 'subscription-control',
    id,
    change: { paused: operation === 'pause', kinds: kindsOf(data) },
  })),
  z
    .object({ id: IdSchema, operation: z.literal('update'), data: z.object({ audio: update, video: update }) })
    .transform(({ id, data }): ClientRequest => {
      const updates = (['audio', 'video'] as const).flatMap((kind): SubscriptionUpdate[] => {
        const change = data[kind];
        return change ? [{ kind, ...defined(change) }] : [];
      });
      return { event: 'subscription-control', id, change: { updates } };
    }),
]);

const TextSchema = z
  .object({ to: z.string(), message: z.string().max(MAX_TEXT, `must be at most ${MAX_TEXT} characters`) })
  .transform((text): ClientRequest => ({ event: 'text', ...text }));

const schemas: Readonly<Record<string, z.ZodType<ClientRequest>>> = {
  publish: PublishSchema,
  unpublish: z.object({ id: IdSchema }).transform(({ id }) => ({ event: 'unpublish', id })),
  subscribe: SubscribeSchema,
  unsubscribe: z.object({ id: IdSchema }).transform(({ id }) => ({ event: 'unsubscribe', id })),
  'stream-control': StreamControlSchema,
  'subscription-control': SubscriptionControlSchema,
  text: TextSchema,
  refreshReconnectionTicket: z.unknown().transform(() => ({ event: 'refreshReconnectionTicket' })),
  logout: z.unknown().transform(() => ({ event: 'logout' })),
};

/**
 * Reads a request in any of its forms.
 *
 * @param event name of the Socket.IO event.
 * @param data its first argument.
 */
export function parseRequest(event: string, data: unknown): ParsedRequest {
  if (event === 'soac') return parseSoac(data);
  if (event === 'text' && !hasReceiver(data)) return { ok: false, problem: PROBLEMS.noReceiver };
  if (event === 'stream-control' && MixingSchema.safeParse(data).success) return { ok: false, problem: PROBLEMS.noMixer };
  const schema = Object.hasOwn(schemas, event) ? schemas[event] : undefined;
  if (!schema) return { ok: false, problem: PROBLEMS.illegal };
  const parsed = schema.safeParse(data);
  return parsed.success ? { ok: true, request: parsed.data } : { ok: false, problem: problemOf(parsed.error) };
}

// ---- soac --------------------------------------------------------------------------------------------------------------------

const index = z.union([z.null(), z.number().int().min(0), z.string().regex(/^\d{1,4}$/u)]).optional();
const CandidateLineSchema = z.string().max(1024);
const CandidateSchema = z.union([
  z.object({ candidate: CandidateLineSchema, sdpMid: z.string().max(64).nullish(), sdpMLineIndex: index }),
  z.object({ candidate: z.object({ candidate: CandidateLineSchema, sdpMid: z.string().max(64).nullish(), sdpMLineIndex: index }) }),
]);
const RemovedCandidatesSchema = z.object({ candidates: z.array(z.object({ candidate: CandidateLineSchema })).max(256) });

/**
 * Signaling about a transport. The media node is ICE-lite: it learns from the client's connectivity checks where the client is, and so candidates
 * are looked at only to tell the client what is wrong with them.
 */
function parseSoac(data: unknown): ParsedRequest {
  const address = z.object({ transportId: IdSchema.nullish(), id: IdSchema.nullish(), signaling: z.unknown().optional() }).safeParse(data);
  const id = address.data?.transportId ?? address.data?.id;
  if (!address.success || id === undefined || id === null) return { ok: false, problem: PROBLEMS.soacId };
  const { signaling } = address.data;
  const typed = z.looseObject({ type: z.unknown().optional() }).safeParse(signaling);
  if (!typed.success) return { ok: false, problem: PROBLEMS.signaling };
  switch (typed.data.type) {
    case 'offer':
      return understood(z.object({ sdp: LongSdpSchema }).safeParse(signaling), ({ sdp }) => ({
        event: 'soac',
        transportId: id,
        offer: sdp,
      }));
    case 'answer':
      return { ok: true, request: { event: 'soac', transportId: id } };
    case 'candidate':
      return understood(CandidateSchema.safeParse(signaling), () => ({ event: 'soac', transportId: id }));
    case 'removed-candidates':
      return understood(RemovedCandidatesSchema.safeParse(signaling), () => ({ event: 'soac', transportId: id }));
    default:
      return { ok: false, problem: PROBLEMS.signalingType };
  }
}

function understood<Value>(parsed: z.ZodSafeParseResult<Value>, requestOf: (value: Value) => ClientRequest): ParsedRequest {
  return parsed.success ? { ok: true, request: requestOf(parsed.data) } : { ok: false, problem: problemOf(parsed.error, 'signaling') };
}

// ---- Inside ------------------------------------------------------------------------------------------------------------------

function hasReceiver(data: unknown): boolean {
  return z.object({ to: z.string().min(1) }).safeParse(data).success;
}

function kindsOf(data: 'audio' | 'video' | 'av'): readonly MediaKind[] {
  return data === 'av' ? ['audio', 'video'] : [data];
}

/** The transport that a request means: clients of protocol 1.2 say it in `transport`, those of the original document in `transportId`. */
function transportOf(given: { transport?: { id?: string | undefined } | undefined; transportId?: string | undefined }): {
  transportId?: string;
} {
  const id = given.transport?.id ?? given.transportId;
  return id === undefined ? {} : { transportId: id };
}

type Defined<Given> = { [Key in keyof Given as undefined extends Given[Key] ? never : Key]: Given[Key] } & {
  [Key in keyof Given as undefined extends Given[Key] ? Key : never]?: Exclude<Given[Key], undefined>;
};

/** Leaves out what is `undefined`. */
function defined<Given extends object>(given: Given): Defined<Given> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<Given>;
}

/** What is wrong, in words that repeat nothing of what came: `request.media.tracks.0.mid must be a token`. */
function problemOf(error: z.ZodError, root = 'request'): string {
  return issuesOf(error)
    .slice(0, 3)
    .map(({ path, message }) => `${[root, ...path.map(String)].join('.')}: ${message}`)
    .join(', ')
    .slice(0, 400);
}

type Issue = z.core.$ZodIssue;

function issuesOf(error: z.ZodError): Issue[] {
  return error.issues.flatMap((issue) => (issue.code === 'invalid_union' ? closestOf(issue.errors, issue) : [issue]));
}

/** Of several readings, the one that was meant is probably the one with the least wrong about it, and among those the one that got furthest. */
function closestOf(readings: readonly (readonly Issue[])[], { path }: Issue): Issue[] {
  const depth = (issues: readonly Issue[]) => Math.max(0, ...issues.map((issue) => issue.path.length));
  const [closest = []] = [...readings].sort((a, b) => depth(b) - depth(a) || a.length - b.length);
  return closest.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
}
