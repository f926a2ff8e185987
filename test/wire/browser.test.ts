/** The browser builds of two generations, as the server hands them out, in Chromium and on a page of another origin. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startEchoServer, type EchoServer } from '../echo-server/start.ts';

let server: EchoServer;
let pages: Server;
let browser: Browser;

beforeAll(async () => {
  server = await startEchoServer({ pingInterval: 1_000, pingTimeout: 5_000 });
  pages = createServer((request, response) => {
    const library = new URL(request.url ?? '/', 'http://page').searchParams.get('library') ?? '';
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><script src="${server.url}${library}"></script>`);
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}, 120_000);

afterAll(async () => {
  await browser.close();
  pages.close();
  await server.stop();
});

const LIBRARIES = ['/version-2/socket.io.js', '/socket.io/socket.io.js', '/socket.io/socket.io.min.js'];
const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']];
const CASES = LIBRARIES.flatMap((library) => TRANSPORTS.map((transports) => ({ library, transports })));

interface Conversation {
  readonly answer: unknown;
  readonly bytes: number[];
  readonly transport: string;
}

/** Runs in the page. */
async function converse([url, transports]: [string, string[]]): Promise<Conversation> {
  interface PageClient {
    readonly io: { engine: { transport: { name: string } } };
    on(event: string, listener: (...args: unknown[]) => void): void;
    emit(event: string, ...args: unknown[]): void;
  }
  const { io } = globalThis as unknown as { io: { connect(url: string, options: object): PageClient } };
  const client = io.connect(url, { transports, withCredentials: true });
  const ask = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve) => {
      client.emit('message-with-ack', ...args, resolve);
    });
  await new Promise<void>((resolve) => {
    client.on('auth', () => {
      resolve();
    });
  });
  const answer = await ask({ text: '안녕 😀' });
  const echoed = (await ask(Uint8Array.of(1, 2, 255).buffer)) as ArrayBuffer;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await ask('after a heartbeat');
  return { answer, bytes: [...new Uint8Array(echoed)], transport: client.io.engine.transport.name };
}

describe.each(CASES)('$library by $transports', ({ library, transports }) => {
  it('connects from another origin, with credentials, and is answered', async () => {
    const page = await browser.newPage();
    const { port } = pages.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?library=${encodeURIComponent(library)}`);
    const conversation = await page.evaluate(converse, [server.url, transports] as [string, string[]]);
    expect(conversation).toEqual({ answer: { text: '안녕 😀' }, bytes: [1, 2, 255], transport: transports.at(-1) });
    await page.close();
  });
});

describe('the client library', () => {
  it.each([
    ['/socket.io/socket.io.js', 'application/javascript; charset=utf-8', 'Socket.IO v4'],
    ['/socket.io/socket.io.min.js', 'application/javascript; charset=utf-8', 'Socket.IO v4'],
    ['/socket.io/socket.io.min.js.map', 'application/json; charset=utf-8', '"mappings"'],
    ['/socket.io/socket.io.js.map', 'application/json; charset=utf-8', '"mappings"'],
    ['/version-2/socket.io.js', 'application/javascript; charset=utf-8', 'Socket.IO v2'],
    ['/version-2/socket.io.min.js', 'application/javascript; charset=utf-8', 'Socket.IO v2'],
    ['/version-2/socket.io.js.map', 'application/json; charset=utf-8', '"mappings"'],
  ])('is served at %s', async (path, contentType, part) => {
    const response = await fetch(server.url + path);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
    expect(await response.text()).toContain(part);
    const etag = response.headers.get('etag') ?? '';
    expect((await fetch(server.url + path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('is not confused by other names', async () => {
    expect((await fetch(`${server.url}/socket.io/constructor`)).status).toBe(400);
    expect((await fetch(`${server.url}/socket.io/socket.io.js`, { method: 'POST' })).status).toBe(400);
  });
});
