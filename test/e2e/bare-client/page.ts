/** Serves the bare client from an origin of its own, as somebody else's page would be. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { installProbe } from '../page-probe.ts';

/** mediasoup-client 3.6.37 with protoo-client 4.0.5, and 3.24.1 with 4.0.8. */
export type BareClientVersion = 'oldest' | 'newest';

export class BareClientSite {
  readonly #server: Server;

  static async open(): Promise<BareClientSite> {
    const scripts = new Map(await Promise.all((['oldest', 'newest'] as const).map(bundle)));
    const server = createServer((request, response) => {
      const version = request.url?.slice(1) ?? '';
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><meta charset="utf-8"><body><script>${scripts.get(version) ?? ''}</script>`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BareClientSite(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Opens the page with one version of the client, and joins a room. */
  async join(browser: Browser, version: BareClientVersion, identity: { edge: string; room: string; mail: string }): Promise<Page> {
    const page = await browser.newPage();
    await installProbe(page);
    const { port } = this.#server.address() as { port: number };
    await page.goto(`http://127.0.0.1:${port}/${version}`);
    await page.evaluate(async ({ edge, room, mail }) => {
      window.bareClient = window.newBareClient(edge, room, mail);
      await window.bareClient.join();
    }, identity);
    return page;
  }

  close(): void {
    this.#server.close();
  }
}

async function bundle(version: BareClientVersion): Promise<[string, string]> {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, `${version}.ts`)],
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'warning',
  });
  return [version, (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script')];
}
