import { STATUS_CODES } from 'node:http';
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';

export interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly contentType?: string;
}

/**
 * One request being answered. uWebSockets.js forbids touching a response after its client went away; an exchange knows that and turns
 * everything after it into nothing.
 */
export class Exchange {
  readonly #response: HttpResponse;
  #isOver = false;
  #isBodyComplete: boolean;
  #onOver: (() => void) | undefined;

  /** Must be created before the request handler returns, because of `onAborted`. */
  constructor(response: HttpResponse, request: HttpRequest) {
    this.#response = response;
    this.#isBodyComplete = ['', '0'].includes(request.getHeader('content-length')) && request.getHeader('transfer-encoding') === '';
    response.onAborted(() => {
      this.#end();
    });
  }

  /** Calls back once, when it was answered or the client went away. */
  onOver(callback: () => void): void {
    this.#onOver = callback;
  }

  /**
   * Reads the body; must be called before the request handler returns.
   *
   * @returns `undefined` when it is longer than `limit` bytes: the rest is not kept.
   */
  readBody(limit: number): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      let chunks: Buffer[] = [];
      let length = 0;
      this.#response.onData((chunk, isLast) => {
        this.#isBodyComplete = isLast;
        length += chunk.byteLength;
        if (length > limit) {
          chunks = [];
          resolve(undefined);
          return;
        }
        // The chunk's memory is taken back when this function returns, so it has to be copied even when it is the whole body.
        chunks.push(Buffer.from(new Uint8Array(chunk)));
        if (isLast) resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      });
    });
  }

  /** Answers. The connection is closed when the client may still be sending a body that nobody wants to read. */
  answer({ status, body, contentType = 'application/json' }: Answer): void {
    if (this.#isOver) return;
    this.#response.cork(() => {
      this.#response
        .writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`)
        .writeHeader('content-type', contentType)
        .writeHeader('cache-control', 'no-store')
        .end(body, !this.#isBodyComplete);
    });
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver?.();
  }
}
