/** Serves the client from an origin of its own, as somebody else's page would be, and drives it. */
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { bundle, ClientSite, scriptElement } from '../client-site.ts';
import { installProbe } from '../page-probe.ts';
import type { PublishOptions, Reception, SessionOptions, StreamState, Times } from './client.ts';

export const VERSIONS = ['2.0.180', '2.0.276'] as const;
export type SdkVersion = (typeof VERSIONS)[number];

const PATIENCE = { timeout: 20_000, interval: 100 };

export class WcsSite {
  readonly #site: ClientSite;

  static async open(): Promise<WcsSite> {
    return new WcsSite(await ClientSite.open(new Map(await Promise.all(VERSIONS.map(page)))));
  }

  private constructor(site: ClientSite) {
    this.#site = site;
  }

  /** Opens the page with one version of the SDK, in a profile of its own. */
  async visit(browser: Browser, version: SdkVersion): Promise<Streamer> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await installProbe(page);
    await page.goto(this.#site.urlOf(version));
    return new Streamer(page, complaints);
  }

  close(): void {
    this.#site.close();
  }
}

/** A page with a client in it. */
export class Streamer {
  readonly page: Page;
  /** What the page did not catch. */
  readonly complaints: readonly string[];

  constructor(page: Page, complaints: readonly string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  /** @param url of the socket: `ws://…`. */
  connect(url: string, options: SessionOptions = {}): Promise<void> {
    return this.page.evaluate(([where, how]) => window.wcs.connect(where, how), [url, options] as const);
  }

  connectToRooms(url: string, login: string, token?: string): Promise<void> {
    return this.page.evaluate((parameters) => window.wcs.connectToRooms(...parameters), [url, login, token] as const);
  }

  join(room: string, record?: boolean): Promise<void> {
    return this.page.evaluate(
      (parameters) => {
        window.wcs.join(...parameters);
      },
      [room, record] as const,
    );
  }

  leave(): Promise<void> {
    return this.page.evaluate(() => window.wcs.leave());
  }

  participants(): Promise<string[]> {
    return this.page.evaluate(() => window.wcs.participants());
  }

  sendMessage(to: string, text: string): Promise<void> {
    return this.page.evaluate(
      ([who, what]) => {
        window.wcs.sendMessage(who, what);
      },
      [to, text] as const,
    );
  }

  publishInRoom(key = 'own', constraints?: object): Promise<void> {
    return this.page.evaluate(
      (parameters) => {
        window.wcs.publishInRoom(...parameters);
      },
      [key, constraints] as const,
    );
  }

  playFromRoom(key: string, login: string, index = 0): Promise<void> {
    return this.page.evaluate(
      (parameters) => {
        window.wcs.playFromRoom(...parameters);
      },
      [key, login, index] as const,
    );
  }

  publish(name: string, options: PublishOptions = {}): Promise<void> {
    return this.page.evaluate(
      ([what, how]) => {
        window.wcs.publish(what, how);
      },
      [name, options] as const,
    );
  }

  resizeNoise(width: number, height: number): Promise<void> {
    return this.page.evaluate((size) => window.wcs.resizeNoise(...size), [width, height] as const);
  }

  play(name: string, key = `play ${name}`, options: PublishOptions = {}): Promise<void> {
    return this.page.evaluate(
      (parameters) => {
        window.wcs.play(...parameters);
      },
      [name, key, options] as const,
    );
  }

  stop(key: string): Promise<void> {
    return this.page.evaluate((which) => {
      window.wcs.stop(which);
    }, key);
  }

  mute(key: string, method: 'muteAudio' | 'unmuteAudio' | 'muteVideo' | 'unmuteVideo'): Promise<void> {
    return this.page.evaluate(
      ([which, what]) => {
        window.wcs.mute(which, what);
      },
      [key, method] as const,
    );
  }

  sendData(key: string, payload: object): Promise<void> {
    return this.page.evaluate(
      ([which, what]) => {
        window.wcs.sendData(which, what);
      },
      [key, payload] as const,
    );
  }

  sendSessionData(payload: object): Promise<void> {
    return this.page.evaluate((what) => window.wcs.sendSessionData(what), payload);
  }

  available(name: string): Promise<string> {
    return this.page.evaluate((which) => window.wcs.available(which), name);
  }

  snapshot(name: string): Promise<string> {
    return this.page.evaluate((which) => window.wcs.snapshot(which), name);
  }

  disconnect(): Promise<void> {
    return this.page.evaluate(() => {
      window.wcs.disconnect();
    });
  }

  recordName(key: string): Promise<string> {
    return this.page.evaluate((which) => window.wcs.recordName(which), key);
  }

  state(key: string): Promise<StreamState> {
    return this.page.evaluate((which) => window.wcs.state(which), key);
  }

  times(key: string): Promise<Times> {
    return this.page.evaluate((which) => window.wcs.times(which), key);
  }

  log(key: string): Promise<string[]> {
    return this.page.evaluate((which) => window.wcs.log(which), key);
  }

  received(message: string): Promise<{ at: number; data: Record<string, unknown> }[]> {
    return this.page.evaluate((which) => window.wcs.received(which), message);
  }

  sessionLog(): Promise<string[]> {
    return this.page.evaluate(() => window.wcs.sessionLog);
  }

  quality(): Promise<string[]> {
    return this.page.evaluate(() => window.wcs.quality);
  }

  roomLog(): Promise<string[]> {
    return this.page.evaluate(() => window.wcs.roomLog);
  }

  /** Waits until the stream's log has a line. */
  async logs(key: string, line: string | RegExp): Promise<void> {
    const matches = (one: string) => (typeof line === 'string' ? one === line : line.test(one));
    const lines = async () => ((await this.log(key)).some(matches) ? 'found' : await this.log(key));
    await expect.poll(lines, { ...PATIENCE, message: `${key} should log ${String(line)}` }).toBe('found');
  }

  /** Waits until the room's log has a line. */
  async hears(line: string): Promise<void> {
    const lines = async () => ((await this.roomLog()).includes(line) ? 'found' : await this.roomLog());
    await expect.poll(lines, { ...PATIENCE, message: `the room should say ${line}` }).toBe('found');
  }

  reception(key: string): Promise<Reception> {
    return this.page.evaluate((which) => window.wcs.reception(which), key);
  }

  /** Decodes new frames and new sound of a stream, and has the picture on its page. */
  async receives(key: string): Promise<void> {
    const before = await this.reception(key);
    const isReceiving = async (): Promise<boolean> => {
      const now = await this.reception(key);
      const grown = (counter: 'framesDecoded' | 'audioPackets') => now[counter] - before[counter];
      return now.videoWidth > 0 && grown('framesDecoded') >= 3 && grown('audioPackets') > 20 && now.audioEnergy > 0;
    };
    await expect.poll(isReceiving, { ...PATIENCE, message: `${key} should be seen and heard` }).toBe(true);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

async function page(version: SdkVersion): Promise<[name: string, elements: string]> {
  return [version, scriptElement(await bundle(resolve(import.meta.dirname, `websdk-${version}.ts`), 'error'))];
}
