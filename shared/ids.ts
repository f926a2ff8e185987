import { z } from 'zod';

/**
 * Text that names something: a room, a participant, a publication. Free text in every language, but bounded and without
 * control characters, so that it can stand in a URL, a log line and a database key.
 */
function nameOfAtMost(characters: number) {
  return (
    z
      .string()
      .min(1)
      .max(characters)
      // eslint-disable-next-line no-control-regex -- control characters are what this keeps out
      .regex(/^[^\u0000-\u001f\u007f]*$/u, 'must not contain control characters')
  );
}

/** The room's full name, `tenant/room`: the same room for members of every protocol. */
export const RoomIdSchema = nameOfAtMost(256).regex(/^[^/]+\/.+$/u, 'must have the form tenant/room');
export type RoomId = z.infer<typeof RoomIdSchema>;

/** The name of a participant inside its room. */
export const ParticipantIdSchema = nameOfAtMost(254);
export type ParticipantId = z.infer<typeof ParticipantIdSchema>;

/** An id given out by the media node: of a transport, a producer or a consumer. */
export const MediaIdSchema = z.string().regex(/^[\w-]{1,64}$/u, 'must be an id given out by the media node');
export type MediaId = z.infer<typeof MediaIdSchema>;

/**
 * Names a stream, what a participant sends as one unit, in its room. Clients get it as the first part of `a=msid`: all tracks of one view share
 * it, because clients show the first stream only; `-` alone would leave their picture black.
 */
export const StreamIdSchema = z.string().regex(/^[\dA-Za-z][\dA-Za-z-]{0,63}$/u, 'must be letters, digits and -, at most 64');
export type StreamId = z.infer<typeof StreamIdSchema>;

/** The tenant of rooms whose protocol knows no tenants. */
export const DEFAULT_TENANT = 'default';

/**
 * The full name of a room.
 *
 * @param tenant owner of the room; contains no `/`.
 * @param name the room's name as its protocol knows it.
 */
export function roomIdOf(tenant: string, name: string): RoomId {
  return `${tenant}/${name}`;
}

/** The tenant that a room belongs to. */
export function tenantOf(room: RoomId): string {
  return room.slice(0, room.indexOf('/'));
}

/** A room's name as its protocol knows it. */
export function roomNameOf(room: RoomId): string {
  return room.slice(room.indexOf('/') + 1);
}
