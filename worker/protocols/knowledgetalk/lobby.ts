import { type RoomId, roomIdOf } from '../../../shared/ids.ts';
import { logger } from '../../platform/logger.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import { Pipe } from '../../wire/pipe.ts';
import type { Door, EventListener, EventSocket, Upgrade } from '../protocol.ts';
import { type Admittance, admittanceQuery, readContinuation, type RoomCall, type RoomCallResult } from './admittance.ts';
import { type Code, CODES, errorOf, OperationError } from './errors.ts';
import { OUT_OF_ROOM } from './farewells.ts';
import { EVENT, type Fields, type Request } from './messages.ts';
import { type Credentials, headOf, MAX_CAPACITY, parseMessage } from './parse.ts';

/** A session ends after so many milliseconds without a message of the client (reference 1.3). */
const SESSION_LIFE = 60_000;

/** Credentials that were right are taken for right so long, in milliseconds. */
const PROOF_LIFE = 5_000;

/** Messages are worked on one after the other; a client that sends so many before the first is done is cut. */
const MAX_WAITING = 2_000;

/** A message to the room may not be longer, in characters. */
const MAX_LENGTH = 60_000;

/** How often a number for a room is drawn that nobody has. */
const DRAWS = 5;

/** The room that a client is in. */
interface Stay {
  readonly room: RoomId;
  readonly roomId: string;
  readonly tenant: string;
  readonly pipe: Pipe;
}

/**
 * A client at the front door. It makes rooms and enters one; from then on its requests are piped into that room as they were understood, until
 * it leaves, enters another or is gone. Its connection stays in between.
 */
export class Visitor implements EventListener {
  readonly #client: EventSocket;
  readonly #upgrade: Upgrade;
  readonly #door: Door;
  /** The credentials that were checked last. The same ones, shown again at once, are not worked on again. */
  #proof: { readonly shown: string; readonly tenant: Tenant; readonly until: number } | undefined;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #stay: Stay | undefined;
  #isGone = false;
  /** Whether heartbeats of the transport keep the session alive as well. Then it lives as long as its transport, which has its own rules. */
  #livesWithTransport = false;
  #heardAt = Date.now();
  #life: ReturnType<typeof setTimeout> | null = null;

  constructor(client: EventSocket, upgrade: Upgrade, door: Door) {
    this.#client = client;
    this.#upgrade = upgrade;
    this.#door = door;
    this.#watchLife(SESSION_LIFE);
  }

