import type { ParticipantId } from '../../shared/ids.ts';
import type { Closing, Session } from '../protocols/protocol.ts';
import type { SessionId } from '../room/participant.ts';
import { TOO_SLOW, Unanswered } from '../wire/unanswered.ts';

/** What must survive hibernation, in the socket's attachment. */
interface Attachment {
  readonly id: SessionId;
  readonly participantId: ParticipantId;
  readonly protocol: string;
  /** Whether the client itself is at the front door, which always reads and knows whether its client does. */
  readonly isPiped: boolean;
  /** The adapter's own. */
  readonly data?: unknown;
}

/** A session on a hibernatable WebSocket. */
export class SocketSession implements Session {
  readonly id: SessionId;
  readonly participantId: ParticipantId;
  readonly protocol: string;
  readonly #socket: WebSocket;
  readonly #unanswered: Unanswered | undefined;
  #attachment: Attachment;

  constructor(socket: WebSocket, attachment: Attachment) {
    ({ id: this.id, participantId: this.participantId, protocol: this.protocol } = attachment);
    this.#socket = socket;
    this.#unanswered = attachment.isPiped ? undefined : new Unanswered();
    this.#attachment = attachment;
  }

  get data(): unknown {
    return this.#attachment.data;
  }

  set data(data: unknown) {
    this.#attachment = { ...this.#attachment, data };
    attach(this.#socket, this.#attachment);
  }

  send(frame: string): void {
    if (this.#unanswered?.admits(frame) === false) this.close(TOO_SLOW);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** The client said something. */
  heard(): void {
    this.#unanswered?.heard();
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
