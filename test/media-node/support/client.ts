/** Calls a media node as the edge does, with the platform-neutral contract and its own signature, so that nothing is checked against itself. */
import { webcrypto } from 'node:crypto';
import { Agent, request } from 'undici';
import { mediaApi, MediaErrorSchema } from '../../../shared/media-api.ts';
import type { BodyInputOf, Endpoint, MediaErrorReason, MediaOperation, PathOf, QueryOf, ResultOf } from '../../../shared/media-api.ts';
import { formatSignature, SIGNATURE_HEADER, textToSign } from '../../../shared/signature.ts';

export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  readonly bytes: Buffer;
  readonly type: string;
}

export interface SignatureParts {
  readonly secret: string;
  readonly time?: number;
  readonly nonce?: string;
}

/** Signs with WebCrypto, as the edge does; the media node uses Node's own crypto. */
export async function signature({ method, path, body = '' }: SentRequest, { secret, time = Date.now(), nonce }: SignatureParts) {
  const stamp = { time, nonce: nonce ?? Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex') };
  const text = Buffer.concat([Buffer.from(textToSign({ method, path, body: '' }, stamp)), Buffer.from(body)]);
  const key = await webcrypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const hmac = await webcrypto.subtle.sign('HMAC', key, text);
  return formatSignature({ ...stamp, signature: Buffer.from(hmac).toString('hex') });
}

/** A refusal, as the contract describes it. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: MediaErrorReason;

  constructor(status: number, reason: MediaErrorReason, message: string) {
    super(`${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

export interface CallArguments<Operation extends MediaOperation> {
  readonly path?: PathOf<Operation>;
  readonly query?: QueryOf<Operation>;
  readonly body?: BodyInputOf<Operation>;
}

export class Client {
  readonly #url: string;
  readonly #secret: string;
  readonly #agent: Agent;

  /** @param connections how many calls can be under way at the same time. */
  constructor(url: string, secret: string, connections = 32) {
    this.#url = url;
    this.#secret = secret;
    this.#agent = new Agent({ connections });
  }

  /** Sends exactly this, unsigned. */
  async send({ method, path, headers = {}, body }: SentRequest): Promise<RawAnswer> {
    const answer = await request(this.#url + path, {
      method: method as 'GET',
      headers,
      body: body ?? null,
      dispatcher: this.#agent,
      headersTimeout: 60_000,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, text: bytes.toString(), bytes, type: String(answer.headers['content-type']) };
  }

  /** Sends exactly this, rightly signed. */
  async sendSigned(sent: SentRequest): Promise<RawAnswer> {
    const authorization = await signature(sent, { secret: this.#secret });
    return this.send({ ...sent, headers: { ...sent.headers, [SIGNATURE_HEADER]: authorization } });
  }

  /** Sends exactly this, its digest signed in its place. */
  async sendDigested({ body = '', ...sent }: SentRequest): Promise<RawAnswer> {
    const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', Buffer.from(body))).toString('base64');
    const digest = `sha-256=:${sha256}:`;
    const authorization = await signature({ ...sent, body: digest }, { secret: this.#secret });
    return this.send({ ...sent, body, headers: { ...sent.headers, [SIGNATURE_HEADER]: authorization, 'content-digest': digest } });
  }

  /** Makes a call of the contract. The result is checked against the contract's schema. */
  async call<Operation extends MediaOperation>(
    operation: Operation,
    { path, query, body }: CallArguments<Operation> = {},
  ): Promise<ResultOf<Operation>> {
    const { method, result, resultType }: Endpoint = mediaApi[operation];
    const target = { method, path: pathTo(operation, path, query) };
    const isBinary = body instanceof Uint8Array;
    const { status, text, bytes, type } = isBinary
      ? await this.sendDigested({ ...target, body })
      : await this.sendSigned({ ...target, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (status === 200) {
      if (type !== resultType) throw new Error(`${operation} was answered as ${type} instead of ${resultType}`);
      return result.parse(resultType === 'application/json' ? JSON.parse(text) : new Uint8Array(bytes)) as ResultOf<Operation>;
    }
    const { error } = MediaErrorSchema.parse(JSON.parse(text));
    throw new Refused(status, error.reason, error.message);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** The path and query of a call, percent-encoded. */
export function pathTo(operation: MediaOperation, path: unknown = {}, query: unknown = {}): string {
  const values = textsOf(path);
  const filled = mediaApi[operation].path.replace(/:(\w+)/gu, (_, name: string) => encodeURIComponent(values.get(name) ?? ''));
  const search = new URLSearchParams([...textsOf(query)]).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

function textsOf(values: unknown): Map<string, string> {
  return new Map(Object.entries(values as object).map(([name, value]) => [name, String(value)]));
}
