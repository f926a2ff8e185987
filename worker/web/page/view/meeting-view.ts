import { invitationTo } from '../meeting/address.ts';
import type { LocalMedia } from '../media/local-media.ts';
import type { MediaType } from '../signaling/messages.ts';
import { byId } from './dom.ts';
import { showNotice } from './notices.ts';
import { showSource } from './source-button.ts';
import type { Stage } from './stage.ts';

export interface MeetingViewListener {
  readonly sourceToggled: (type: MediaType) => void;
  readonly leaveRequested: () => void;
}

const SOURCES = ['mic', 'webcam', 'screen'] as const;
const COPIED_FOR = 2_000;

/** The frame of a meeting: its header, the banner and the toolbar. */
export class MeetingView {
  readonly #main = byId('meeting', HTMLElement);
  readonly #banner = byId('banner', HTMLElement);
  #room = '';

  constructor(listener: MeetingViewListener) {
    for (const type of SOURCES) {
      this.#button(type).addEventListener('click', () => {
        listener.sourceToggled(type);
      });
    }
    byId('leave', HTMLButtonElement).addEventListener('click', listener.leaveRequested);
    byId('copy-link', HTMLButtonElement).addEventListener('click', () => void this.#copyLink());
    document.addEventListener('keydown', this.#handleKey);
  }

  show(room: string): void {
    this.#room = room;
    this.#main.hidden = false;
    byId('meeting-room', HTMLElement).textContent = room;
    document.title = `${room} – Parley`;
    this.showBanner(undefined);
    // Browsers that cannot share a screen, those of phones above all, do not have the function.
    this.#button('screen').hidden = typeof (navigator.mediaDevices as Partial<MediaDevices> | undefined)?.getDisplayMedia !== 'function';
    this.#button('mic').focus();
  }

  hide(): void {
    this.#main.hidden = true;
  }

  showCount(count: number): void {
    byId('meeting-count', HTMLElement).textContent = count === 1 ? 'Only you are here' : `${count} participants`;
  }

  /** A line above the stage for as long as something is not as it should be. */
  showBanner(text: string | undefined): void {
    this.#banner.hidden = text === undefined;
    this.#banner.textContent = text ?? '';
  }

  /** Shows the own sources on the buttons and on the own tile. */
  showSources(local: LocalMedia, self: string, stage: Stage): void {
    for (const type of SOURCES) {
      const { track, on } = local.source(type);
      showSource(this.#button(type), type, on);
      stage.showMedia(self, type, on ? track : undefined, on ? 'on' : 'off');
    }
  }

  async #copyLink(): Promise<void> {
    const link = invitationTo(this.#room);
    const label = byId('copy-link-text', HTMLElement);
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      showNotice(`Your browser does not let this page copy. The link is ${link}`);
      return;
    }
    label.textContent = 'Copied';
    setTimeout(() => {
      label.textContent = 'Copy link';
    }, COPIED_FOR);
  }

  readonly #handleKey = (event: KeyboardEvent): void => {
    if (this.#main.hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const button = SOURCES.map((type) => this.#button(type)).find(
      (each) => each.getAttribute('aria-keyshortcuts') === event.key.toLowerCase(),
    );
    if (button && !button.hidden) button.click();
  };

  #button(type: MediaType): HTMLButtonElement {
    return byId(`toggle-${type}`, HTMLButtonElement);
  }
}
