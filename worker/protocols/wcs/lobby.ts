import type { ParticipantId, RoomId } from '../../../shared/ids.ts';
import { logger } from '../../platform/logger.ts';
import { assertNever } from '../../../shared/assert-never.ts';
import type { MessageListener, MessageSocket } from '../../wire/message-socket.ts';
import { Pipe, type PipeSocket } from '../../wire/pipe.ts';
import type { Closing, Door, Upgrade } from '../protocol.ts';
import { type HomeRoom, roomNamed } from './address.ts';
import { entryInfoOf, INFO, LEFT, NO_SUCH_TRANSPORT, ROOM_ENDED, ROOM_INFO, SILENT, UNAUTHORIZED } from './errors.ts';
import { type ClientMessage, frameOf, type RoomCommand } from './messages.ts';
import { type Admittance, admittanceQuery, noSuchStream, parseMessage } from './parse.ts';
import { failedRequest } from './stream.ts';

type Connection = Extract<ClientMessage, { message: 'connection' }>;
type Operation = Extract<ClientMessage, { message: 'sendData' }>;
type JoinCommand = Extract<RoomCommand, { command: 'join' }>;

/** In milliseconds. Watchdogs of clients wait for 50 s and more. */
const PING_INTERVAL = 10_000;
/** So many pings may remain without any sign of life. */
const PATIENCE = 6;

/** Characters from a room after which it is told that the client lives. */
const MUCH = 65_536;

/** Rooms that one client may be in at the same time. */
const MAX_ROOMS = 32;

/** Clients show it and log it. They tell features by it, and this is the release that the protocol was described for. */
const VERSION = '5.2.1000-parley';

/** Ends a passage that a room refused; `info` is what the client is told. */
class NotAdmitted extends Error {
  readonly info: string;

  constructor(info: string) {
    super(info);
    this.info = info;
  }
}

/** A way into a room. What is said while it is being opened is remembered, so that it can be answered if it never opens. */
interface Passage {
  readonly pipe: Pipe;
  waiting: ClientMessage[] | undefined;
  /** Characters that came from the room since the client said something to it. */
  unanswered: number;
  /** Whether the client has joined the room or published there: then it is told when the room is over. */
  isMember: boolean;
}

/**
 * A client at the front door. Its session is here; what it publishes and plays is in rooms, into each of which its messages are piped: the home room
 * of its address, and those that it joins by the Room API.
 */
export class Visitor implements MessageListener {
  readonly #client: MessageSocket;
  readonly #upgrade: Upgrade;
  readonly #home: HomeRoom;
  readonly #door: Door;
  /** As it introduced itself. */
  #connection: Connection | undefined;
  /** Whose rooms it means: that is not said by names, but by whoever gave the client its token. */
  #tenant: Promise<string> | undefined;
  #homePassage: Passage | undefined;
  /** By the names of the rooms. */
  readonly #joined = new Map<string, Passage>();
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #silentPings = 0;

  constructor(client: MessageSocket, upgrade: Upgrade, home: HomeRoom, door: Door) {
    this.#client = client;
    this.#upgrade = upgrade;
    this.#home = home;
    this.#door = door;
  }

  message(text: string): void {
    this.#silentPings = 0;
    const parsed = parseMessage(text);
    if (parsed.ok) {
      this.#handle(parsed.message, text);
      return;
    }
    logger.warn('wcs: a message was not understood', { problem: parsed.problem });
    if (parsed.answer !== undefined) this.#client.send(parsed.answer);
  }

  closed(code: number, reason: string): void {
    clearInterval(this.#heartbeat ?? null);
    for (const { pipe } of this.#passages()) pipe.close(code, reason);
  }

  #handle(message: ClientMessage, text: string): void {
    switch (message.message) {
      case 'connection':
        this.#connect(message).catch((error: unknown) => {
          logger.error('wcs: a client could not be let in', { error: String(error) });
          this.#refuse();
        });
        return;
      case 'publishStream':
      case 'playStream':
        this.#passOn(message, text, this.#roomOf(message.request));
        return;
      case 'availableStream':
      case 'snapshot':
        this.#passOn(message, text, this.#roomOf(message));
        return;
      case 'unPublishStream':
      case 'stopStream':
      case 'sendStreamEvent':
        // Whichever room has the stream knows what to do.
        for (const passage of this.#passages()) send(passage, message, text);
        return;
      case 'sendData':
        this.#operate(message, text);
        return;
      case 'connectMediaTransport':
        this.#client.close(NO_SUCH_TRANSPORT.code, NO_SUCH_TRANSPORT.reason);
        return;
      case 'ignored':
        this.#passSignOfLife(text);
        return;
      default:
        assertNever(message);
    }
  }

