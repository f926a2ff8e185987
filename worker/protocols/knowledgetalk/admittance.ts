/** What the lobby and the room object tell each other. Clients see nothing of it. */
import { z } from 'zod';

/** How a client enters: as an ordinary member, as one that makes the room use the media node, or unseen. */
export type Role = 'member' | 'video-member' | 'observer';

/** What the lobby writes into the URL of the socket to the room, and the adapter reads from it. */
export interface Admittance {
  /** The operation that is answered when the client is in. */
  readonly operation: 'RoomJoin' | 'VideoRoomJoin' | 'RoomJoinAsObserver';
  readonly reqNo?: string | number;
  readonly name?: string;
  /** Where clients reach this edge: addresses that they are given begin with it. */
  readonly origin: string;
  /** Whether the media node records what the client has recorded. */
  readonly recordsOnServer: boolean;
}

const AdmittanceSchema = z.object({
  operation: z.enum(['RoomJoin', 'VideoRoomJoin', 'RoomJoinAsObserver']),
  reqNo: z.union([z.string(), z.number()]).exactOptional(),
  name: z.string().exactOptional(),
  origin: z.string(),
  recordsOnServer: z.boolean(),
});

export const ROLES: Readonly<Record<Admittance['operation'], Role>> = {
  RoomJoin: 'member',
  VideoRoomJoin: 'video-member',
  RoomJoinAsObserver: 'observer',
};

export function admittanceQuery(admittance: Admittance): Record<string, string> {
  return { admittance: JSON.stringify(admittance) };
}

/** @throws Error when the URL is not one that {@link admittanceQuery} has made. */
export function readAdmittance({ searchParams }: URL): Admittance {
  return AdmittanceSchema.parse(JSON.parse(searchParams.get('admittance') ?? ''));
}

/** What the lobby asks of a room in which its client is not. */
export type RoomCall = { readonly call: 'create'; readonly capacity: number } | { readonly call: 'destroy' };

/** The room's answer: a code of the document. */
export interface RoomCallResult {
  readonly code: string;
  readonly message: string;
}

/**
 * A frame to the lobby holds one message for the client in each line. A last line that begins with this mark is for the lobby itself: the room
 * has more to say, and goes on when the lobby asks for it with what stands behind the mark. So a lot of it never waits in one place.
 */
const CONTINUATION_MARK = '>';

export function framesOf(messages: readonly string[], next?: string): string[] {
  const lines = next === undefined ? messages : [...messages, CONTINUATION_MARK + next];
  return lines.length === 0 ? [] : [lines.join('\n')];
}

/** Takes a frame apart, without reading any message. */
export function readFrame(frame: string): { messages: string[]; next?: string } {
  if (!frame.includes('\n') && !frame.startsWith(CONTINUATION_MARK)) return { messages: [frame] };
  const messages = frame.split('\n');
  const last = messages.at(-1) ?? '';
  if (!last.startsWith(CONTINUATION_MARK)) return { messages };
  return { messages: messages.slice(0, -1), next: last.slice(CONTINUATION_MARK.length) };
}
