import type { ParticipantId } from '../../shared/ids.ts';
import type { Closing, Session } from '../protocols/protocol.ts';
import type { SessionId } from '../room/participant.ts';
import { LineSender } from '../wire/lines.ts';
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
  /** For a client that has this socket itself. */
  readonly #unanswered: Unanswered | undefined;
  /** For one at the end of a pipe. */
  readonly #lines: LineSender | undefined;
  #attachment: Attachment;

  constructor(socket: WebSocket, attachment: Attachment, soon: (task: () => void) => void) {
    ({ id: this.id, participantId: this.participantId, protocol: this.protocol } = attachment);
    this.#socket = socket;
    if (attachment.isPiped)
      this.#lines = new LineSender((frame) => {
        this.#send(frame);
      }, soon);
    else this.#unanswered = new Unanswered();
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
    if (this.#lines) this.#lines.add(frame);
    else if (this.#unanswered?.admits(frame) === false) this.close(TOO_SLOW);
    else this.#send(frame);
  }

  /** The client said something. */
  heard(): void {
    this.#unanswered?.heard();
  }

  /** May be called twice. */
  close({ code, reason }: Closing): void {
    this.#lines?.flush();
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
  }

  #send(frame: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }
}

function attach(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
}

/** The open sessions of a room. Rebuilt from the sockets when the object wakes up. */
export class Sessions {
  readonly #context: DurableObjectState;
  readonly #sessions = new Map<WebSocket, SocketSession>();
  /** What is to be done when all that is being worked on at the moment is done. */
  #soon: (() => void)[] = [];

  constructor(context: DurableObjectState) {
    this.#context = context;
    for (const socket of context.getWebSockets()) {
      // Whatever is attached was attached by `accept`.
      this.#sessions.set(socket, new SocketSession(socket, socket.deserializeAttachment() as Attachment, this.#doSoon));
    }
  }

  accept(socket: WebSocket, attachment: Attachment): SocketSession {
    this.#context.acceptWebSocket(socket);
    attach(socket, attachment);
    const session = new SocketSession(socket, attachment, this.#doSoon);
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

  readonly #doSoon = (task: () => void): void => {
    this.#soon.push(task);
    if (this.#soon.length > 1) return;
    setTimeout(() => {
      const tasks = this.#soon;
      this.#soon = [];
      for (const each of tasks) each();
    }, 0);
  };
}
