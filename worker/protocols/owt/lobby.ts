import { z } from 'zod';
import type { RoomId } from '../../../shared/ids.ts';
import { logger } from '../../platform/logger.ts';
import { Pipe, type PipeSocket } from '../../wire/pipe.ts';
import type { Closing, Door, EventListener, EventSocket } from '../protocol.ts';
import { type Admittance, admittanceQuery } from './admittance.ts';
import { problemOfStatus, PROBLEMS } from './errors.ts';
import { DROPPED, ENDED } from './farewells.ts';
import { readServerFrame, type RequestFrame, writeRequest } from './frames.ts';
import type { Revision } from './messages.ts';
import { parseTicket } from './ticket.ts';
import { readToken } from './token.ts';

/** Requests that come before `login` or `relogin` wait so long for it, in milliseconds. */
const PATIENCE = 5_000;

/** So many of them, which is more than a client has on its way. */
const MAX_HELD = 256;

/** A client that neither logs in nor leaves is closed after so long, in milliseconds. */
const LOGIN_TIMEOUT = 3 * 60_000;

/** Who wants to enter, and which room. */
interface Entry {
  readonly room: RoomId;
  readonly admittance: Admittance;
}

/** The client may not enter, for this reason. */
class Refused extends Error {}

const LoginSchema = z.object({ token: z.string().min(1), protocol: z.unknown().optional() });

/**
 * A client at the front door. It says which room it wants to be in with a token (`login`), or with a ticket when it comes back (`relogin`); from
 * then on its requests are piped into that room. Clients of Socket.IO 4 send what they have buffered before they come back with their ticket:
 * such requests wait for it.
 */
export class Visitor implements EventListener {
  readonly #client: EventSocket;
  readonly #door: Door;
  /** The way into the room; requests wait in it while it is being opened. */
  #pipe: Pipe | undefined;
  #held: RequestFrame[] = [];
  #patience: ReturnType<typeof setTimeout> | undefined;
  readonly #loginTimeout: ReturnType<typeof setTimeout>;

  constructor(client: EventSocket, door: Door) {
    this.#client = client;
    this.#door = door;
    this.#loginTimeout = setTimeout(() => {
      client.close();
    }, LOGIN_TIMEOUT);
  }

  event(event: string, args: readonly unknown[], ackId: number | undefined): void {
    const request: RequestFrame = { event, data: args[0], ackId: ackId ?? null };
    const isEntry = event === 'login' || event === 'relogin';
    // Whoever is in a room, or on the way into one, cannot enter another over the same connection.
    if (this.#pipe && isEntry) this.#refuse(request, PROBLEMS.illegal);
    else if (this.#pipe) this.#pipe.send(writeRequest(request));
    else if (isEntry) this.#enter(request);
    else this.#hold(request);
  }

  closed(): void {
    this.#stopWaiting();
    // The room keeps the place for a while: the client may come back with its ticket.
    this.#pipe?.close(1001, 'the client is gone');
    this.#pipe = undefined;
  }

  #hold(request: RequestFrame): void {
    if (this.#held.length >= MAX_HELD) {
      this.#refuse(request, PROBLEMS.illegal);
      return;
    }
    this.#held.push(request);
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      for (const held of this.#held.splice(0)) this.#refuse(held, PROBLEMS.illegal);
    }, PATIENCE);
  }

  #enter(request: RequestFrame): void {
    this.#stopWaiting();
    const pipe: Pipe = new Pipe({
      hasLines: true,
      inner: this.#open(request).catch((error: unknown) => {
        if (!(error instanceof Refused)) logger.error('owt: a room cannot be reached', { error: String(error) });
        this.#turnAway(request, error instanceof Refused ? error.message : PROBLEMS.noMedia);
        throw error;
      }),
      client: {
        send: (frame) => {
          if (typeof frame === 'string') this.#deliver(frame);
        },
        close: (code, reason) => {
          this.#ended(pipe, { code, reason });
        },
      },
    });
    this.#pipe = pipe;
    for (const held of this.#held.splice(0)) pipe.send(writeRequest(held));
  }

  async #open(request: RequestFrame): Promise<PipeSocket> {
    const { room, admittance } = request.event === 'login' ? await this.#readLogin(request) : readRelogin(request);
    const entering = await this.#door.enter(room, admittanceQuery(admittance));
    if (entering.admitted) return entering.socket;
    logger.warn('owt: a client was refused', { room, status: entering.status });
    throw new Refused(problemOfStatus(entering.status));
  }

  async #readLogin({ data, ackId }: RequestFrame): Promise<Entry> {
    const login = LoginSchema.safeParse(data);
    if (!login.success) throw new Refused(PROBLEMS.token);
    const read = await readToken(login.data.token, Date.now(), this.#door);
    if (!read.ok) throw new Refused(read.problem);
    const { room, tokenId, expires, user, role } = read.token;
    const revision = revisionOf(login.data.protocol);
    return { room, admittance: { by: 'token', tokenId, expires, user, role, revision, ...(ackId !== null && { ackId }) } };
  }

  #deliver(text: string): void {
    const frame = readServerFrame(text);
    if (frame.type === 'ack') this.#client.acknowledge(frame.ackId, frame.json);
    else this.#client.emit(frame.event, frame.json);
  }

  /** The room has ended the session, or cannot be reached any more. */
  #ended(pipe: Pipe, { code }: Closing): void {
    if (pipe !== this.#pipe) return;
    this.#pipe = undefined;
    if (code === DROPPED) this.#client.emit('drop', '');
    // Whoever was cut off for another reason comes back by itself, with its ticket.
    if (code === DROPPED || code === ENDED) this.#client.dismiss();
    else this.#client.close();
  }

  #turnAway(request: RequestFrame, reason: string): void {
    this.#pipe = undefined;
    this.#refuse(request, reason);
    this.#client.dismiss();
  }

  #refuse({ ackId }: RequestFrame, reason: string): void {
    if (ackId !== null) this.#client.acknowledge(ackId, `"error",${JSON.stringify(reason)}`);
  }

  #stopWaiting(): void {
    for (const timer of [this.#patience, this.#loginTimeout]) if (timer !== undefined) clearTimeout(timer);
    this.#patience = undefined;
  }
}

function readRelogin({ data, ackId }: RequestFrame): Entry {
  const ticket = parseTicket(data);
  if (!ticket) throw new Refused(PROBLEMS.ticket);
  const { room, participantId: memberId } = ticket;
  return { room, admittance: { by: 'ticket', memberId, ticket: String(data), ...(ackId !== null && { ackId }) } };
}

/** Clients that say nothing, or something unheard of, are treated as the newest ones. */
function revisionOf(protocol: unknown): Revision {
  return protocol === '1.0' || protocol === '1.1' ? protocol : '1.2';
}
