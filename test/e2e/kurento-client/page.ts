/** Serves the client from an origin of its own, as somebody else's page would be, and drives it. */
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { bundle, ClientSite, scriptElement } from '../client-site.ts';
import { installProbe } from '../page-probe.ts';
import type { Reception } from './client.ts';

export const VERSIONS = ['6.16', '7.3'] as const;
export type KurentoVersion = (typeof VERSIONS)[number];
export type Line = 'sockjs' | 'raw';

export interface Visit {
  readonly edge: string;
  readonly room: string;
  readonly version: KurentoVersion;
  readonly line: Line;
  readonly userId: number;
  readonly publishes?: boolean;
}

const PATIENCE = { timeout: 15_000, interval: 100 };

export class KurentoSite {
  readonly #site: ClientSite;

  static async open(): Promise<KurentoSite> {
    return new KurentoSite(await ClientSite.open(new Map(await Promise.all(VERSIONS.map(page)))));
  }

  private constructor(site: ClientSite) {
    this.#site = site;
  }

  /** Opens the page with one version of the library. */
  async visit(browser: Browser, version: KurentoVersion): Promise<Page> {
    const page = await browser.newPage();
    await installProbe(page);
    await page.goto(this.#site.urlOf(version));
    return page;
  }

  /** Opens the page and joins a room. */
  async join(browser: Browser, { edge, room, version, line, userId, publishes = true }: Visit): Promise<Caller> {
    const page = await this.visit(browser, version);
    const caller = new Caller(page, String(userId));
    await page.evaluate(
      ([...where]) => {
        window.kurentoClient = window.newKurentoClient(...where);
      },
      [edge, line, room, userId] as const,
    );
    await page.evaluate((now) => window.kurentoClient.join(now), publishes);
    return caller;
  }

  close(): void {
    this.#site.close();
  }
}

/** A page with a member in it. */
export class Caller {
  readonly page: Page;
  readonly userId: string;

  constructor(page: Page, userId: string) {
    this.page = page;
    this.userId = userId;
  }

  reception(userId: string): Promise<Reception> {
    return this.page.evaluate((who) => window.kurentoClient.reception(who), userId);
  }

  /** Decodes new frames and new sound of another member, and has the picture on its page. */
  async receives(userId: string): Promise<void> {
    const before = await this.reception(userId);
    const isReceiving = async (): Promise<boolean> => {
      const now = await this.reception(userId);
      return (
        now.videoWidth > 0 && grown(before, now, 'framesDecoded') >= 3 && grown(before, now, 'audioPackets') > 20 && now.audioEnergy > 0
      );
    };
    await expect.poll(isReceiving, { ...PATIENCE, message: `${this.userId} should see and hear ${userId}` }).toBe(true);
  }

  publish(): Promise<void> {
    return this.page.evaluate(() => {
      window.kurentoClient.publish();
    });
  }

  setState(kind: 'video' | 'audio', on: boolean): Promise<void> {
    return this.page.evaluate(
      ([which, value]) => {
        window.kurentoClient.setState(which, value);
      },
      [kind, on] as const,
    );
  }

  leave(): Promise<void> {
    return this.page.evaluate(() => {
      window.kurentoClient.leave();
    });
  }

  /** Waits until the others are shown like this: `userId video audio`. */
  async shows(...others: string[]): Promise<void> {
    const shown = () => this.page.evaluate(() => window.kurentoClient.shown());
    await expect.poll(shown, { ...PATIENCE, message: `what ${this.userId} shows` }).toEqual(others);
  }

  /** Messages, without answers and candidates. */
  log(): Promise<string[]> {
    return this.page.evaluate(() => window.kurentoClient.log);
  }

  /** The places where a real client would have thrown. */
  faults(): Promise<string[]> {
    return this.page.evaluate(() => window.kurentoClient.faults);
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

function grown(before: Reception, now: Reception, counter: 'framesDecoded' | 'audioPackets'): number {
  // A new connection counts from zero again.
  return now[counter] < before[counter] ? now[counter] : now[counter] - before[counter];
}

async function page(version: KurentoVersion): Promise<[name: string, elements: string]> {
  return [version, scriptElement(await bundle(resolve(import.meta.dirname, `kurento-${version}.ts`)))];
}
