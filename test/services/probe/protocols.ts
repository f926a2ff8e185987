/**
 * Takes the place of the table of protocols in a bundle of the Worker: beside the real protocols there is one whose clients may do with a room's
 * services whatever they like. It is an adapter like any other, so what is tested is what adapters get.
 */
import { Hono } from 'hono';
import { roomIdOf } from '../../../shared/ids.ts';
import { entrances as realEntrances, newAdapters as realAdapters, type ProtocolSettings } from '../../../worker/protocols/index.ts';
import type { Adapter, Admission, DoorEnvironment, Entrance, RoomClaim, RoomHost, Session } from '../../../worker/protocols/protocol.ts';

const NAME = 'probe';

/** What a client sends: which service, which function of it, with what. `room` offers what the probe needs of the room itself. */
interface Command {
  readonly id: number;
  readonly service: 'files' | 'recordings' | 'usage' | 'room';
  readonly call: string;
  readonly with: readonly unknown[];
}

const routes = new Hono<DoorEnvironment>();

/** Whose credentials these are, as the front door tells a protocol. */
routes.post('/', async (context) => {
  const { code, key } = await context.req.json<{ code: string; key: string }>();
  return context.json((await context.var.door.authenticate(code, key)) ?? null);
});

/** Names the incarnation of a room object: another one than before shows that the object was evicted from memory in between. */
const incarnations = new Hono<DoorEnvironment>();
incarnations.get('/', async (context) =>
  context.text(await context.var.door.call(roomIdOf('default', context.req.query('room') ?? ''), {})),
);

const probeEntrance: Entrance = {
  name: NAME,
  api: [
    { paths: ['/probe-authenticate'], routes },
    { paths: ['/probe-incarnation'], routes: incarnations },
  ],
  findRooms: ({ url }) => {
    const [, path, tenant = '', room = '', participant = ''] = url.pathname.split('/');
    return path === NAME ? [{ room: roomIdOf(tenant, decodeURIComponent(room)), participant: decodeURIComponent(participant) }] : undefined;
  },
};

class ProbeAdapter implements Adapter {
  readonly #incarnation = crypto.randomUUID();

  call(): Promise<string> {
    return Promise.resolve(this.#incarnation);
  }

  admit({ participant = '' }: RoomClaim, url: URL, session: string, host: RoomHost): Admission {
    host.create();
    const room = host.live()?.room;
    if (!room) return { admitted: false, status: 500, message: 'no room' };
    const name = url.searchParams.get('name');
    const options = { ...(name !== null && { name }), ...(url.searchParams.has('direct') && { direct: true as const }) };
    room.join(participant, host.now(), host.now() + 60_000, options);
    room.openSession(participant, session);
    return { admitted: true, participantId: participant, greeting: ['welcome'] };
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> {
    return this.#run(JSON.parse(frame as string) as Command, session, host);
  }

  closed(_code: number, session: Session, host: RoomHost): void {
    host.live()?.room.endSession(session.participantId, session.id);
  }

  present(): readonly [] {
    return [];
  }

  farewell(): { code: number; reason: string } {
    return { code: 1000, reason: '' };
  }

  async #run({ id, service, call, with: values }: Command, session: Session, host: RoomHost): Promise<void> {
    const live = host.live();
    if (!live) return;
    const target = service === 'room' ? live.room : live.services[service];
    const work = Reflect.get(target, call) as (...parameters: readonly unknown[]) => unknown;
    const result: unknown = await work.apply(target, [...values]);
    session.send(JSON.stringify({ id, result }));
  }
}

export const entrances: readonly Entrance[] = [probeEntrance, ...realEntrances];

export function newAdapters(settings: ProtocolSettings): ReadonlyMap<string, Adapter> {
  return new Map<string, Adapter>([...realAdapters(settings), [NAME, new ProbeAdapter()]]);
}
