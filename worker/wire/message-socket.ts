/**
 * Clients of protocols whose unit is a text message, on a WebSocket that a stateless Worker has accepted. How messages stand in WebSocket
 * frames is a {@link Framing}; who sends and receives them need not know it.
 */
import { closeQuietly, sendQuietly } from './quietly.ts';
import { TOO_SLOW, Unanswered } from './unanswered.ts';
import { upgradeResponse } from './upgrade-response.ts';

/** The server's side of a client. */
export interface MessageSocket {
  send(message: string): void;
  close(code: number, reason: string): void;
}

/** What the server does about a client. Nothing is called after `closed`. */
export interface MessageListener {
  message(text: string): void;
  /** The client is gone, or was closed by the server. Called once. */
  closed(code: number, reason: string): void;
}

export interface Framing {
  /** The first frame to the client. */
  readonly greeting?: string;
  /** A frame that clients ignore, against proxies that cut quiet connections. */
  readonly heartbeat?: string;
  encode(message: string): string;
  /** @returns the messages of a frame, in order; `undefined` where it is not one of this framing. */
  decode(frame: string): string[] | undefined;
  /** The frame before the close of the WebSocket. */
  farewell?(code: number, reason: string): string;
}

/** A message is a frame. */
export const RAW_FRAMING: Framing = { encode: (message) => message, decode: (frame) => [frame] };

/** In milliseconds; proxies cut a quiet connection after a minute at the earliest. */
const HEARTBEAT_INTERVAL = 25_000;

/** Longer frames are not read, in characters: room for the longest message of any protocol, escaped twice. */
const MAX_FRAME_LENGTH = 192 * 1024;

const BROKEN_FRAMING = { code: 1002, reason: 'Broken framing' };

/** Accepts a WebSocket upgrade. @param attend makes the client's listener. @returns the response to the upgrade. */
export function acceptMessages(framing: Framing, attend: (client: MessageSocket) => MessageListener): Response {
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.accept();
  const connection = new FramedSocket(socket, framing);
  connection.listener = attend(connection);
  return upgradeResponse(client);
}

class FramedSocket implements MessageSocket {
  listener: MessageListener | undefined;
  readonly #socket: WebSocket;
  readonly #framing: Framing;
  readonly #unanswered = new Unanswered();
  readonly #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(socket: WebSocket, framing: Framing) {
    this.#socket = socket;
    this.#framing = framing;
    const { greeting, heartbeat } = framing;
    if (greeting !== undefined) sendQuietly(socket, greeting);
    if (heartbeat !== undefined)
      this.#heartbeat = setInterval(() => {
        sendQuietly(socket, heartbeat);
      }, HEARTBEAT_INTERVAL);
    socket.addEventListener('message', ({ data }) => {
      this.#unanswered.heard();
      if (typeof data === 'string' && data.length <= MAX_FRAME_LENGTH) this.#receive(data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      // The answer to the client's close is not sent by itself everywhere.
      closeQuietly(socket, code, reason);
      this.#ended(code, reason);
    });
    socket.addEventListener('error', () => {
      this.#ended(1006, 'the client broke off');
    });
  }

  send(message: string): void {
    if (!this.listener) return;
    const frame = this.#framing.encode(message);
    if (this.#unanswered.admits(frame)) sendQuietly(this.#socket, frame);
    else this.close(TOO_SLOW.code, TOO_SLOW.reason);
  }

  close(code: number, reason: string): void {
    if (!this.listener) return;
    if (this.#framing.farewell) {
      sendQuietly(this.#socket, this.#framing.farewell(code, reason));
      closeQuietly(this.#socket, 1000, '');
    } else {
      closeQuietly(this.#socket, code, reason);
    }
    this.#ended(code, reason);
  }

  #receive(frame: string): void {
    const messages = this.#framing.decode(frame);
    if (!messages) this.close(BROKEN_FRAMING.code, BROKEN_FRAMING.reason);
    for (const message of messages ?? []) this.listener?.message(message);
  }

  #ended(code: number, reason: string): void {
    clearInterval(this.#heartbeat ?? null);
    const { listener } = this;
    this.listener = undefined;
    listener?.closed(code, reason);
  }
}
