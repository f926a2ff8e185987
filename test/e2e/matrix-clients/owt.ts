import type { OwtPage } from '../owt-client/page.ts';
import type { StreamInfo } from '../owt-client/signaling.ts';
import { type Arrivals, count, type Member, NOTHING, type Told, until } from './member.ts';

/** A member with a client like the SDK 5.x. */
export class OwtMember implements Member {
  readonly protocol = 'owt';
  readonly id: string;
  readonly #page: OwtPage;
  readonly #own: string;
  #screen = '';
  /** Streams that it has subscribed to, also those that have ended, by the id of the publisher. */
  readonly #watched = new Map<string, string[]>();

  /** @param user as in its token. @param own its stream. */
  constructor(page: OwtPage, user: string, own: string) {
    this.#page = page;
    this.id = `${user}#`;
    this.#own = own;
  }

  async watch(others: readonly Member[]): Promise<void> {
    for (const other of others) {
      // A picture in layers is a track for each.
      const kinds = async () => [...new Set((await this.#streamsOf(other)).flatMap(kindsOf))].toSorted().join(' ');
      await until(`what ${this.id} knows of ${other.id}`, kinds, 'audio video');
      const streams = (await this.#streamsOf(other)).map(({ id }) => id);
      this.#watched.set(other.id, streams);
      for (const stream of streams) await this.#page.subscribe(stream);
    }
  }

  async arrivals({ id }: Member): Promise<Arrivals> {
    let sum = NOTHING;
    for (const stream of this.#watched.get(id) ?? []) {
      const { framesDecoded, audioPackets } = await this.#page.reception(stream);
      sum = { frames: sum.frames + framesDecoded, packets: sum.packets + audioPackets };
    }
    return sum;
  }

  async screenFrames(of: Member): Promise<number> {
    const screen = (await this.#streamsOf(of)).find(isScreen);
    if (!screen) return 0;
    const key = `${of.id} screen`;
    if (this.#watched.get(key)?.[0] !== screen.id) {
      this.#watched.set(key, [screen.id]);
      await this.#page.subscribe(screen.id, { audio: false });
    }
    return (await this.#page.reception(screen.id)).framesDecoded;
  }

  async shareScreen(): Promise<void> {
    [this.#screen = ''] = await this.#page.publish({ screen: true });
  }

  stopScreen(): Promise<void> {
    return this.#page.unpublish(this.#screen);
  }

  async setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void> {
    await this.#page.request('stream-control', { id: this.#own, operation: muted ? 'pause' : 'play', data: kind });
  }

  async told(of: Member): Promise<Told> {
    const log = await this.#page.log();
    const streams = this.#watched.get(of.id) ?? [];
    const about = (kind: string) => count(log, (line) => streams.some((id) => line.startsWith(`stream update ${id} ${kind}.status`)));
    const departed = await this.#page.page.evaluate(() => window.owt.signaling.departed);
    return { audio: about('audio'), video: about('video'), left: count(departed, (id) => this.#isCalled(id, of)) };
  }

  async say(text: string): Promise<void> {
    await this.#page.request('text', { to: 'all', message: text });
  }

  async heard(text: string): Promise<number> {
    return count(await this.#page.log(), (line) => line.startsWith('text') && line.endsWith(` ${text}`));
  }

  leave(): Promise<void> {
    return this.#page.leave();
  }

  faults(): Promise<readonly string[]> {
    return this.#page.faults();
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  async #streamsOf(of: Member): Promise<StreamInfo[]> {
    return (await this.#page.streams()).filter(({ info }) => this.#isCalled(info.owner, of));
  }

  /** Members of its own protocol are known by ids of their own; others by the ids of the room, coded where those are not plain. */
  #isCalled(owner: string, of: Member): boolean {
    if (of instanceof OwtMember) return owner === of.#page.id;
    return owner.startsWith(of.id) || owner.startsWith(`x-${Buffer.from(of.id).toString('hex')}`);
  }
}

function kindsOf(stream: StreamInfo): string[] {
  return isScreen(stream) ? [] : (stream.media.tracks ?? []).map(({ type }) => type);
}

function isScreen({ media }: StreamInfo): boolean {
  return media.tracks?.some(({ source }) => source === 'screen-cast') === true;
}
