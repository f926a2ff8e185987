import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchBrowser } from './browser.ts';
import { Person } from './person.ts';
import { Stack } from './stack.ts';

/** What the tests of one file share: Parley, a browser, and the people of the test that is running. */
export class World {
  readonly #name: string;
  #running: { readonly stack: Stack; readonly browser: Browser } | undefined;
  #rooms = 0;
  #people: Person[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  get stack(): Stack {
    return this.#started().stack;
  }

  get browser(): Browser {
    return this.#started().browser;
  }

  /** The people of this test, in the order in which they came. */
  get people(): readonly Person[] {
    return this.#people;
  }

  /** The room of this test, or another one of its own. */
  room(number = 1): string {
    return `${this.#name} ${this.#rooms}-${number}`;
  }

  /** Somebody joins the room of this test, or another one, directly or by another line. */
  async enter(name: string, { room = this.room(), url = this.stack.url } = {}): Promise<Person> {
    const person = await Person.join(this.browser, { url, room, name });
    this.#people.push(person);
    return person;
  }

  /** Two people join, one after the other; the second may come by another line. */
  async meetTwo(url = this.stack.url): Promise<[Person, Person]> {
    return [await this.enter('Ada'), await this.enter('Grace', { url })];
  }

  async start(): Promise<void> {
    const browser = await launchBrowser();
    try {
      this.#running = { stack: await Stack.start(), browser };
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Everybody goes, and the next test has rooms of its own. */
  async clear(): Promise<void> {
    this.#rooms += 1;
    await Promise.all(this.#people.splice(0).map((person) => person.close()));
  }

  async stop(): Promise<void> {
    await this.#running?.browser.close();
    await this.#running?.stack.stop();
  }

  #started(): { readonly stack: Stack; readonly browser: Browser } {
    if (!this.#running) throw new Error('the world has not been started');
    return this.#running;
  }
}

/** Starts a world for the tests of a file. @param name begins the names of its rooms. */
export function useWorld(name: string): World {
  const world = new World(name);
  beforeAll(() => world.start());
  afterEach(() => world.clear());
  afterAll(() => world.stop());
  return world;
}