  event(_name: string, [argument]: readonly unknown[]): void {
    this.#heardAt = Date.now();
    if (this.#waiting >= MAX_WAITING) {
      this.#client.close();
      return;
    }
    this.#waiting += 1;
    this.#work = this.#work
      .then(() => this.#take(argument))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  closed(reason: string): void {
    this.#isGone = true;
    clearTimeout(this.#life);
    this.#stay?.pipe.close(1000, reason.slice(0, 100));
    this.#stay = undefined;
  }

  async #take(argument: unknown): Promise<void> {
    if (this.#isGone) return;
    const parsed = parseMessage(argument);
    if (parsed.kind === 'acknowledgement') return;
    if (parsed.kind === 'refused') {
      this.#refuse(parsed.head, parsed);
      return;
    }
    const { request, credentials } = parsed;
    try {
      await this.#handle(request, credentials);
    } catch (error) {
      const refusal = errorOf(error);
      if (!refusal) logger.error('knowledgetalk: an operation failed', { operation: request.operation, error: String(error) });
      this.#refuse(headOf(request), refusal ?? { code: CODES.serverError, message: 'Server error' });
    }
  }

  async #handle(request: Request, credentials: Credentials): Promise<void> {
    if (request.operation === 'KeepAlive') {
      this.#answer(request);
      return;
    }
    const tenant = await this.#authenticate(credentials);
    switch (request.operation) {
      case 'CreateRoom':
        return this.#createRoom(request, tenant);
      case 'CreateRoomWithRoomId':
        return this.#createNamedRoom(request, tenant);
      case 'RoomJoin':
      case 'VideoRoomJoin':
      case 'RoomJoinAsObserver':
        return this.#join(request, tenant);
      case 'ExitRoom':
        this.#leave();
        this.#answer(request);
        return;
      case 'DestroyRoom':
        return this.#destroyRoom(request, tenant);
      default:
        this.#pass(request, tenant);
    }
  }

  /** @throws OperationError */
  async #authenticate({ cpCode, authKey }: Credentials): Promise<Tenant> {
    const shown = JSON.stringify([cpCode, authKey]);
    const isKnown = this.#proof?.shown === shown && this.#proof.until > Date.now();
    const tenant = isKnown ? this.#proof?.tenant : await this.#door.authenticate(cpCode ?? '', authKey ?? '');
    if (!isKnown) this.#proof = tenant && { shown, tenant, until: Date.now() + PROOF_LIFE };
    if (!tenant) {
      if (cpCode === undefined || authKey === undefined) throw new OperationError(CODES.missing, 'cpCode and authKey are needed');
      throw new OperationError(CODES.wrongCredentials, 'cpCode or authKey is wrong');
    }
    if (this.#stay && this.#stay.tenant !== tenant.code)
      throw new OperationError(CODES.wrongCredentials, 'The room belongs to somebody else');
    this.#livesWithTransport = tenant.settings.sessionLife === 'lenient';
    return tenant;
  }

  async #createRoom(request: Request<'CreateRoom'>, tenant: Tenant): Promise<void> {
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const roomId = randomDigits(8);
      const { code } = await this.#call(tenant, roomId, { call: 'create', capacity: capacityOf(request, tenant) });
      if (code === CODES.ok) {
        this.#answer(request, { roomId });
        return;
      }
    }
    throw new OperationError(CODES.serverError, 'No free room number was found, try again');
  }

  async #createNamedRoom(request: Request<'CreateRoomWithRoomId'>, tenant: Tenant): Promise<void> {
    const { roomId } = request.contents;
    await this.#ask(tenant, roomId, { call: 'create', capacity: capacityOf(request, tenant) });
    this.#answer(request, { roomId });
  }

  /** In the client's own room it is the room that knows whether the client may. */
  async #destroyRoom(request: Request<'DestroyRoom'>, tenant: Tenant): Promise<void> {
    const { roomId = this.#stay?.roomId } = request;
    if (roomId === undefined) throw new OperationError(CODES.missing, 'roomId is missing');
    if (roomId === this.#stay?.roomId) {
      this.#pass(request, tenant);
      return;
    }
    await this.#ask(tenant, roomId, { call: 'destroy' });
    this.#answer(request);
  }

  async #join(request: Request<'RoomJoin' | 'VideoRoomJoin' | 'RoomJoinAsObserver'>, tenant: Tenant): Promise<void> {
    const { roomId } = request.contents;
    const room = roomIdOf(tenant.code, roomId);
    if (this.#stay?.room === room) throw new OperationError(CODES.alreadyInRoom, 'You are in this room already');
    const entering = await this.#door.enter(room, admittanceQuery(this.#admittanceOf(request, tenant)));
    if (!entering.admitted) {
      this.#refuse({ ...headOf(request), useMediaSvr: 'N' }, refusalOf(entering.status, tenant));
      return;
    }
    if (this.#isGone) {
      entering.socket.close(1000, 'the client is gone');
      return;
    }
    this.#leave();
    const pipe: Pipe = new Pipe({
      hasLines: true,
      inner: entering.socket,
      client: {
        send: (frame) => {
          if (typeof frame === 'string') this.#receive(pipe, frame);
        },
        close: (code) => {
          this.#ended(pipe, code);
        },
      },
    });
    this.#stay = { room, roomId, tenant: tenant.code, pipe };
  }

  #admittanceOf(
    { operation, contents, reqNo }: Request<'RoomJoin' | 'VideoRoomJoin' | 'RoomJoinAsObserver'>,
    { settings }: Tenant,
  ): Admittance {
    const name = 'userName' in contents ? contents.userName : undefined;
    const { origin } = this.#upgrade.url;
    const recordsOnServer = settings.recording === 'server';
    return { operation, origin, recordsOnServer, ...(name !== undefined && { name }), ...(reqNo !== undefined && { reqNo }) };
  }

  /** Hands a request to the room that the client is in. */
  #pass(request: Request, { code }: Tenant): void {
    const stay = this.#stay;
    if (!stay) throw new OperationError(CODES.noRoom, 'You are in no room');
    if (request.roomId !== undefined && roomIdOf(code, request.roomId) !== stay.room) {
      throw new OperationError(CODES.otherRoom, 'You are in another room');
    }
    const text = JSON.stringify(request);
    if (text.length > MAX_LENGTH) throw new OperationError(CODES.tooLarge, 'The message is too long');
    stay.pipe.send(text);
  }

  /** The room says something to the client, and may have more of it: as fast as the client reads. */
  #receive(pipe: Pipe, frame: string): void {
    const next = readContinuation(frame);
    if (next === undefined) this.#client.emit(EVENT, frame);
    else
      this.#client.whenRoomy(() => {
        pipe.send(next);
      });
  }

  /** The room has ended the stay. */
  #ended(pipe: Pipe, code: number): void {
    if (pipe !== this.#stay?.pipe) return;
    this.#stay = undefined;
    if (code !== OUT_OF_ROOM) this.#client.close();
  }

  #leave(): void {
    const stay = this.#stay;
    this.#stay = undefined;
    stay?.pipe.close(1000, 'left');
  }

  /** @throws OperationError unless the room agrees. */
  async #ask(tenant: Tenant, roomId: string, call: RoomCall): Promise<void> {
    const { code, message } = await this.#call(tenant, roomId, call);
    if (code !== CODES.ok) throw new OperationError(code as Code, message);
  }

  async #call({ code }: Tenant, roomId: string, call: RoomCall): Promise<RoomCallResult> {
    return JSON.parse(await this.#door.call(roomIdOf(code, roomId), call)) as RoomCallResult;
  }

  #answer(request: Request, fields: Fields = {}): void {
    this.#tell({ ...headOf(request), code: CODES.ok, message: 'OK', ...fields });
  }

  #refuse(head: Fields, { code, message }: { code: Code; message: string }): void {
    this.#tell({ ...head, code, message });
  }

  #tell(message: Fields): void {
    this.#client.emit(EVENT, JSON.stringify(message));
  }

  /** Cuts the connection when nothing was heard for too long. */
  #watchLife(delay: number): void {
    this.#life = setTimeout(() => {
      const left = this.#livesWithTransport ? SESSION_LIFE : this.#heardAt + SESSION_LIFE - Date.now();
      if (left > 0) this.#watchLife(left);
      else this.#client.close();
    }, delay);
  }
}

function capacityOf({ contents }: Request<'CreateRoom' | 'CreateRoomWithRoomId'>, { settings }: Tenant): number {
  return contents.capacity ?? Math.min(settings.roomCapacity, MAX_CAPACITY);
}

/** The room object refuses with the document's code as HTTP status. An unknown room has two codes, of which the tenant chooses one. */
function refusalOf(status: number, { settings }: Tenant): { code: Code; message: string } {
  const code = Object.values(CODES).find((one) => one === String(status)) ?? CODES.serverError;
  if (code === CODES.noRoom) return { code: settings.unknownRoom === 'vendor' ? CODES.unknownRoomAtJoin : code, message: 'No such room' };
  return { code, message: REFUSALS[code] ?? 'The room cannot be entered' };
}

const REFUSALS: Readonly<Partial<Record<Code, string>>> = {
  [CODES.roomFull]: 'The room is full',
  [CODES.notInThisMode]: 'A 1:1 call cannot be observed',
  [CODES.mediaError]: 'The media server does not answer, try again',
};

function randomDigits(count: number): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return String(number % 10 ** count).padStart(count, '0');
}
