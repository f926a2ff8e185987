import type { ParticipantId } from '../../shared/ids.ts';
import type { Closing, Session } from '../protocols/protocol.ts';
import type { SessionId } from '../room/participant.ts';

/**
 * A client that never reads is invisible on this platform, which has no `bufferedAmount`: so many bytes may be sent to a session since it last
 * said something. Then it is closed with a code after which clients come back.
 */
const MAX_UNANSWERED_BYTES = 1024 * 1024;
/** A single large frame does not say that a client is slow. */
const MAX_WEIGHT = MAX_UNANSWERED_BYTES / 2;
const TOO_SLOW: Closing = { code: 1013, reason: 'too much was sent without a sign of life, connect again' };

/** What must survive hibernation, in the socket's attachment. */
interface Attachment {
  readonly id: SessionId;
  readonly participantId: ParticipantId;
  readonly protocol: string;
  /** The adapter's own. */
  readonly data?: unknown;
}

/** A session on a hibernatable WebSocket. */
export class SocketSession implements Session {
  readonly id: SessionId;
  readonly participantId: ParticipantId;
  readonly protocol: string;
  readonly #socket: WebSocket;
  #data: unknown;
  #unanswered = 0;

  constructor(socket: WebSocket, { id, participantId, protocol, data }: Attachment) {
    this.id = id;
    this.participantId = participantId;
    this.protocol = protocol;
    this.#socket = socket;
    this.#data = data;
  }

  get data(): unknown {
    return this.#data;
  }

  set data(data: unknown) {
    this.#data = data;
    const { id, participantId, protocol } = this;
    attach(this.#socket, { id, participantId, protocol, data });
  }

  send(frame: string): void {
    this.#unanswered += Math.min(frame.length, MAX_WEIGHT);
    if (this.#unanswered > MAX_UNANSWERED_BYTES) this.close(TOO_SLOW);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** The client said something: it is reading. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** May be called twice. */
  close({ code, reason }: Closing): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
  }
}

function attach(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
}

/** The open sessions of a room. Rebuilt from the sockets when the object wakes up. */
export class Sessions {
  readonly #context: DurableObjectState;
  readonly #sessions = new Map<WebSocket, SocketSession>();

  constructor(context: DurableObjectState) {
    this.#context = context;
    for (const socket of context.getWebSockets()) {
      // Whatever is attached was attached by `accept`.
      this.#sessions.set(socket, new SocketSession(socket, socket.deserializeAttachment() as Attachment));
    }
  }

  accept(socket: WebSocket, attachment: Attachment): SocketSession {
    this.#context.acceptWebSocket(socket);
    attach(socket, attachment);
    const session = new SocketSession(socket, attachment);
    this.#sessions.set(socket, session);
    return session;
  }

  of(socket: WebSocket): SocketSession | undefined {
    return this.#sessions.get(socket);
  }

  forget(socket: WebSocket): void {
    this.#sessions.delete(socket);
  }

  all(): SocketSession[] {
    return [...this.#sessions.values()];
  }
}
