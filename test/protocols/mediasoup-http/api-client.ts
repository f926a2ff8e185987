import { expect } from 'vitest';

export interface Envelope {
  readonly status: 'success' | 'failed';
  readonly result: unknown;
}

/** Calls the HTTP API as the public client does. */
export class ApiClient {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(edgeUrl: string, headers: Readonly<Record<string, string>> = {}) {
    this.#base = `${edgeUrl}/api/media/rooms`;
    this.#headers = headers;
  }

  async get(endpoint: string, parameters: Record<string, string> = {}): Promise<Envelope> {
    const query = new URLSearchParams(parameters).toString();
    return this.#envelope(await fetch(`${this.#base}/${endpoint}?${query}`, { headers: this.#headers }));
  }

  post(endpoint: string, parameters: object): Promise<Envelope> {
    return this.send(endpoint, JSON.stringify(parameters), 'application/json');
  }

  /** Posts a body as it is. */
  async send(endpoint: string, body: string, contentType?: string): Promise<Envelope> {
    const headers = { ...this.#headers, ...(contentType !== undefined && { 'content-type': contentType }) };
    return this.#envelope(await fetch(`${this.#base}/${endpoint}`, { method: 'POST', body, headers }));
  }

  /** The result of a call that has to succeed. */
  async succeed<Result>(call: Promise<Envelope>): Promise<Result> {
    const { status, result } = await call;
    if (status !== 'success') throw new Error(`the call failed: ${String(result)}`);
    return result as Result;
  }

  async #envelope(response: Response): Promise<Envelope> {
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/u);
    return (await response.json()) as Envelope;
  }
}
