import type { Caller } from '../kurento-client/page.ts';
import { type Arrivals, count, type Member, type Told, until } from './member.ts';

/** A member with `kurento-utils`. */
export class GroupCallMember implements Member {
  readonly protocol = 'group-call';
  readonly id: string;
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.id = caller.userId;
  }

  async watch(others: readonly Member[]): Promise<void> {
    await until(`members that ${this.id} shows`, async () => (await this.#shown()).length, others.length);
  }

  async arrivals(of: Member): Promise<Arrivals> {
    const { framesDecoded, audioPackets } = await this.#caller.reception((await this.#idOf(of)) ?? '');
    return { frames: framesDecoded, packets: audioPackets };
  }

  /** A screen takes the camera's place: frames count while the picture is not the green one of the fake camera. */
  async screenFrames(of: Member): Promise<number> {
    const id = (await this.#idOf(of)) ?? '';
    const isCamera = await this.#caller.page.evaluate((userId) => {
      const video = document.querySelector<HTMLVideoElement>(`video[data-user="${userId}"]`);
      const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d');
      if (!video || !context) return true;
      context.drawImage(video, 0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
      return green > red + 40 && green > blue + 40;
    }, id);
    return isCamera ? 0 : (await this.#caller.reception(id)).framesDecoded;
  }

  setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void> {
    return this.#caller.setState(kind, !muted);
  }

  async told({ id }: Member): Promise<Told> {
    const log = await this.#caller.log();
    const about = (message: string) => count(log, (line) => line.startsWith(`${message} ${id}`));
    return { audio: about('audioStateAnswer'), video: about('videoStateAnswer'), left: about('participantLeft') };
  }

  leave(): Promise<void> {
    return this.#caller.leave();
  }

  faults(): Promise<readonly string[]> {
    return this.#caller.faults();
  }

  close(): Promise<void> {
    return this.#caller.close();
  }

  async #shown(): Promise<string[]> {
    const shown = await this.#caller.page.evaluate(() => window.kurentoClient.shown());
    return shown.map((line) => line.split(' ')[0] ?? '');
  }

  async #idOf({ id }: Member): Promise<string | undefined> {
    return (await this.#shown()).find((shown) => shown.startsWith(id));
  }
}
