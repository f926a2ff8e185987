import { deviceProblemOf, type DeviceProblem } from './media/device-problem.ts';
import { LocalMedia } from './media/local-media.ts';
import { readAddress, showRoomInAddress } from './meeting/address.ts';
import { explain } from './meeting/explain.ts';
import { claimTab, rememberedName, rememberName, userMailOf } from './meeting/identity.ts';
import { Meeting } from './meeting/meeting.ts';
import { forgetStay, rememberStay, stayBeforeReload, type Stay } from './meeting/stay.ts';
import type { MediaType } from './signaling/messages.ts';
import { Lobby, type JoinRequest } from './view/lobby.ts';
import { MeetingView } from './view/meeting-view.ts';
import { clearNotices, showNotice } from './view/notices.ts';

/** The page: a lobby, and a meeting after it. */
export class App {
  readonly #address = readAddress();
  readonly #tab = claimTab();
  readonly #local: LocalMedia;
  readonly #lobby: Lobby;
  readonly #view: MeetingView;
  #meeting: Meeting | undefined;
  #request: JoinRequest | undefined;

  constructor() {
    const sourceToggled = (type: MediaType): void => {
      this.#toggle(type);
    };
    this.#local = new LocalMedia({ sourceChanged: this.#handleSourceChange, sourceEnded: this.#handleSourceEnd });
    this.#lobby = new Lobby(
      { sourceToggled, joinRequested: (request) => void this.#join(request) },
      { name: rememberedName(), room: this.#address.room },
    );
    this.#view = new MeetingView({ sourceToggled, leaveRequested: this.#leave });
    window.addEventListener('pagehide', this.#handlePageHide);
    window.addEventListener('pageshow', this.#handlePageShow);
  }

  /** Shows the lobby, or goes on with the meeting in which the page was reloaded. */
  async start(): Promise<void> {
    const stay = stayBeforeReload();
    forgetStay();
    if (stay) await this.#resume(stay);
    else await this.#showLobby();
  }

  async #showLobby(): Promise<void> {
    this.#lobby.show();
    this.#lobby.showDevicesOpening();
    for (const problem of await this.#local.openAll()) this.#showProblem(problem);
    this.#lobby.showSources(this.#local);
  }

  async #resume({ name, room, mic, webcam }: Stay): Promise<void> {
    const wasOn = { mic, webcam };
    await Promise.all((['mic', 'webcam'] as const).filter((type) => wasOn[type]).map((type) => this.#turnOn(type)));
    await this.#join({ name, room });
  }

  async #join(request: JoinRequest): Promise<void> {
    const { name, room } = request;
    this.#lobby.setBusy(true);
    const caller = { roomName: room, userMail: userMailOf(name, await this.#tab), token: this.#address.token };
    this.#lobby.hide();
    this.#view.show(room);
    this.#view.showBanner('Joining…');
    const meeting = new Meeting(caller, this.#local, this.#view);
    this.#meeting = meeting;
    this.#request = request;
    try {
      await meeting.enter();
      this.#handleJoined(request);
    } catch (error) {
      // Who pressed "leave" meanwhile is in the lobby already.
      if (this.#meeting === meeting) this.#handleRefusal(error);
    }
  }

  #handleJoined({ name, room }: JoinRequest): void {
    this.#view.showBanner(undefined);
    rememberName(name);
    showRoomInAddress(room);
    this.#rememberStay();
  }

  #handleRefusal(error: unknown): void {
    this.#endMeeting();
    this.#lobby.showError(explain(error));
  }

  #rememberStay(): void {
    if (!this.#request) return;
    rememberStay({ ...this.#request, mic: this.#local.source('mic').on, webcam: this.#local.source('webcam').on });
  }

  #endMeeting(): void {
    this.#meeting?.leave();
    this.#meeting = undefined;
    this.#request = undefined;
    forgetStay();
    this.#view.hide();
    this.#lobby.show();
    this.#lobby.showSources(this.#local);
  }

  /** The devices are closed and stay closed until the person wants them again: the camera's light is off after a meeting. */
  readonly #leave = (): void => {
    this.#local.close();
    this.#endMeeting();
    showNotice('You left the meeting.');
  };

  #toggle(type: MediaType): void {
    if (this.#local.source(type).on) this.#local.turnOff(type);
    else void this.#turnOn(type);
  }

  async #turnOn(type: MediaType): Promise<void> {
    try {
      await this.#local.turnOn(type);
      this.#lobby.clearProblem(type);
    } catch (cause) {
      this.#showProblem(deviceProblemOf(type, cause));
    }
  }

  #showProblem(problem: DeviceProblem): void {
    if (!this.#meeting) this.#lobby.showProblem(problem);
    else if (problem.problem === 'cancelled') showNotice(problem.message);
    else showNotice(problem.message, { label: 'Try again', run: () => void this.#turnOn(problem.type) });
  }

  readonly #handleSourceChange = (type: MediaType): void => {
    if (this.#meeting) {
      this.#meeting.sourceChanged(type);
      this.#rememberStay();
    } else {
      this.#lobby.showSources(this.#local);
    }
  };

  /** The browser's own button ends a screen, and a device that is unplugged ends; only the second is news to the person. */
  readonly #handleSourceEnd = (type: MediaType): void => {
    if (type === 'screen') return;
    const device = type === 'mic' ? 'microphone' : 'camera';
    showNotice(`The ${device} was disconnected.`, { label: 'Try again', run: () => void this.#turnOn(type) });
  };

  /** A clean close of the socket tells the others at once. What is remembered of the stay serves the reload. */
  readonly #handlePageHide = (): void => {
    this.#meeting?.leave();
    this.#local.close();
  };

  /** A page that comes back out of the browser's cache has no meeting and no devices any more. */
  readonly #handlePageShow = (event: PageTransitionEvent): void => {
    if (event.persisted) location.reload();
    else clearNotices();
  };
}
