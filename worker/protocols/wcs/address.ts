import { DEFAULT_TENANT, type RoomId, RoomIdSchema, roomIdOf } from '../../../shared/ids.ts';

/** Where streams go whose client names no room. Their addresses differ (`ws://host/<stream>`), and yet they are to see each other. */
const DEFAULT_ROOM = 'default';

/** The room in which a client publishes and plays what belongs to no room that it has joined. */
export interface HomeRoom {
  readonly name: string;
  /** Whether the address names it. */
  readonly isNamed: boolean;
}

/** A room by its name as clients know it; `undefined` when it cannot be one. */
export function roomNamed(tenant: string, name: string): RoomId | undefined {
  return RoomIdSchema.safeParse(roomIdOf(tenant, name)).data;
}

/** The home room that an address means: `/wcs/<room>` or `?room=<room>`; `undefined` when it names something that cannot be a room. */
export function homeRoomOf({ pathname, searchParams }: URL): HomeRoom | undefined {
  const [, inPath = ''] = /^\/wcs\/([^/]+)\/?$/u.exec(pathname) ?? [];
  const said = inPath === '' ? (searchParams.get('room') ?? '') : decoded(inPath);
  const name = said === '' ? DEFAULT_ROOM : said;
  if (name === undefined || roomNamed(DEFAULT_TENANT, name) === undefined) return undefined;
  return { name, isNamed: said !== '' };
}

/** Whether the path is of this protocol and no other. */
export function isOurPath(pathname: string): boolean {
  return /^\/wcs(?:\/[^/]*)?\/?$/u.test(pathname);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
