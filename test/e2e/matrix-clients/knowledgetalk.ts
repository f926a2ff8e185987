import { expect } from 'vitest';
import type { KnowledgeTalkPage } from '../knowledgetalk-client/page.ts';
import { type Arrivals, count, type Member, type Told, until } from './member.ts';

/** A member with a client like the vendor's app. */
export class KnowledgeTalkMember implements Member {
  readonly protocol = 'knowledgetalk';
  readonly id: string;
  readonly #page: KnowledgeTalkPage;

  constructor(page: KnowledgeTalkPage) {
    this.#page = page;
    this.id = page.userId;
  }

  async watch(others: readonly Member[]): Promise<void> {
    const shown = async () => (await this.#page.places()).filter((place) => place !== 'screen').length;
    await until(`places that ${this.id} shows`, shown, others.length + 1);
  }

  async arrivals(of: Member): Promise<Arrivals> {
    const { framesDecoded, audioPackets } = await this.#page.reception(await this.#userIdOf(of));
    return { frames: framesDecoded, packets: audioPackets };
  }

  /** One screen at a time is shown, whoever shares it. */
  async screenFrames(): Promise<number> {
    return (await this.#page.reception('screen')).framesDecoded;
  }

  async shareScreen(): Promise<void> {
    expect(await this.#page.shareScreen()).toBe('200');
  }

  stopScreen(): Promise<void> {
    return this.#page.stopScreen();
  }

  setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void> {
    return this.#say({ signalOp: kind === 'audio' ? 'SetAudio' : 'SetVideo', status: muted });
  }

  async told(of: Member): Promise<Told> {
    const log = await this.#page.log();
    const userId = await this.#userIdOf(of);
    const about = (word: string) => count(log, (line) => line === `${word} ${userId}`);
    return { audio: about('SetAudio'), video: about('SetVideo'), left: about('Presence exit') };
  }

  say(text: string): Promise<void> {
    return this.#say({ signalOp: 'Chat', message: text });
  }

  heard(text: string): Promise<number> {
    return this.#page.page.evaluate((said) => window.knowledgeTalk.signaling.chat.filter((line) => line === said).length, text);
  }

  async leave(): Promise<void> {
    expect(await this.#page.leave()).toBe('200');
  }

  faults(): Promise<readonly string[]> {
    return this.#page.faults();
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  #say(message: object): Promise<void> {
    return this.#page.page.evaluate((said) => {
      const { roomId, userId, signaling } = window.knowledgeTalk;
      signaling.say({ roomId, userId, ...said });
    }, message);
  }

  /** Members of other protocols have ids that are made here, and are told by their names. */
  async #userIdOf(of: Member): Promise<string> {
    if (of instanceof KnowledgeTalkMember) return of.id;
    const names = await this.#page.page.evaluate(() => [...window.knowledgeTalk.names]);
    return names.find(([, name]) => name.startsWith(of.id) || of.id === `${name}#`)?.[0] ?? 'nobody';
  }
}