  /** A room that the address names is checked at once; all others when they are used. */
  async #connect(connection: Connection): Promise<void> {
    if (this.#connection) return;
    this.#connection = connection;
    const mayEnter = !this.#home.isNamed || (await this.#mayBeIn(await this.#fullName(this.#home.name)));
    if (mayEnter) this.#welcome(connection);
    else this.#refuse();
  }

  #welcome({ client, mediaProviders, keepAlive, authToken }: Connection): void {
    const user = {
      useWsTunnel: false,
      useWsTunnelPacketization2: false,
      useBase64BinaryEncoding: false,
      mediaProviders,
      // A session has nothing that outlives its socket: clients end their streams when it is cut. What is resumed is its name.
      authToken: (keepAlive ? authToken : undefined) ?? crypto.randomUUID(),
      status: 'ESTABLISHED',
      ...client,
      forceLogger: false,
      keepAlive,
    };
    this.#client.send(frameOf('getUserData', user));
    this.#client.send(frameOf('getVersion', VERSION));
    this.#ping();
    this.#heartbeat = setInterval(() => {
      this.#ping();
    }, PING_INTERVAL);
  }

  #refuse(): void {
    this.#client.send(frameOf('fail', { status: 'FAILED', info: INFO.restricted }));
    this.#client.close(UNAUTHORIZED.code, UNAUTHORIZED.reason);
  }

  #ping(): void {
    if (this.#silentPings >= PATIENCE) {
      this.#client.close(SILENT.code, SILENT.reason);
      return;
    }
    this.#silentPings += 1;
    this.#client.send(frameOf('ping'));
  }

  // ---- Rooms ---------------------------------------------------------------------------------------------------------------

  #passages(): Passage[] {
    return [...(this.#homePassage ? [this.#homePassage] : []), ...this.#joined.values()];
  }

  /** The joined room to which a stream belongs: it says so, or its name begins like the names that the Room API makes. */
  #roomOf({ name, room }: { readonly name: string; readonly room?: string }): Passage | undefined {
    const said = room === undefined ? undefined : this.#joined.get(room);
    return said ?? [...this.#joined].find(([joined]) => name.startsWith(`${joined}-`))?.[1];
  }

  #passOn(message: ClientMessage, text: string, joined: Passage | undefined): void {
    if (this.#connection) send(joined ?? this.#enterHome(this.#connection), message, text);
    else this.#answerRefused(message, INFO.noSession);
  }

  #enterHome({ login }: Connection): Passage {
    if (this.#homePassage) return this.#homePassage;
    // Several sessions of one user may stream side by side.
    const participantId = `${(login ?? 'stream').slice(0, 200)}-${crypto.randomUUID().slice(0, 8)}`;
    const admittance = { participantId, ...(login !== undefined && { name: login }) };
    const passage = this.#open(this.#home.name, admittance, () => {
      if (this.#homePassage === passage) this.#homePassage = undefined;
    });
    this.#homePassage = passage;
    return passage;
  }

  #operate(operation: Operation, text: string): void {
    const { operationId, command } = operation;
    switch (command.command) {
      case 'join':
        this.#join(operation, command);
        return;
      case 'leave':
      case 'sendMessage': {
        const passage = this.#joined.get(command.room);
        if (passage) send(passage, operation, text);
        else this.#answerRefused(operation, ROOM_INFO.notInRoom);
        return;
      }
      case 'other':
        this.#client.send(frameOf('DataStatusEvent', { operationId, status: 'ACCEPTED' }));
        return;
      default:
        assertNever(command);
    }
  }

  #join(operation: Operation, { room: name, record }: JoinCommand): void {
    const login = this.#connection?.login;
    const problem = this.#whyNotJoin(name);
    if (problem !== undefined || login === undefined) {
      this.#answerRefused(operation, problem ?? ROOM_INFO.unavailable);
      return;
    }
    const admittance = { participantId: login, name: login, joins: operation.operationId, ...(record && { records: true as const }) };
    const passage = this.#open(name, admittance, () => {
      if (this.#joined.get(name) === passage) this.#joined.delete(name);
    });
    // Answered by the room, if it lets the client in.
    passage.waiting?.push(operation);
    this.#joined.set(name, passage);
  }

  #whyNotJoin(name: string): string | undefined {
    if (!this.#connection) return INFO.noSession;
    if (this.#connection.login === undefined) return ROOM_INFO.noLogin;
    if (this.#joined.has(name)) return ROOM_INFO.loginTaken;
    return this.#joined.size >= MAX_ROOMS ? ROOM_INFO.tooManyRooms : undefined;
  }

  #open(room: string, admittance: Admittance, forget: () => void): Passage {
    const inner = this.#admit(room, admittance).then(
      (socket) => {
        passage.waiting = undefined;
        return socket;
      },
      (error: unknown) => {
        if (!(error instanceof NotAdmitted)) logger.error('wcs: a room cannot be reached', { room, error: String(error) });
        this.#refuseWaiting(passage, error instanceof NotAdmitted ? error.info : ROOM_INFO.unavailable);
        throw error;
      },
    );
    const client = {
      send: (frame: string | ArrayBuffer) => {
        if (typeof frame === 'string') this.#relay(passage, frame);
      },
      close: (code: number, reason: string) => {
        forget();
        this.#passageEnded(passage, { code, reason });
      },
    };
    const passage: Passage = {
      pipe: new Pipe({ inner, client, hasLines: true }),
      waiting: [],
      unanswered: 0,
      isMember: admittance.joins !== undefined,
    };
    return passage;
  }

  #relay(passage: Passage, frame: string): void {
    passage.unanswered += frame.length;
    this.#client.send(frame);
    // Whoever has read it will say so.
    if (frame.length > MUCH) this.#client.send(frameOf('ping'));
  }

  /** Rooms close whoever gets much and never says anything. They are not woken for less. */
  #passSignOfLife(text: string): void {
    for (const passage of this.#passages()) {
      if (passage.unanswered < MUCH) continue;
      passage.unanswered = 0;
      passage.pipe.send(text);
    }
  }

  #passageEnded(passage: Passage, { code, reason }: Closing): void {
    const isLeft = code === LEFT || (code === ROOM_ENDED && !passage.isMember);
    if (passage.waiting) this.#refuseWaiting(passage, ROOM_INFO.unavailable);
    // Clients that are closed end their streams by themselves.
    else if (!isLeft) this.#client.close(code, reason);
  }

  #refuseWaiting({ waiting }: Passage, info: string): void {
    for (const message of waiting?.splice(0) ?? []) this.#answerRefused(message, info);
  }

  async #admit(name: string, admittance: Admittance): Promise<PipeSocket> {
    const room = await this.#fullName(name);
    if (!(await this.#mayBeIn(room))) throw new NotAdmitted(INFO.restricted);
    const entering = await this.#door.enter(room, admittanceQuery(admittance));
    if (entering.admitted) return entering.socket;
    logger.warn('wcs: a newcomer was refused', { room, status: entering.status });
    throw new NotAdmitted(entryInfoOf(entering.status));
  }

  /** @throws NotAdmitted */
  async #fullName(name: string): Promise<RoomId> {
    this.#tenant ??= this.#door.tenantOf(this.#upgrade.request, this.#connection?.token);
    const room = roomNamed(await this.#tenant, name);
    if (room === undefined) throw new NotAdmitted(ROOM_INFO.noRoomName);
    return room;
  }

  #mayBeIn(room: RoomId): Promise<boolean> {
    const { login, token } = this.#connection ?? {};
    const participant: { participant?: ParticipantId } = login === undefined ? {} : { participant: login };
    return this.#door.permits(this.#upgrade.request, { room, ...participant }, token);
  }

  /** Every request is answered, or its client waits for ever. */
  #answerRefused(message: ClientMessage, info: string): void {
    const answer = refusalOf(message, info);
    if (answer !== undefined) this.#client.send(answer);
  }
}

function send(passage: Passage, message: ClientMessage, text: string): void {
  passage.waiting?.push(message);
  passage.unanswered = 0;
  if (message.message === 'publishStream') passage.isMember = true;
  passage.pipe.send(text);
}

function refusalOf(message: ClientMessage, info: string): string | undefined {
  switch (message.message) {
    case 'publishStream':
    case 'playStream':
      return frameOf('notifyStreamStatusEvent', failedRequest(message.request, message.message === 'publishStream', info));
    case 'availableStream':
    case 'snapshot':
      return noSuchStream(message.message, message.mediaSessionId, info);
    case 'sendData':
      return frameOf('DataStatusEvent', { operationId: message.operationId, status: 'FAILED', info });
    default:
      return undefined;
  }
}
