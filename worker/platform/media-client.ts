import {
  type BodyInputOf,
  type MediaErrorReason,
  MediaErrorSchema,
  type MediaOperation,
  mediaApi,
  type PathOf,
  type QueryOf,
  type ResultOf,
} from '../../shared/media-api.ts';
import { SIGNATURE_HEADER } from '../../shared/signature.ts';
import { sign } from './signing.ts';

/** A call that is not answered in this time has failed, in milliseconds. */
const CALL_TIMEOUT = 2_000;

/** The media node refused a call, or (`unreachable`) did not answer in time. */
export class MediaCallError extends Error {
  readonly reason: MediaErrorReason | 'unreachable';

  constructor(reason: MediaErrorReason | 'unreachable', message: string) {
    super(message);
    this.name = 'MediaCallError';
    this.reason = reason;
  }
}

export interface CallParts<Operation extends MediaOperation> {
  readonly path: PathOf<Operation>;
  readonly body?: BodyInputOf<Operation>;
  readonly query?: QueryOf<Operation>;
}

/** Makes signed calls to the media node. */
export class MediaClient {
  readonly #origin: string;
  readonly #secret: string;

  constructor(origin: string, secret: string) {
    this.#origin = origin;
    this.#secret = secret;
  }

  /**
   * Makes one call.
   *
   * @throws MediaCallError with the media node's reason, or `unreachable`.
   */
  async call<Operation extends MediaOperation>(operation: Operation, parts: CallParts<Operation>): Promise<ResultOf<Operation>> {
    const { method, path, result } = mediaApi[operation];
    const url = new URL(fillIn(path, parts.path as Record<string, string>), this.#origin);
    for (const [name, value] of Object.entries(parts.query ?? {})) url.searchParams.set(name, value);
    const body = method === 'GET' ? '' : JSON.stringify(parts.body ?? {});
    const { status, text } = await this.#send(method, url, body);
    if (status !== 200) throw refusalOf(operation, status, text);
    return result.parse(JSON.parse(text)) as ResultOf<Operation>;
  }

  async #send(method: string, url: URL, body: string): Promise<{ status: number; text: string }> {
    const authorization = await sign(this.#secret, { method, path: url.pathname + url.search, body });
    try {
      const response = await fetch(url, {
        method,
        headers: { [SIGNATURE_HEADER]: authorization, 'content-type': 'application/json' },
        ...(body !== '' && { body }),
        signal: AbortSignal.timeout(CALL_TIMEOUT),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new MediaCallError('unreachable', `the media node at ${url.origin} did not answer: ${String(error)}`);
    }
  }
}

function fillIn(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/gu, (_match, name: string) => encodeURIComponent(values[name] ?? ''));
}

function refusalOf(operation: MediaOperation, status: number, text: string): MediaCallError {
  const parsed = MediaErrorSchema.safeParse(parseOrNothing(text));
  if (!parsed.success) return new MediaCallError('unreachable', `${operation}: the media node answered ${status} without a reason`);
  return new MediaCallError(parsed.data.error.reason, parsed.data.error.message);
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
