/** Serves the clients from an origin of their own, as somebody else's page would be, and drives them. */
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { bundle, ClientSite, scriptElement } from '../client-site.ts';
import { installProbe, readReception, type Reception } from '../page-probe.ts';
import { expectMedia } from '../person.ts';
import type { ClientKind, PublishOptions, SubscribeOptions } from './conference.ts';
import type { StreamInfo } from './signaling.ts';

/** Generations of the Socket.IO client library; the page of an application chooses one. */
export const LIBRARIES = ['2', '3', '4'] as const;
export type Library = (typeof LIBRARIES)[number];

export interface OwtVisit {
  readonly edge: string;
  readonly room: string;
  readonly user: string;
  readonly kind?: ClientKind;
  readonly library?: Library;
  readonly role?: string;
}

const PATIENCE = { timeout: 15_000, interval: 100 };

export class OwtSite {
  readonly #site: ClientSite;

  static async open(): Promise<OwtSite> {
    return new OwtSite(await ClientSite.open(new Map(await Promise.all(LIBRARIES.map(page)))));
  }

  private constructor(site: ClientSite) {
    this.#site = site;
  }

  /** Opens the page with one generation of the library. */
  async visit(browser: Browser, library: Library = '4'): Promise<Page> {
    const page = await browser.newPage();
    await installProbe(page);
    await page.goto(this.#site.urlOf(library));
    return page;
  }

  /** Opens the page, gets a token as sample pages do, and joins. */
  async join(browser: Browser, { edge, room, user, kind = 'sdk-5', library = '4', role = 'presenter' }: OwtVisit): Promise<OwtPage> {
    const page = await this.visit(browser, library);
    const login = await page.evaluate(
      async ([url, which, ...wish]) => {
        const [name, person, part] = wish;
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ room: name, user: person, role: part });
        const response = await fetch(`${url}/tokens/`, { method: 'POST', headers, body });
        if (!response.ok) throw new Error(`no token: ${response.status}`);
        window.owt = window.newOwtClient(which);
        return window.owt.join(await response.text());
      },
      [edge, kind, room, user, role] as const,
    );
    return new OwtPage(page, login.id);
  }

  close(): void {
    this.#site.close();
  }
}

/** A page with a member in it. */
export class OwtPage {
  readonly page: Page;
  readonly id: string;

  constructor(page: Page, id: string) {
    this.page = page;
    this.id = id;
  }

  publish(options: PublishOptions = {}): Promise<string[]> {
    return this.page.evaluate((given) => window.owt.publish(given), options);
  }

  subscribe(stream: string, options: SubscribeOptions = {}): Promise<string[]> {
    return this.page.evaluate(([id, given]) => window.owt.subscribe(id, given), [stream, options] as const);
  }

  unpublish(id: string): Promise<void> {
    return this.page.evaluate((session) => window.owt.unpublish(session), id);
  }

  unsubscribe(id: string): Promise<void> {
    return this.page.evaluate((session) => window.owt.unsubscribe(session), id);
  }

  request(event: string, data?: unknown): Promise<unknown> {
    return this.page.evaluate(([name, body]) => window.owt.signaling.request(name, body) as Promise<unknown>, [event, data] as const);
  }

  /** The streams that it knows. */
  streams(): Promise<StreamInfo[]> {
    return this.page.evaluate(() => [...window.owt.streams.values()]);
  }

  /** Waits until it knows a stream of another, and as many as given. */
  async streamsOf(owner: string, count = 1): Promise<StreamInfo[]> {
    const read = async () => (await this.streams()).filter(({ info }) => info.owner === owner);
    await expect.poll(async () => (await read()).length, { ...PATIENCE, message: `streams of ${owner}` }).toBe(count);
    return read();
  }

  /** New frames and new sound of a stream arrive, and the picture is on the page. */
  receives(stream: string): Promise<void> {
    return expectMedia(this.page, selectorOf(stream));
  }

  reception(stream: string): Promise<Reception> {
    return readReception(this.page, selectorOf(stream));
  }

  /** Nothing new of this kind arrives for a second. */
  async misses(stream: string, counter: 'framesDecoded' | 'audioPackets'): Promise<void> {
    const grown = async (): Promise<number> => {
      const before = (await this.reception(stream))[counter];
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return (await this.reception(stream))[counter] - before;
    };
    await expect.poll(grown, { ...PATIENCE, message: `${counter} of ${stream} should stand still` }).toBe(0);
  }

  /** New frames, or new packets of sound, arrive. */
  async gets(stream: string, counter: 'framesDecoded' | 'audioPackets'): Promise<void> {
    const before = (await this.reception(stream))[counter];
    await expect.poll(async () => (await this.reception(stream))[counter] - before, PATIENCE).toBeGreaterThan(3);
  }

  log(): Promise<string[]> {
    return this.page.evaluate(() => window.owt.signaling.log);
  }

  /** Waits for a line of the log. */
  async hears(line: string | RegExp): Promise<void> {
    await expect
      .poll(async () => (await this.log()).some((one) => (typeof line === 'string' ? one === line : line.test(one))), {
        ...PATIENCE,
        message: `should be told ${String(line)}`,
      })
      .toBe(true);
  }

  faults(): Promise<string[]> {
    return this.page.evaluate(() => window.owt.faults);
  }

  leave(): Promise<void> {
    return this.page.evaluate(() => window.owt.signaling.leave());
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

function selectorOf(stream: string): string {
  return `section[data-stream="${stream}"]`;
}

async function page(library: Library): Promise<[name: string, elements: string]> {
  return [library, scriptElement(await bundle(resolve(import.meta.dirname, `socket-io-${library}.ts`)))];
}
