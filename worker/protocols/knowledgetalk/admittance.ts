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
 * A frame to the lobby is a message for the client, or, with this mark, for the lobby itself: the room has more to say, and goes on when the lobby
 * asks for it with what stands behind the mark. So a lot of it never waits in one place.
 */
const CONTINUATION_MARK = '>';

export function continuation(next: string): string {
  return CONTINUATION_MARK + next;
}

/** @returns what the lobby is to ask with; `undefined` where the frame is for the client. */
export function readContinuation(frame: string): string | undefined {
  return frame.startsWith(CONTINUATION_MARK) ? frame.slice(CONTINUATION_MARK.length) : undefined;
}
