import { Peer, WebSocketTransport } from 'protoo-client';
import { parseNotification, type MediaType, type Notification } from './messages.ts';
import type { CloseListener } from './native-websocket.ts';
import type { Caller } from './room-api.ts';

/** The close code with which the server ends a session; protoo-client does not come back after it. */
const ENDED_BY_SERVER = 4000;

export interface SocketListener {
  /** The socket is open: for the first time, or again. */
  readonly opened: () => void;
  readonly notified: (notification: Notification) => void;
  /** The connection was cut; protoo-client is already trying to come back. */
  readonly interrupted: () => void;
  /** One attempt to open the socket failed; the next one follows by itself. */
  readonly attemptFailed: () => void;
  /** The socket is closed for good: `reason` is the server's, or `undefined` when all attempts failed. */
  readonly ended: (reason: string | undefined) => void;
}

/** What an attendee tells the others about its own tracks. */
export type OwnNotification = 'producerPaused' | 'producerResumed' | 'producerRemoved';

/** The notification socket of one attendee. */
export class NotificationSocket {
  readonly #peer: Peer;
  #reason: string | undefined;
  #closed = false;

  constructor(caller: Caller, listener: SocketListener) {
    const clientConfig: CloseListener = { closed: this.#handleClose };
    this.#peer = new Peer(new WebSocketTransport(socketUrl(caller), { clientConfig }));
    this.#peer.on('open', listener.opened);
    this.#peer.on('disconnected', listener.interrupted);
    this.#peer.on('failed', listener.attemptFailed);
    this.#peer.on('close', () => {
      if (!this.#closed) listener.ended(this.#reason);
    });
    this.#peer.on('notification', (value) => {
      const notification = parseNotification(value);
      if (notification) listener.notified(notification);
    });
  }

  /**
   * Tells the others, if they can be told now. What is lost while the connection is cut must be told again when it is back: nothing on
   * this socket is confirmed.
   */
  notify(method: OwnNotification, type: MediaType): void {
    if (!this.#peer.connected) return;
    this.#peer.notify(method, { type }).catch(() => {
      // The connection was cut in this moment; `opened` follows, and with it the repetition.
    });
  }

  /** Closes the socket cleanly, which tells the server that the attendee has left. `ended` is not called. */
  close(): void {
    this.#closed = true;
    this.#peer.close();
  }

  readonly #handleClose = (event: CloseEvent): void => {
    if (event.code === ENDED_BY_SERVER) this.#reason = event.reason || 'the server ended the session';
  };
}

function socketUrl({ roomName, userMail, token }: Caller): string {
  const url = new URL('/', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  // encodeURIComponent and not URLSearchParams, which would write a space as `+`: in this protocol a `+` means itself.
  url.search = Object.entries({ roomName, userMail, ...(token ? { token } : {}) })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return url.href;
}
