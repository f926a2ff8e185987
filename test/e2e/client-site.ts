/** Serves pages with clients from an origin of its own, as somebody else's site would. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build, type LogLevel } from 'esbuild';

/** @returns the code of a client and its libraries, for {@link scriptElement}. */
export async function bundle(entryPoint: string, logLevel: LogLevel = 'warning'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'iife',
    // Libraries of the age of these clients expect what Node has.
    define: { global: 'window' },
    logLevel,
  });
  return outputFiles[0]?.text ?? '';
}

export function scriptElement(code: string): string {
  return `<script>${code.replaceAll('</script', '<\\/script')}</script>`;
}

export class ClientSite {
  readonly #server: Server;

  /** @param pages the elements of each page, by its name. */
  static async open(pages: ReadonlyMap<string, string>): Promise<ClientSite> {
    const server = createServer(({ url = '/' }, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><meta charset="utf-8"><body>${pages.get(url.slice(1)) ?? ''}`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ClientSite(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  urlOf(page: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${page}`;
  }

  close(): void {
    this.#server.close();
  }
}
