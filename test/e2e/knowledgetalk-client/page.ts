/** Serves the clients from an origin of their own, as somebody else's page would be, and drives them. */
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { bundle, ClientSite, scriptElement } from '../client-site.ts';
import { installProbe } from '../page-probe.ts';
import type { Reception, Route } from './client.ts';
import type { Kind, StrokeInfo } from './signaling.ts';

const PATIENCE = { timeout: 40_000, interval: 200 };

type Point = readonly [number, number];

export class KnowledgeTalkSite {
  readonly #site: ClientSite;

  /** @param edge where the sample loads the library from. */
  static async open(edge: string): Promise<KnowledgeTalkSite> {
    const [vendor, sample] = await Promise.all([script('vendor'), script('sample')]);
    const library = `<script src="${edge}/socket.io/socket.io.js"></script>`;
    return new KnowledgeTalkSite(await ClientSite.open(new Map(Object.entries({ vendor, sample: library + sample }))));
  }

  private constructor(site: ClientSite) {
    this.#site = site;
  }

  /** Opens the page of a client and connects it. */
  async visit(browser: Browser, kind: Kind, edge: string): Promise<KnowledgeTalkPage> {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await installProbe(page);
    const visitor = new KnowledgeTalkPage(page, complaints, edge);
    await page.goto(this.#site.urlOf(kind));
    await visitor.connect();
    return visitor;
  }

  close(): void {
    this.#site.close();
  }
}

/** A page with a client in it. */
export class KnowledgeTalkPage {
  readonly page: Page;
  userId = '';
  roomId = '';
  /** What the page did not catch. */
  readonly #complaints: readonly string[];
  readonly #edge: string;
  #isCrashed = false;

  constructor(page: Page, complaints: readonly string[], edge: string) {
    this.page = page;
    this.#complaints = complaints;
    this.#edge = edge;
  }

  async connect(): Promise<void> {
    await this.page.evaluate(async (server) => {
      window.knowledgeTalk = window.newKnowledgeTalkClient(server);
      await window.knowledgeTalk.signaling.opened;
    }, this.#edge);
  }

  /** Makes a room and joins it. */
  async create(): Promise<string> {
    await this.page.evaluate(() => window.knowledgeTalk.create());
    return this.#remember();
  }

  async join(roomId: string, operation: 'RoomJoin' | 'RoomJoinAsObserver' = 'RoomJoin'): Promise<void> {
    await this.page.evaluate(([room, eventOp]) => window.knowledgeTalk.join(room, eventOp), [roomId, operation] as const);
    await this.#remember();
  }

  async #remember(): Promise<string> {
    const { userId, roomId } = await this.page.evaluate(() => ({
      userId: window.knowledgeTalk.userId,
      roomId: window.knowledgeTalk.roomId,
    }));
    Object.assign(this, { userId, roomId });
    return roomId;
  }

  reception(place: string): Promise<Reception> {
    return this.page.evaluate((where) => window.knowledgeTalk.reception(where), place);
  }

  /** New frames of a member, or of the shared screen, are decoded and put on the screen. */
  async sees(place: string): Promise<void> {
    await this.#grows(
      place,
      (before, now) => now.videoWidth > 0 && grown(before, now, 'framesDecoded') >= 3 && grown(before, now, 'framesPresented') >= 2,
    );
  }

  /** New sound of a member arrives. */
  async hears(place: string): Promise<void> {
    await this.#grows(place, (before, now) => grown(before, now, 'audioPackets') > 20 && grown(before, now, 'audioEnergy') > 0);
  }

  async receives(place: string): Promise<void> {
    await Promise.all([this.sees(place), this.hears(place)]);
  }

