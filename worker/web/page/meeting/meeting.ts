import type { LocalMedia } from '../media/local-media.ts';
import type { MediaType } from '../signaling/messages.ts';
import type { Caller } from '../signaling/room-api.ts';
import { announce, clearNotices, showNotice } from '../view/notices.ts';
import { Stage } from '../view/stage.ts';
import type { MeetingView } from '../view/meeting-view.ts';
import { explain } from './explain.ts';
import { displayNameOf } from './identity.ts';
import { OWN_TYPES, Session, type SessionEnd, type SessionListener } from './session.ts';

/** The waits before the attempts of one rejoin, in milliseconds: about a minute, in which a server is restarted and a network found. */
const REJOIN_DELAYS = [300, 1_000, 2_000, 4_000, ...Array.from({ length: 10 }, () => 5_000)];
/** A session that ends sooner than this, in milliseconds, after a rejoin is not rejoined again without asking. */
const STABLE_AFTER = 20_000;
/** Often enough, in milliseconds, to catch a syllable: a level is that of one packet. */
const LEVELS_EVERY = 70;

/** A meeting as the person sees it: it outlives a session that the server or the network ended. */
export class Meeting {
  readonly #caller: Caller;
  readonly #local: LocalMedia;
  readonly #view: MeetingView;
  readonly #stage: Stage;
  readonly #levels: ReturnType<typeof setInterval>;
  #session: Session | undefined;
  #rejoinedAt = -Infinity;
  #left = false;

  /** Shows the meeting; `enter` enters it. */
  constructor(caller: Caller, local: LocalMedia, view: MeetingView) {
    this.#caller = caller;
    this.#local = local;
    this.#view = view;
    this.#stage = new Stage(caller.userMail, this.#handleBlockedSound);
    this.#levels = setInterval(() => void this.#showLevels(), LEVELS_EVERY);
    this.sourceChanged();
    this.#showCount();
  }

  /** Enters the room. @throws CallError when the room cannot be entered. */
  async enter(): Promise<void> {
    const session = await Session.join(this.#caller, this.#local, this.#listener);
    if (this.#left) {
      session.close();
      return;
    }
    this.#session = session;
    // What the person turned on or off while the session was being made.
    for (const type of OWN_TYPES) void session.updateSource(type);
  }

  /** Shows the own sources and, when one type is named, brings what is sent into step with it. */
  sourceChanged(type?: MediaType): void {
    this.#view.showSources(this.#local, this.#caller.userMail, this.#stage);
    if (type) void this.#session?.updateSource(type);
  }

  /** Leaves the room. May be called twice. */
  leave(): void {
    this.#left = true;
    clearInterval(this.#levels);
    this.#session?.close();
    this.#stage.close();
    clearNotices();
  }

  readonly #handleEnd = ({ cause, text }: SessionEnd): void => {
    this.#session = undefined;
    clearNotices();
    this.#stage.removeOthers();
    this.#showCount();
    const isStable = performance.now() - this.#rejoinedAt > STABLE_AFTER;
    if (cause === 'ended-by-server' || !isStable) this.#offerRejoin(text);
    else void this.#rejoin(text);
  };

  async #rejoin(text: string): Promise<void> {
    this.#view.showBanner(`${text} Joining again…`);
    for (const delay of REJOIN_DELAYS) {
      // Not all at the same moment: everybody in the room may have lost it at once.
      await new Promise((resolve) => setTimeout(resolve, delay * (0.5 + Math.random())));
      if (this.#left) return;
      try {
        await this.enter();
        this.#rejoinedAt = performance.now();
        this.#view.showBanner(undefined);
        return;
      } catch (error) {
        text = explain(error);
      }
    }
    this.#offerRejoin(text);
  }

  #offerRejoin(text: string): void {
    this.#view.showBanner('You are not in the room at the moment.');
    showNotice(text, { label: 'Join again', run: () => void this.#rejoin('') });
  }

  async #showLevels(): Promise<void> {
    const levels = await this.#session?.levels();
    if (levels && !this.#left) this.#stage.showLevels(levels);
  }

  #showCount(): void {
    this.#view.showCount(this.#stage.count);
  }

  readonly #handleBlockedSound = (): void => {
    showNotice('Your browser does not play sound before you click.', {
      label: 'Play sound',
      run: () => {
        this.#stage.play();
      },
    });
  };

  readonly #listener: SessionListener = {
    participantJoined: (user) => {
      this.#stage.add(user);
      this.#showCount();
      announce(`${displayNameOf(user)} is here.`);
    },
    participantLeft: (user) => {
      this.#stage.remove(user);
      this.#showCount();
      announce(`${displayNameOf(user)} has left.`);
    },
    mediaStarted: (user, type, track, paused) => {
      this.#stage.showMedia(user, type, track, paused ? 'off' : 'on');
    },
    mediaStopped: (user, type) => {
      this.#stage.showMedia(user, type, undefined, 'none');
    },
    mediaPaused: (user, type, paused) => {
      this.#stage.showPaused(user, type, paused);
    },
    interrupted: () => {
      this.#view.showBanner('The connection to the server was interrupted. Trying again…');
    },
    restored: () => {
      this.#view.showBanner(undefined);
    },
    problem: (text, retry) => {
      showNotice(text, { label: 'Try again', run: retry });
    },
    ended: this.#handleEnd,
  };
}
