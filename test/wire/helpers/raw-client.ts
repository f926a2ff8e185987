import { WebSocket, type RawData } from 'ws';

/** A WebSocket whose messages are read one by one, in order, with `null` for the end. */
export class RawSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #arrived: (string | Buffer | null)[] = [];
  readonly #readers: ((message: string | Buffer | null) => void)[] = [];

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    this.socket.on('message', (data: RawData, isBinary) => {
      this.#arrive(isBinary ? (data as Buffer) : (data as Buffer).toString('utf8'));
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.#arrive(null);
        resolve({ code, reason: reason.toString('utf8') });
      });
    });
  }

  /** The next message; `null` when the connection has ended. */
  next(): Promise<string | Buffer | null> {
    const message = this.#arrived.shift();
    return message === undefined ? new Promise((resolve) => this.#readers.push(resolve)) : Promise.resolve(message);
  }

  /** The next message that is not a heartbeat of the server. */
  async nextData(): Promise<string | Buffer | null> {
    const message = await this.next();
    return message === '2' ? this.nextData() : message;
  }

  async opened(): Promise<void> {
    if (this.socket.readyState === WebSocket.OPEN) return;
    await new Promise<void>((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('close', () => {
        reject(new Error('the connection was refused'));
      });
    });
  }

  send(message: string | Uint8Array): void {
    this.socket.send(message);
  }

  close(): void {
    this.socket.close();
  }

  #arrive(message: string | Buffer | null): void {
    const reader = this.#readers.shift();
    if (reader) reader(message);
    else this.#arrived.push(message);
  }
}

/** A polling session, driven request by request. */
export class PollingClient {
  readonly sid: string;
  readonly #base: string;

  /** @param path with the trailing slash, for example `/engine.io/`. */
  constructor(server: string, path: string, revision: number, sid: string) {
    this.sid = sid;
    this.#base = `${server}${path}?EIO=${revision}&transport=polling&sid=${sid}`;
  }

  static async open(server: string, path: string, revision: number, query = ''): Promise<PollingClient> {
    const response = await fetch(`${server}${path}?EIO=${revision}&transport=polling${query}`);
    const body = await response.text();
    return new PollingClient(server, path, revision, openPacket(body).sid);
  }

  get(signal?: AbortSignal): Promise<Response> {
    return fetch(this.#base, signal ? { signal } : {});
  }

  async getText(): Promise<string> {
    return (await this.get()).text();
  }

  post(body: BodyInit, contentType = 'text/plain;charset=UTF-8'): Promise<Response> {
    return fetch(this.#base, { method: 'POST', body, headers: { 'content-type': contentType } });
  }

  /** A WebSocket that asks to take this session over. */
  upgrade(): RawSocket {
    return new RawSocket(this.#base.replace('transport=polling', 'transport=websocket'));
  }
}

export interface OpenPacket {
  readonly sid: string;
  readonly upgrades: string[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxPayload: number;
}

/** Reads the open packet out of a WebSocket message or out of a body of either revision. */
export function openPacket(text: string): OpenPacket {
  return JSON.parse(text.slice(text.indexOf('{'), text.indexOf('}') + 1)) as OpenPacket;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