  async #grows(place: string, isEnough: (before: Reception, now: Reception) => boolean): Promise<void> {
    let before = await this.reception(place);
    let last: Reception | undefined;
    const check = async (): Promise<string> => {
      const now = await this.reception(place);
      // A new connection counts from zero again.
      if (now.framesDecoded < before.framesDecoded || now.audioPackets < before.audioPackets) before = now;
      last = now;
      return isEnough(before, now) ? 'enough' : JSON.stringify(last);
    };
    await expect.poll(check, { ...PATIENCE, message: `${this.userId} should receive ${place}` }).toBe('enough');
  }

  /** Waits until there is a place on the page for these and nobody else, and the client counts as many. */
  async shows(...members: string[]): Promise<void> {
    const shown = () =>
      this.page.evaluate(() => ({
        places: window.knowledgeTalk.places().filter((place) => place !== 'screen'),
        count: window.knowledgeTalk.count,
      }));
    await expect
      .poll(shown, { ...PATIENCE, message: `what ${this.userId} shows` })
      .toEqual({ places: members.toSorted(), count: members.length });
  }

  /** Waits until no shared screen is shown. */
  async losesScreen(): Promise<void> {
    await expect.poll(() => this.places(), PATIENCE).not.toContain('screen');
  }

  places(): Promise<string[]> {
    return this.page.evaluate(() => window.knowledgeTalk.places());
  }

  shareScreen(): Promise<string | undefined> {
    return this.page.evaluate(() => window.knowledgeTalk.shareScreen());
  }

  stopScreen(): Promise<void> {
    return this.page.evaluate(() => window.knowledgeTalk.stopScreen());
  }

  leave(): Promise<string | undefined> {
    return this.page.evaluate(() => window.knowledgeTalk.leave());
  }

  routes(): Promise<Route[]> {
    return this.page.evaluate(() => window.knowledgeTalk.routes());
  }

  /** Which transport carried the connection to the server when it was opened, and which does now. */
  transports(): Promise<[string, string]> {
    return this.page.evaluate(() => [window.knowledgeTalk.signaling.firstTransport, window.knowledgeTalk.signaling.transport]);
  }

  /** Draws a line through points of the board, with the mouse. */
  async draw(tool: StrokeInfo, [first, ...others]: readonly [Point, ...Point[]]): Promise<void> {
    await this.page.evaluate((chosen) => {
      window.knowledgeTalk.board.tool = chosen;
    }, tool);
    await this.page.mouse.move(...first);
    await this.page.mouse.down();
    for (const point of others) await this.page.mouse.move(...point, { steps: 5 });
    await this.page.mouse.up();
  }

  /** What is on its board, as one string. */
  board(): Promise<string> {
    return this.page.evaluate(() => window.knowledgeTalk.board.pixels());
  }

  startBoard(): Promise<void> {
    return this.page.evaluate(() => window.knowledgeTalk.startBoard());
  }

  clearBoard(): Promise<void> {
    return this.page.evaluate(() => {
      window.knowledgeTalk.board.clear();
    });
  }

  /** Uploads a file and shows everybody its first page. @returns the answer of the file server. */
  shareFile(file: { bytes: readonly number[]; name: string; type: string }): Promise<{ code: string; pages: string[] }> {
    return this.page.evaluate(({ bytes, name, type }) => window.knowledgeTalk.shareFile(bytes, name, type), file);
  }

  /** Colours of the page that is being shared, as it is shown here, at these places (0 to 1, from the left and from the top). */
  async sharedPage(places: readonly Point[]): Promise<number[][]> {
    await this.page.waitForSelector('#shared-page', { timeout: PATIENCE.timeout });
    return this.page.evaluate(async (points) => {
      const image = document.querySelector<HTMLImageElement>('#shared-page');
      if (!image) throw new Error('no page is shown');
      await image.decode();
      const { naturalWidth: width, naturalHeight: height } = image;
      const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
      context?.drawImage(image, 0, 0);
      return points.map(([x, y]) => [...(context?.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1).data ?? [])]);
    }, places);
  }

  /** Begins to record. @returns the name of the file. */
  record(): Promise<string> {
    return this.page.evaluate(() => window.knowledgeTalk.record());
  }

  /** How many bytes the file server had after each part of the recording. */
  recorded(): Promise<number[]> {
    return this.page.evaluate(() => window.knowledgeTalk.recorded);
  }

  mode(): Promise<'Y' | 'N'> {
    return this.page.evaluate(() => window.knowledgeTalk.mode);
  }

  /** What it was told: names, actions, codes and members. */
  log(): Promise<string[]> {
    return this.page.evaluate(() => window.knowledgeTalk.signaling.log);
  }

  /** Waits for a line of the log. */
  async isTold(line: string): Promise<void> {
    await expect.poll(() => this.log(), { ...PATIENCE, message: `${this.userId} should be told ${line}` }).toContain(line);
  }

  /** The places where a real client would have thrown. */
  async faults(): Promise<string[]> {
    if (this.page.isClosed() || this.#isCrashed) return [];
    return [...this.#complaints, ...(await this.page.evaluate(() => window.knowledgeTalk.faults))];
  }

  /** Loads the page anew and connects. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.connect();
  }

  /** Kills the page's process, as the operating system would. */
  async crash(): Promise<void> {
    const crashed = this.page.waitForEvent('crash');
    // The navigation never ends.
    void this.page.goto('chrome://crash').catch(() => undefined);
    await crashed;
    this.#isCrashed = true;
  }

  /** Closes the tab without a word. */
  close(): Promise<void> {
    return this.page.context().close();
  }
}

/** Everybody sees and hears everybody else. */
export async function expectConversation(pages: readonly KnowledgeTalkPage[]): Promise<void> {
  await Promise.all(pages.flatMap((page) => pages.filter((other) => other !== page).map((other) => page.receives(other.userId))));
}

function grown(before: Reception, now: Reception, counter: keyof Reception): number {
  return now[counter] - before[counter];
}

async function script(kind: Kind): Promise<string> {
  return scriptElement(await bundle(resolve(import.meta.dirname, `${kind}.ts`)));
}
