import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { firstFrameIn, installProbe, readReception, type Reception } from './page-probe.ts';

/** Everything that a test waits for happens within this time, in milliseconds, or the test fails. */
const PATIENCE = { timeout: 15_000, interval: 100 };

export interface Visit {
  readonly url: string;
  readonly name: string;
  readonly room: string;
}

/** Somebody at a browser, with a profile of their own. */
export class Person {
  readonly name: string;
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[];
  readonly #room: string;

  /** Opens the page with the room's link and stops at the form. */
  static async open(browser: Browser, { url, name, room }: Visit, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await installProbe(page);
    const person = new Person(name, room, page, complaints);
    await page.goto(`${url}/?room=${encodeURIComponent(room)}`);
    await page.fill('#name', name);
    return person;
  }

  /** Opens the page, presses "Join" and waits until the meeting is there. */
  static async join(browser: Browser, visit: Visit, options: BrowserContextOptions = {}): Promise<Person> {
    const person = await Person.open(browser, visit, options);
    await person.pressJoin();
    return person;
  }

  private constructor(name: string, room: string, page: Page, complaints: string[]) {
    this.name = name;
    this.#room = room;
    this.page = page;
    this.complaints = complaints;
  }

  async pressJoin(): Promise<void> {
    await this.page.waitForSelector('#preview-video:not([hidden]), .device-problem');
    await this.page.click('#join');
    await this.isInMeeting();
  }

  async isInMeeting(): Promise<void> {
    await this.page.waitForSelector('#meeting:not([hidden])');
    await this.page.waitForSelector('#banner', { state: 'hidden' });
    expect(await this.page.textContent('#meeting-room')).toBe(this.#room);
  }

  press(button: 'toggle-mic' | 'toggle-webcam' | 'toggle-screen' | 'leave'): Promise<void> {
    return this.page.click(`#${button}`);
  }

  /** Closes the tab and everything that belongs to this person. */
  close(): Promise<void> {
    return this.page.context().close();
  }

  /** The tile of another participant, or of the screen that the participant shares. */
  tile(name: string, kind: 'person' | 'screen' = 'person'): Locator {
    return this.page.locator(selectorOf(name, kind));
  }

  reception(name: string, kind: 'person' | 'screen' = 'person'): Promise<Reception> {
    return readReception(this.page, selectorOf(name, kind));
  }

  /** New frames of a participant are decoded and put on the screen. */
  sees(name: string, kind: 'person' | 'screen' = 'person'): Promise<void> {
    return expectPicture(this.page, selectorOf(name, kind), `${this.name} should see ${name}`);
  }

  /** When the first frame of a participant's camera was on the screen, in milliseconds since the epoch. */
  firstFrameOf(name: string): Promise<number> {
    return firstFrameIn(this.page, selectorOf(name, 'person'));
  }

  /** New packets of a participant's voice arrive, and there is sound in them. */
  hears(name: string): Promise<void> {
    return expectSound(this.page, selectorOf(name, 'person'), `${this.name} should hear ${name}`);
  }

  /** Nothing new of a participant's voice arrives during a second. */
  async hearsNothingOf(name: string): Promise<void> {
    await stands(() => this.reception(name).then((reception) => reception.audioPackets), `${this.name} should not hear ${name}`);
  }

  /** No new frame of a participant's camera arrives during a second. */
  async seesNothingOf(name: string): Promise<void> {
    await stands(() => this.reception(name).then((reception) => reception.framesDecoded), `${this.name} should not see ${name}`);
  }

  /** Waits for the state of a participant's microphone or camera as its tile shows it. */
  async notices(name: string, device: 'mic' | 'camera', state: 'on' | 'off' | 'none'): Promise<void> {
    await expect
      .poll(() => this.tile(name).getAttribute(`data-${device}`), {
        ...PATIENCE,
        message: `${this.name} should notice ${name}'s ${device}`,
      })
      .toBe(state);
  }

  /** Waits until a participant's tile is gone. */
  async loses(name: string, kind: 'person' | 'screen' = 'person', timeout = PATIENCE.timeout): Promise<void> {
    await this.tile(name, kind).waitFor({ state: 'detached', timeout });
  }
}

/** Everybody sees and hears everybody else. */
export async function expectConversation(people: readonly Person[]): Promise<void> {
  await Promise.all(
    people.flatMap((person) =>
      people.filter((other) => other !== person).flatMap((other) => [person.sees(other.name), person.hears(other.name)]),
    ),
  );
}

/** Picture and sound arrive in the element of any page that has the probe. */
export async function expectMedia(page: Page, selector: string): Promise<void> {
  await Promise.all([expectPicture(page, selector, `picture in ${selector}`), expectSound(page, selector, `sound in ${selector}`)]);
}

async function expectPicture(page: Page, selector: string, message: string): Promise<void> {
  const [decoded, presented] = [new Growth(), new Growth()];
  const isSeen = async (): Promise<boolean> => {
    const reception = await readReception(page, selector);
    decoded.read(reception.framesDecoded);
    presented.read(reception.framesPresented);
    return reception.videoWidth > 0 && decoded.sum >= 3 && presented.sum >= 2;
  };
  await expect.poll(isSeen, { ...PATIENCE, message }).toBe(true);
}

async function expectSound(page: Page, selector: string, message: string): Promise<void> {
  const [packets, energy] = [new Growth(), new Growth()];
  const isHeard = async (): Promise<boolean> => {
    const reception = await readReception(page, selector);
    packets.read(reception.audioPackets);
    energy.read(reception.audioEnergy);
    return packets.sum > 20 && energy.sum > 0;
  };
  await expect.poll(isHeard, { ...PATIENCE, message }).toBe(true);
}

function selectorOf(name: string, kind: 'person' | 'screen'): string {
  return `.tile[data-self="false"][data-kind="${kind}"][data-participant^="${name}"]`;
}

/** How much a counter has grown since its first reading. A new connection starts to count at zero again. */
class Growth {
  sum = 0;
  #last: number | undefined;

  read(value: number): void {
    if (this.#last !== undefined && value > this.#last) this.sum += value - this.#last;
    this.#last = value;
  }
}

/** Waits until a counter stands still for a second; what was on its way when it was stopped may still arrive. */
async function stands(read: () => Promise<number>, message: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const before = await read();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return (await read()) - before;
      },
      { ...PATIENCE, message },
    )
    .toBe(0);
}
