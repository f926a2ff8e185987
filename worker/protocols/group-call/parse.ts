import { z } from 'zod';
import { TrickledCandidateSchema } from '../../../shared/candidate.ts';
import { DEFAULT_TENANT, type ParticipantId, ParticipantIdSchema, RoomIdSchema, roomIdOf } from '../../../shared/ids.ts';
import { SdpSchema } from '../../../shared/sdp.ts';
import type { ClientMessage } from './messages.ts';

/** Ids of users and rooms come from databases, and so as numbers too. */
const text = z.union([z.string(), z.number().transform(String)]);
const userId = text.pipe(ParticipantIdSchema);

/** Web clients send the words `true` and `false`; the second one is not true. */
const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false']).transform((word) => word === 'true'),
  z.union([z.literal(0), z.literal(1)]).transform((number) => number === 1),
]);

/** Members of the family that know no flags mean that both are off. */
const optionalFlag = z.preprocess((value) => value ?? false, flag);

const JoinSchema = z.object({
  id: z.literal('joinRoom'),
  // What is not a token cannot be a good one; where none is needed it does not matter.
  token: z.string().min(1).optional().catch(undefined),
  userId,
  roomId: text,
  video: optionalFlag,
  audio: optionalFlag,
});

const MessageSchema = z.discriminatedUnion('id', [
  JoinSchema.transform(({ token, ...join }, context) => {
    const room = RoomIdSchema.safeParse(roomIdOf(DEFAULT_TENANT, join.roomId));
    if (room.success) return { ...join, room: room.data, ...(token !== undefined && { token }) };
    context.issues.push({ code: 'custom', message: 'not a name for a room', path: ['roomId'], input: join.roomId });
    return z.NEVER;
  }),
  z.object({ id: z.literal('receiveVideoFrom'), userId, sdpOffer: SdpSchema }),
  z.object({ id: z.literal('onIceCandidate'), candidate: TrickledCandidateSchema.optional() }),
  z.object({ id: z.literal(['videoStateFrom', 'videoState']).transform(() => 'videoStateFrom' as const), video: flag }),
  z.object({ id: z.literal(['audioStateFrom', 'audioState']).transform(() => 'audioStateFrom' as const), audio: flag }),
  z.object({ id: z.literal('leaveRoom') }),
]);

/** A message, or what is wrong with it in words that repeat nothing of it. */
export type ParsedMessage = { readonly ok: true; readonly message: ClientMessage } | { readonly ok: false; readonly problem: string };

export function parseMessage(frame: string): ParsedMessage {
  const json = parseJson(frame);
  if (json === undefined) return { ok: false, problem: 'not JSON' };
  const parsed = MessageSchema.safeParse(json);
  if (parsed.success) return { ok: true, message: parsed.data };
  const problem = parsed.error.issues.map(({ path, code }) => `${path.join('.')} ${code}`).join(', ');
  return { ok: false, problem: problem.slice(0, 200) };
}

/** Whether a socket on no particular path speaks this protocol. */
export function isOurs(firstMessage: string): boolean {
  return z.object({ id: z.string() }).safeParse(parseJson(firstMessage)).success;
}

/** What the lobby writes into the URL of the socket to the room, and the adapter reads from it. */
export interface Admittance {
  readonly userId: ParticipantId;
  readonly video: boolean;
  readonly audio: boolean;
}

const AdmittanceSchema = z.object({ userId: ParticipantIdSchema, video: flag, audio: flag });

export function admittanceQuery({ userId: id, video, audio }: Admittance): Record<string, string> {
  return { userId: id, video: String(video), audio: String(audio) };
}

/** @throws Error when the URL is not one that {@link admittanceQuery} has made. */
export function readAdmittance({ searchParams }: URL): Admittance {
  return AdmittanceSchema.parse(Object.fromEntries(searchParams));
}

function parseJson(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch {
    return undefined;
  }
}
