import type { MediaType } from '../signaling/messages.ts';
import { instantiate, within } from './dom.ts';

/** What a tile knows of one track: `off` is there but paused or turned off, `none` was never sent. */
export type MediaState = 'on' | 'off' | 'none';

export interface TileOptions {
  readonly user: string;
  readonly name: string;
  /** A tile of this page's own participant: its sound is not played. */
  readonly self: boolean;
  readonly kind: 'person' | 'screen';
}

/** One picture of the meeting: a participant, or a screen that a participant shares. */
export class Tile {
  readonly element: HTMLElement;
  readonly #options: TileOptions;
  readonly #picture: HTMLVideoElement;
  readonly #sound: HTMLAudioElement;

  constructor(options: TileOptions) {
    this.#options = options;
    this.element = instantiate('tile-template');
    this.#picture = within(this.element, '.picture', HTMLVideoElement);
    this.#sound = within(this.element, '.sound', HTMLAudioElement);
    const { user, name, self, kind } = options;
    Object.assign(this.element.dataset, { participant: user, kind, self: String(self), speaking: 'false' });
    within(this.element, '.avatar', HTMLElement).textContent = initialsOf(name);
    within(this.element, '.name', HTMLElement).textContent = captionOf(options);
    if (self && kind === 'person') this.#picture.classList.add('mirrored');
    this.showMedia('mic', undefined, 'none');
    this.showMedia('webcam', undefined, 'none');
  }

  /** Shows or plays a track. A track that is off stays attached, so that it is there at once when it comes back. */
  showMedia(type: MediaType, track: MediaStreamTrack | undefined, state: MediaState): void {
    if (type !== 'mic') attach(this.#picture, track);
    else if (!this.#options.self) attach(this.#sound, track);
    this.showState(type, state);
  }

  showState(type: MediaType, state: MediaState): void {
    if (type === 'mic') this.#showDevice('mic', '.mic-state', 'Microphone', state);
    else this.#picture.hidden = state !== 'on';
    if (type === 'webcam') this.#showDevice('camera', '.camera-state', 'Camera', state);
  }

  /** Starts the sound; rejects where the browser wants a click first. */
  async play(): Promise<void> {
    if (this.#sound.srcObject) await this.#sound.play();
  }

  set speaking(speaking: boolean) {
    this.element.dataset.speaking = String(speaking);
  }

  /** Lets go of the tracks, so that the browser can free what plays them. */
  remove(): void {
    attach(this.#picture, undefined);
    attach(this.#sound, undefined);
    this.element.remove();
  }

  #showDevice(key: 'mic' | 'camera', selector: string, device: string, state: MediaState): void {
    this.element.dataset[key] = state;
    const symbol = within(this.element, selector, SVGElement);
    within(symbol, 'use', SVGUseElement).setAttribute('href', `#icon-${key}${state === 'on' ? '' : '-off'}`);
    symbol.setAttribute('aria-label', `${device} ${state === 'on' ? 'on' : 'off'}`);
    // A screen has no devices, and a camera that is on can be seen.
    symbol.toggleAttribute('hidden', this.#options.kind === 'screen' || (key === 'camera' && state === 'on'));
  }
}

function attach(element: HTMLMediaElement, track: MediaStreamTrack | undefined): void {
  const attached = element.srcObject instanceof MediaStream ? element.srcObject.getTracks()[0] : undefined;
  if (attached !== track) element.srcObject = track ? new MediaStream([track]) : null;
}

function captionOf({ name, self, kind }: TileOptions): string {
  if (kind === 'screen') return self ? 'Your screen' : `Screen of ${name}`;
  return self ? `${name} (you)` : name;
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u);
  // By code points and not by UTF-16 units, so that an initial outside of the basic plane stays whole.
  return words
    .slice(0, 2)
    .map((word) => /^./u.exec(word)?.[0].toLocaleUpperCase() ?? '')
    .join('');
}
