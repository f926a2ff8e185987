import type { MediaType } from '../signaling/messages.ts';
import { DeviceProblem } from './device-problem.ts';
import { openDevice, openMicrophoneAndCamera } from './devices.ts';

/** One of this page's own sources: the track when its device is open, and whether the person wants it to be seen or heard. */
export interface Source {
  readonly track: MediaStreamTrack | undefined;
  readonly on: boolean;
}

export interface LocalMediaListener {
  /** A source was turned on or off, or has another track. */
  readonly sourceChanged: (type: MediaType) => void;
  /** A device that was on stopped by itself: it was unplugged, or the browser's own button ended it. */
  readonly sourceEnded: (type: MediaType) => void;
}

const OFF: Source = { track: undefined, on: false };

/**
 * The microphone, camera and screen of this page. It outlives the sessions: a rejoin goes on with the devices as they are.
 *
 * A microphone that is off stays open, so that talking can go on at once; camera and screen are closed, so that the light goes off.
 */
export class LocalMedia {
  readonly #listener: LocalMediaListener;
  readonly #sources = new Map<MediaType, Source>();
  readonly #opening = new Map<MediaType, Promise<void>>();

  constructor(listener: LocalMediaListener) {
    this.#listener = listener;
  }

  source(type: MediaType): Source {
    return this.#sources.get(type) ?? OFF;
  }

  /**
   * Opens microphone and camera together; what cannot be opened stays off.
   *
   * @returns what is wrong, for each device that could not be opened.
   */
  async openAll(): Promise<DeviceProblem[]> {
    const opened = await openMicrophoneAndCamera();
    const problems: DeviceProblem[] = [];
    for (const type of ['mic', 'webcam'] as const) {
      const result = opened[type];
      if (result instanceof DeviceProblem) problems.push(result);
      else this.#set(type, { track: this.#watched(type, result), on: true });
    }
    return problems;
  }

  /** Turns a source on and opens its device if need be. A second call while the first is under way waits for it. @throws DeviceProblem */
  turnOn(type: MediaType): Promise<void> {
    const underWay = this.#opening.get(type);
    if (underWay) return underWay;
    const opening = this.#open(type).finally(() => this.#opening.delete(type));
    this.#opening.set(type, opening);
    return opening;
  }

  turnOff(type: MediaType): void {
    const { track } = this.source(type);
    if (type === 'mic') {
      if (track) track.enabled = false;
      this.#set(type, { track, on: false });
    } else {
      track?.stop();
      this.#set(type, OFF);
    }
  }

  /** Closes every device. */
  close(): void {
    for (const { track } of this.#sources.values()) track?.stop();
    this.#sources.clear();
  }

  async #open(type: MediaType): Promise<void> {
    const track = this.source(type).track ?? this.#watched(type, await openDevice(type));
    track.enabled = true;
    this.#set(type, { track, on: true });
  }

  /** `ended` is fired only for what this page did not stop itself. */
  #watched(type: MediaType, track: MediaStreamTrack): MediaStreamTrack {
    track.addEventListener('ended', () => {
      if (this.source(type).track !== track) return;
      this.#set(type, OFF);
      this.#listener.sourceEnded(type);
    });
    return track;
  }

  #set(type: MediaType, source: Source): void {
    this.#sources.set(type, source);
    this.#listener.sourceChanged(type);
  }
}
