import type { Page } from 'playwright-core';
import { readReception } from '../page-probe.ts';
import type { Person } from '../person.ts';
import { type Arrivals, count, type Member, type Told } from './member.ts';

/** Somebody at the meeting page. What it was told shows in the tiles only. */
export class MeetingMember implements Member {
  readonly protocol = 'mediasoup-http';
  readonly id: string;
  readonly #person: Person;

  constructor(person: Person) {
    this.#person = person;
    this.id = person.name;
  }

  async watch(others: readonly Member[]): Promise<void> {
    for (const { id } of others) await this.#person.tile(id).waitFor();
  }

  async arrivals({ id }: Member): Promise<Arrivals> {
    const { framesDecoded, audioPackets } = await this.#person.reception(id);
    return { frames: framesDecoded, packets: audioPackets };
  }

  async screenFrames({ id }: Member): Promise<number> {
    return (await this.#person.reception(id, 'screen')).framesDecoded;
  }

  shareScreen(): Promise<void> {
    return this.#person.press('toggle-screen');
  }

  stopScreen(): Promise<void> {
    return this.#person.press('toggle-screen');
  }

  setMuted(kind: 'audio' | 'video'): Promise<void> {
    return this.#person.press(kind === 'audio' ? 'toggle-mic' : 'toggle-webcam');
  }

  async told({ id }: Member): Promise<Told> {
    const tile = this.#person.tile(id);
    if ((await tile.count()) === 0) return { audio: 0, video: 0, left: 1 };
    const off = async (device: string) => Number((await tile.getAttribute(`data-${device}`)) !== 'on');
    return { audio: await off('mic'), video: await off('camera'), left: 0 };
  }

  leave(): Promise<void> {
    return this.#person.press('leave');
  }

  faults(): Promise<readonly string[]> {
    return Promise.resolve(this.#person.complaints);
  }

  close(): Promise<void> {
    return this.#person.close();
  }
}

/** A client that follows the protocol's document and knows nothing of Parley. */
export class BareMember implements Member {
  readonly protocol = 'mediasoup-http';
  readonly id: string;
  readonly #page: Page;

  constructor(page: Page, mail: string) {
    this.#page = page;
    this.id = mail;
  }

  async watch(others: readonly Member[]): Promise<void> {
    for (const { id } of others) await this.#page.waitForSelector(`${sectionOf(id)} video`);
  }

  async arrivals({ id }: Member): Promise<Arrivals> {
    const [picture, sound] = await Promise.all(
      ['webcam', 'mic'].map((type) => readReception(this.#page, `${sectionOf(id)} [data-type=${type}]`)),
    );
    return { frames: picture?.framesDecoded ?? 0, packets: sound?.audioPackets ?? 0 };
  }

  async screenFrames({ id }: Member): Promise<number> {
    return (await readReception(this.#page, `${sectionOf(id)} [data-type=screen]`)).framesDecoded;
  }

  setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void> {
    const type = kind === 'audio' ? 'mic' : 'webcam';
    return this.#page.evaluate(([what, isMuted]) => (isMuted ? window.bareClient.pause(what) : window.bareClient.resume(what)), [
      type,
      muted,
    ] as const);
  }

  async told({ id }: Member): Promise<Told> {
    const notifications = await this.#page.evaluate(() => window.bareClient.notifications);
    const about = (method: RegExp, type = '') =>
      count(notifications, (line) => {
        const [what = '', who = '', which = ''] = line.split(' ');
        return method.test(what) && who.startsWith(id) && which === type;
      });
    const changed = /^producer(?:Paused|Resumed)$/u;
    return { audio: about(changed, 'mic'), video: about(changed, 'webcam'), left: about(/^userLeft$/u) };
  }

  leave(): Promise<void> {
    return this.#page.evaluate(() => {
      window.bareClient.leave();
    });
  }

  async faults(): Promise<readonly string[]> {
    return this.#page.evaluate(() => window.bareClient.notifications.filter((line) => line.startsWith('unknown')));
  }

  close(): Promise<void> {
    return this.#page.close();
  }
}

function sectionOf(id: string): string {
  return `section[data-user^="${id}"]`;
}
