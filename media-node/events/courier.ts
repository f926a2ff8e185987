import { Agent, request } from 'undici';
import { MEDIA_EVENTS_PATH } from '../../shared/media-api.ts';
import type { MediaEventBatch } from '../../shared/media-api.ts';
import { SIGNATURE_HEADER } from '../../shared/signature.ts';
import { sign } from '../signing.ts';

/** For each step of a request: to connect, to answer, to finish the answer. */
const TIMEOUT_MS = 5_000;
/** When a busy SFU process dies, hundreds of rooms have news at once: they share these connections. */
const MAX_CONNECTIONS = 32;

/** `taken`: done. `unwanted`: the room does not know this generation any more. `failed`: try again later. */
export type Delivery = 'taken' | 'unwanted' | 'failed';

/** Carries batches of events to the edge over kept-alive connections, each signed anew. */
export class Courier {
  readonly #url: string;
  readonly #secret: string;
  readonly #agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });

  constructor(edgeUrl: string, secret: string) {
    this.#url = edgeUrl + MEDIA_EVENTS_PATH;
    this.#secret = secret;
  }

  /** Makes one attempt. Never throws: whatever goes wrong is a failed delivery. */
  async deliver(batch: MediaEventBatch, signal: AbortSignal): Promise<Delivery> {
    const body = JSON.stringify(batch);
    const signature = sign(this.#secret, { method: 'POST', path: MEDIA_EVENTS_PATH, body });
    try {
      const answer = await request(this.#url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signature },
        body,
        signal,
      });
      // The answer's status says it all, but a connection is free for the next request only when its body has been read.
      await answer.body.dump();
      return meaningOf(answer.statusCode);
    } catch {
      return 'failed';
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function meaningOf(status: number): Delivery {
  if (status >= 200 && status < 300) return 'taken';
  return status === 404 || status === 409 ? 'unwanted' : 'failed';
}
