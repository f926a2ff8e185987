/** The edge's end of the events: a real HTTP server that checks signatures and contract and keeps what it took. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { MEDIA_EVENTS_PATH, MediaEventBatchSchema } from '../../../shared/media-api.ts';
import type { MediaEvent, MediaEventBatch } from '../../../shared/media-api.ts';
import { parseSignature, SIGNATURE_HEADER } from '../../../shared/signature.ts';
import { signature } from './client.ts';

export class Edge {
  /** Every batch that arrived, whatever it was answered. */
  readonly arrived: MediaEventBatch[] = [];
  /** Every batch that was answered with 2xx. */
  readonly taken: MediaEventBatch[] = [];
  /** What the next requests are answered; 204 when empty. A status of 0 takes the batch and cuts the connection without an answer. */
  readonly answers: number[] = [];
  /** Requests whose signature or body was wrong. */
  readonly faults: string[] = [];
  readonly connections = new Set<number>();
  mostAtOnce = 0;
  readonly #secret: string;
  #port: number;
  #server = createServer();
  #now = 0;

  static async start(secret: string, port = 0): Promise<Edge> {
    const edge = new Edge(secret, port);
    await edge.restart();
    return edge;
  }

  private constructor(secret: string, port: number) {
    this.#secret = secret;
    this.#port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The events that were taken from one room, without repetitions, in the order of their numbers. */
  eventsOf(room: string, generation = 1): MediaEvent[] {
    const numbered = new Map<number, MediaEvent>();
    for (const batch of this.taken.filter((one) => one.room === room && one.generation === generation)) {
      batch.events.forEach((event, index) => numbered.set(batch.first + index, event));
    }
    return [...numbered].sort(([a], [b]) => a - b).map(([, event]) => event);
  }

  /** Waits until a condition about what arrived holds. */
  async until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`waited in vain; arrived: ${JSON.stringify(this.arrived)}; faults: ${this.faults.join()}`);
      await sleep(5);
    }
  }

  async restart(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#receive(request, response);
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async #receive(...[request, response]: Parameters<NonNullable<Parameters<typeof createServer>[1]>>): Promise<void> {
    this.connections.add(request.socket.remotePort ?? 0);
    this.#now += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#now);
    const body = await text(request);
    const claim = parseSignature(request.headers[SIGNATURE_HEADER]);
    const sent = { method: request.method ?? '', path: request.url ?? '', body };
    const isSigned =
      claim !== undefined && (await signature(sent, { secret: this.#secret, ...claim })) === request.headers[SIGNATURE_HEADER];
    const batch = MediaEventBatchSchema.safeParse(JSON.parse(body));
    if (!isSigned || sent.path !== MEDIA_EVENTS_PATH || !batch.success) this.faults.push(`${sent.path} ${body}`);
    const status = this.answers.shift() ?? 204;
    if (batch.success) this.#keep(batch.data, status);
    this.#now -= 1;
    if (status === 0) request.socket.destroy();
    else response.writeHead(status).end();
  }

  #keep(batch: MediaEventBatch, status: number): void {
    this.arrived.push(batch);
    if (status === 0 || (status >= 200 && status < 300)) this.taken.push(batch);
  }
}
