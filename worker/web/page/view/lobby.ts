import type { DeviceProblem } from '../media/device-problem.ts';
import type { LocalMedia } from '../media/local-media.ts';
import type { MediaType } from '../signaling/messages.ts';
import { byId } from './dom.ts';
import { showSource } from './source-button.ts';

/** What a person decides before a meeting. */
export interface JoinRequest {
  readonly name: string;
  readonly room: string;
}

export interface LobbyListener {
  readonly joinRequested: (request: JoinRequest) => void;
  readonly sourceToggled: (type: MediaType) => void;
}

const SOURCES = ['mic', 'webcam'] as const;

/** The page before the meeting: name, room, and a look into the mirror. */
export class Lobby {
  readonly #main = byId('lobby', HTMLElement);
  readonly #form = byId('join-form', HTMLFormElement);
  readonly #name = byId('name', HTMLInputElement);
  readonly #room = byId('room', HTMLInputElement);
  readonly #join = byId('join', HTMLButtonElement);
  readonly #error = byId('join-error', HTMLElement);
  readonly #problems = byId('device-problems', HTMLElement);
  readonly #video = byId('preview-video', HTMLVideoElement);
  readonly #text = byId('preview-text', HTMLElement);
  readonly #listener: LobbyListener;

  constructor(listener: LobbyListener, remembered: JoinRequest) {
    this.#listener = listener;
    this.#name.value = remembered.name;
    this.#room.value = remembered.room;
    this.#form.addEventListener('submit', this.#handleSubmit);
    for (const type of SOURCES) {
      this.#button(type).addEventListener('click', () => {
        listener.sourceToggled(type);
      });
    }
  }

  show(): void {
    this.#main.hidden = false;
    document.title = 'Parley';
    this.setBusy(false);
    (this.#name.value ? (this.#room.value ? this.#join : this.#room) : this.#name).focus();
  }

  hide(): void {
    this.#main.hidden = true;
    this.#video.srcObject = null;
  }

  /** While the room is being entered, the form cannot be sent again. */
  setBusy(busy: boolean): void {
    this.#join.disabled = busy;
    this.#join.textContent = busy ? 'Joining…' : 'Join';
  }

  showError(text: string | undefined): void {
    this.#error.hidden = text === undefined;
    this.#error.textContent = text ?? '';
  }

  showSources(local: LocalMedia): void {
    for (const type of SOURCES) showSource(this.#button(type), type, local.source(type).on);
    const { track } = local.source('webcam');
    this.#video.hidden = !track;
    this.#video.srcObject = track ? new MediaStream([track]) : null;
    this.#text.textContent = track ? '' : 'Your camera is off.';
  }

  showDevicesOpening(): void {
    this.#text.textContent = 'Your browser asks whether this page may use your camera and microphone.';
  }

  /** Explains what cannot be used. Joining is possible nevertheless. */
  showProblem(problem: DeviceProblem): void {
    this.clearProblem(problem.type);
    const element = document.createElement('div');
    element.className = 'device-problem';
    Object.assign(element.dataset, { source: problem.type, problem: problem.problem });
    const text = document.createElement('p');
    text.textContent = problem.message;
    element.append(text);
    // An insecure address does not become secure by trying again.
    if (problem.problem !== 'insecure') element.append(this.#retryButton(problem.type));
    this.#problems.append(element);
  }

  /** Takes an explanation away, when there is nothing to explain any more. */
  clearProblem(type: MediaType): void {
    for (const element of this.#problems.querySelectorAll(`[data-source="${type}"]`)) element.remove();
  }

  #retryButton(type: MediaType): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet-button';
    button.textContent = 'Try again';
    button.addEventListener('click', () => {
      this.#listener.sourceToggled(type);
    });
    return button;
  }

  readonly #handleSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const [name, room] = [this.#name.value.trim(), this.#room.value.trim()];
    if (!name || !room) {
      this.showError('Please enter your name and a room.');
      return;
    }
    this.showError(undefined);
    this.#listener.joinRequested({ name, room });
  };

  #button(type: (typeof SOURCES)[number]): HTMLButtonElement {
    return byId(`preview-${type}`, HTMLButtonElement);
  }
}
