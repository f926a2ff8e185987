import {
  type BodyInputOf,
  type Endpoint,
  type MediaErrorReason,
  MediaErrorSchema,
  type MediaOperation,
  mediaApi,
  type PathOf,
  type QueryOf,
  type ResultOf,
} from '../../shared/media-api.ts';
import { DIGEST_HEADER, SIGNATURE_HEADER } from '../../shared/signature.ts';
import { digestOf, sign } from './signing.ts';

const decoder = new TextDecoder();

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
    const endpoint: Endpoint = mediaApi[operation];
    const url = new URL(fillIn(endpoint.path, parts.path as Record<string, string>), this.#origin);
    for (const [name, value] of Object.entries(parts.query ?? {})) url.searchParams.set(name, value);
    const { status, bytes } = await this.#send(endpoint, url, parts.body);
    if (status !== 200) throw refusalOf(operation, status, decoder.decode(bytes));
    const result: unknown = endpoint.resultType === 'application/json' ? JSON.parse(decoder.decode(bytes)) : bytes;
    return endpoint.result.parse(result) as ResultOf<Operation>;
  }

  async #send(
    { method, bodyType, answersWithin }: Endpoint,
    url: URL,
    body: unknown = {},
  ): Promise<{ status: number; bytes: Uint8Array<ArrayBuffer> }> {
    const sent = method === 'GET' ? '' : body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);
    const digest = typeof sent === 'string' ? undefined : await digestOf(sent);
    const signed = { method, path: url.pathname + url.search, body: digest ?? (sent as string) };
    const authorization = await sign(this.#secret, signed);
    try {
      const response = await fetch(url, {
        method,
        headers: {
          [SIGNATURE_HEADER]: authorization,
          'content-type': bodyType,
          ...(digest !== undefined && { [DIGEST_HEADER]: digest }),
        },
        ...(sent !== '' && { body: sent }),
        signal: AbortSignal.timeout(answersWithin * 1000),
      });
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
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
