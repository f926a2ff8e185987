import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { DIGEST_HEADER, SIGNATURE_HEADER } from '../../../shared/signature.ts';

/** Headers that mean something to the media node. */
const PASSED = [SIGNATURE_HEADER, DIGEST_HEADER, 'content-type'];

/** Stands between an edge and its media node, in either direction: it can keep the edge from the files of recordings, and hold calls back. */
export class MediaGate {
  /** Whether a call for a part of a file gets through. */
  admitsFiles: () => boolean = () => true;
  /** What every call waits for. */
  opened: Promise<void> = Promise.resolve();
  /** Where the other one is. */
  target: string;
  /** Parts of files that were asked for. */
  asked = 0;
  readonly url: string;
  readonly #server: Server;

  static async open(target = ''): Promise<MediaGate> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new MediaGate(server, target);
  }

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.target = target;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      const { url = '', method = 'GET' } = request;
      const isFile = url.includes('/file?');
      if (isFile) this.asked += 1;
      if (isFile && !this.admitsFiles()) {
        request.socket.destroy();
        return;
      }
      // What belongs to the connection is written anew.
      const headers = Object.fromEntries(
        PASSED.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, String(request.headers[name])]])),
      );
      void buffer(request)
        .then(async (body) => {
          await this.opened;
          return fetch(this.target + url, {
            method,
            headers,
            ...(body.length > 0 && { body: new Uint8Array(body) }),
          });
        })
        .then(async (answer) => {
          const bytes = Buffer.from(await answer.arrayBuffer());
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(bytes);
        })
        .catch(() => request.socket.destroy());
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
