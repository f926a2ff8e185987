import type { Streamer } from '../wcs-client/page.ts';
import { type Arrivals, count, type Member, NOTHING, type Told, until } from './member.ts';

const SMALL_SCREEN = { audio: false, video: { type: 'screen', withoutExtension: true, width: 320, height: 180, frameRate: { ideal: 5 } } };

/** A member with the WebSDK and its Room API. */
export class WcsMember implements Member {
  readonly protocol = 'wcs';
  readonly id: string;
  readonly #streamer: Streamer;
  /** What it plays, by the id of the publisher, with the index of the stream. */
  readonly #played = new Map<string, string[]>();
  readonly #screens: string[] = [];

  constructor(streamer: Streamer, login: string) {
    this.#streamer = streamer;
    this.id = login;
  }

  async watch(others: readonly Member[]): Promise<void> {
    const missing = async () => {
      const known = await this.#streamer.participants();
      return others.filter(({ id }) => !known.some((one) => one.startsWith(id) && !one.endsWith(':0'))).map(({ id }) => id);
    };
    await until(`publishers that ${this.id} does not know`, missing, []);
    for (const { id } of others) {
      const { login, streams } = await this.#participant(id);
      const keys = Array.from({ length: streams }, (_, index) => `${id} ${index}`);
      this.#played.set(id, keys);
      for (const [index, key] of keys.entries()) await this.#play(key, login, index);
    }
  }

  async arrivals({ id }: Member): Promise<Arrivals> {
    let sum = NOTHING;
    for (const key of this.#played.get(id) ?? []) {
      const { framesDecoded, audioPackets } = await this.#streamer.reception(key);
      sum = { frames: sum.frames + framesDecoded, packets: sum.packets + audioPackets };
    }
    return sum;
  }

  /** The screen is a stream more, and has to be played. */
  async screenFrames({ id }: Member): Promise<number> {
    const { login, streams } = await this.#participant(id);
    const cameras = this.#played.get(id)?.length ?? 0;
    if (streams <= cameras) return 0;
    const key = `${id} screen`;
    if (!this.#screens.includes(key)) {
      this.#screens.push(key);
      await this.#play(key, login, streams - 1);
    }
    return (await this.#streamer.reception(key)).framesDecoded;
  }

  shareScreen(): Promise<void> {
    return this.#streamer.publishInRoom('screen', SMALL_SCREEN);
  }

  stopScreen(): Promise<void> {
    return this.#streamer.stop('screen');
  }

  setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void> {
    const what = kind === 'audio' ? 'Audio' : 'Video';
    return this.#streamer.mute('own', `${muted ? 'mute' : 'unmute'}${what}`);
  }

  async told({ id }: Member): Promise<Told> {
    const logs = await Promise.all((this.#played.get(id) ?? []).map((key) => this.#streamer.log(key)));
    const about = (kind: string) => count(logs.flat(), (line) => new RegExp(`^${kind}(?:Muted|Unmuted)`, 'u').test(line));
    const left = count(await this.#streamer.roomLog(), (line) => line.startsWith(`LEFT ${id}`));
    return { audio: about('audio'), video: about('video'), left };
  }

  /** The Room API knows messages to one only. */
  async say(text: string, to: readonly Member[]): Promise<void> {
    for (const { id } of to) await this.#streamer.sendMessage((await this.#participant(id)).login, text);
  }

  async heard(text: string): Promise<number> {
    return count(await this.#streamer.roomLog(), (line) => line.startsWith('MESSAGE') && line.endsWith(` ${text}`));
  }

  leave(): Promise<void> {
    return this.#streamer.leave();
  }

  faults(): Promise<readonly string[]> {
    return Promise.resolve(this.#streamer.complaints);
  }

  close(): Promise<void> {
    return this.#streamer.close();
  }

  /** Plays a stream. @returns once it is played. */
  async #play(key: string, login: string, index: number): Promise<void> {
    await this.#streamer.playFromRoom(key, login, index);
    const status = async () => (await this.#streamer.log(key)).find((line) => /^(?:PLAYING|FAILED)/u.test(line));
    await until(`how ${this.id} plays ${key}`, status, 'PLAYING');
  }

  async #participant(id: string): Promise<{ login: string; streams: number }> {
    const found = (await this.#streamer.participants()).find((one) => one.startsWith(id)) ?? ':0';
    const [, login = '', streams = '0'] = /^(.*):(\d+)$/u.exec(found) ?? [];
    return { login, streams: Number(streams) };
  }
}
