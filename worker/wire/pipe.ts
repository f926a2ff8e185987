/**
 * The front door's pipe. A socket whose destination is not known yet is accepted by the stateless Worker, which answers what needs no
 * destination; from the moment the destination is known, all frames pass between the client and a second WebSocket, into the Durable
 * Object. The object may give the client back, with whatever the Worker must know to go on by itself.
 */
import type { Frame } from './engine-io/packet.ts';
import { byteLength } from './byte-length.ts';
import { linesOf } from './lines.ts';
import { closeQuietly, sendableCode, sendQuietly } from './quietly.ts';

/** What is needed of a WebSocket. */
export interface PipeSocket {
  /** Set to `arraybuffer` by the pipe: the default became `blob` with newer compatibility dates. */
  binaryType?: 'arraybuffer' | 'blob';
  send(frame: Frame): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { readonly data: Frame }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
}

/** The client's side of a pipe: a WebSocket, or a session of another transport. */
interface PipeClient {
  send(frame: Frame): void;
  close(code: number, reason: string): void;
}

export interface PipeOptions {
  readonly client: PipeClient;
  /** The WebSocket into the Durable Object; it may still be opening. */
  readonly inner: PipeSocket | Promise<PipeSocket>;
  /** The object puts several texts in one frame, see `lines.ts`: they come to the client one by one. */
  readonly hasLines?: boolean;
  /** How many bytes may wait for the inner socket to open. A client that sends more is closed. */
  readonly sendLimit?: number;
  /**
   * The object gives the client back: the pipe is closed, the client is not. With it come the client's frames that the object did not
   * handle any more.
   */
  released?(state: unknown, frames: readonly Frame[]): void;
  /** The pipe has ended, with the inner socket's close code, because of either side. */
  closed?(code: number, reason: string): void;
}

/**
 * No frame of a protocol begins with this character: JSON cannot, and Engine.IO packets begin with a digit. Behind it stands a message
 * of the object to the pipe itself, as JSON.
 */
const CONTROL_MARK = '\u0000';

const DEFAULT_SEND_LIMIT = 1_048_576;

/** "Service restart": the object broke off. Clients reconnect. */
const INNER_FAILED = 1012;
/** "Try again later". */
const OVERLOADED = 1013;

/**
 * The frame with which an object gives the client of a pipe back. From then on it sends every frame back as it came, until it receives
 * {@link LAST_FRAME}, and closes its socket: nothing that the client sent in the meantime is lost.
 */
export function releaseFrame(state: unknown): string {
  return CONTROL_MARK + JSON.stringify(state ?? null);
}

/** Tells an object that released a client that no more frames follow. */
export const LAST_FRAME = CONTROL_MARK;

/** A running pipe. */
export class Pipe {
  readonly #options: PipeOptions;
  #inner: PipeSocket | undefined;
  #waiting: Frame[] = [];
  #waitingBytes = 0;
  #isClosed = false;
  #released: { readonly state: unknown; readonly returned: Frame[]; readonly held: Frame[] } | undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
    Promise.resolve(options.inner).then(
      (inner) => {
        this.#connect(inner);
      },
      () => {
        this.#closeClient(INNER_FAILED, 'the destination cannot be reached');
      },
    );
  }

  /** Passes a frame of the client on. */
  send(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#released) this.#released.held.push(frame);
    else if (this.#inner) sendQuietly(this.#inner, frame);
    else this.#wait(frame);
  }

  /** The client is gone, or leaves the destination: the object sees the same close code. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    if (this.#inner) closeQuietly(this.#inner, code, reason);
    this.#options.closed?.(code, reason);
  }

  #wait(frame: Frame): void {
    this.#waiting.push(frame);
    this.#waitingBytes += byteLength(frame);
    if (this.#waitingBytes > (this.#options.sendLimit ?? DEFAULT_SEND_LIMIT)) this.#closeClient(OVERLOADED, 'back pressure');
  }

  #connect(inner: PipeSocket): void {
    if (this.#isClosed) {
      closeQuietly(inner, 1001, 'the client is gone');
      return;
    }
    this.#inner = inner;
    inner.binaryType = 'arraybuffer';
    inner.addEventListener('message', ({ data }) => {
      this.#receive(data);
    });
    inner.addEventListener('close', ({ code, reason }) => {
      // The answer to the object's close is not sent by itself everywhere.
      closeQuietly(inner, code, reason);
      if (this.#released) this.#finishRelease(this.#released);
      else this.#closeClient(code === 1006 ? INNER_FAILED : code, reason);
    });
    inner.addEventListener('error', () => {
      this.#closeClient(INNER_FAILED, 'the destination broke off');
    });
    for (const frame of this.#waiting.splice(0)) sendQuietly(inner, frame);
  }

  #receive(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#released) this.#released.returned.push(frame);
    else if (typeof frame === 'string' && frame.startsWith(CONTROL_MARK)) this.#release(JSON.parse(frame.slice(1)));
    else this.#deliver(frame);
  }

  #deliver(frame: Frame): void {
    const frames = typeof frame === 'string' && this.#options.hasLines === true ? linesOf(frame) : [frame];
    for (const one of frames) if (!this.#isClosed) this.#options.client.send(one);
  }

  #release(state: unknown): void {
    this.#released = { state, returned: [], held: [] };
    if (this.#inner) sendQuietly(this.#inner, LAST_FRAME);
  }

  #finishRelease({ state, returned, held }: { state: unknown; returned: Frame[]; held: Frame[] }): void {
    if (this.#isClosed) return;
    this.close(1000, 'released');
    this.#options.released?.(state, [...returned, ...held]);
  }

  #closeClient(code: number, reason: string): void {
    if (this.#isClosed) return;
    const sendable = sendableCode(code);
    this.close(sendable, reason);
    this.#options.client.close(sendable, reason);
  }
}

/** Pipes a client's WebSocket: its frames and its end go to the pipe until that is closed. */
export function pipeSocket(socket: PipeSocket, options: Omit<PipeOptions, 'client'>): Pipe {
  const client: PipeClient = {
    send: (frame) => {
      sendQuietly(socket, frame);
    },
    close: (code, reason) => {
      closeQuietly(socket, code, reason);
    },
  };
  const pipe = new Pipe({ ...options, client });
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    pipe.send(data);
  });
  socket.addEventListener('close', ({ code, reason }) => {
    // The answer to the client's close is not sent by itself everywhere; without it the runtime takes this request for one that hangs.
    closeQuietly(socket, code, reason);
    pipe.close(code, reason);
  });
  socket.addEventListener('error', () => {
    pipe.close(1001, 'the client broke off');
  });
  return pipe;
}
