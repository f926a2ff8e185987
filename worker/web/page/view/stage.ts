import { displayNameOf } from '../meeting/identity.ts';
import type { MediaType } from '../signaling/messages.ts';
import { byId } from './dom.ts';
import { tileSize } from './layout.ts';
import { Tile, type MediaState } from './tile.ts';

/** From this level on, 0 to 1, somebody speaks and does not only breathe. */
const SPEAKING_LEVEL = 0.02;
/** The mark stays this long, in milliseconds, so that it does not flicker between words. */
const SPEAKING_HOLD = 400;

/** All tiles of a meeting, arranged so that they are as large as they can be. */
export class Stage {
  readonly #stage = byId('stage', HTMLElement);
  readonly #screens = byId('screens', HTMLElement);
  readonly #people = byId('people', HTMLElement);
  readonly #self: string;
  readonly #soundBlocked: () => void;
  readonly #tiles = new Map<string, Tile>();
  readonly #screenTiles = new Map<string, Tile>();
  readonly #spokeAt = new Map<string, number>();
  readonly #resize = new ResizeObserver(() => {
    this.#arrange();
  });

  /**
   * @param self the user of this page, whose tile is there from the beginning.
   * @param soundBlocked called when the browser does not play sound before the person clicks.
   */
  constructor(self: string, soundBlocked: () => void) {
    this.#self = self;
    this.#soundBlocked = soundBlocked;
    this.#resize.observe(this.#screens);
    this.#resize.observe(this.#people);
    this.add(self);
  }

  get count(): number {
    return this.#tiles.size;
  }

  add(user: string): void {
    const tile = this.#createTile(user, 'person');
    this.#tiles.set(user, tile);
    this.#people.append(tile.element);
    this.#arrange();
  }

  remove(user: string): void {
    this.#tiles.get(user)?.remove();
    this.#tiles.delete(user);
    this.#spokeAt.delete(user);
    this.#removeScreen(user);
    this.#arrange();
  }

  /** Takes everybody but this page's own participant away. */
  removeOthers(): void {
    for (const user of [...this.#tiles.keys()]) if (user !== this.#self) this.remove(user);
  }

  /** Shows a track of a participant, or that there is none. */
  showMedia(user: string, type: MediaType, track: MediaStreamTrack | undefined, state: MediaState): void {
    if (type === 'screen') this.#showScreen(user, track, state);
    else this.#tiles.get(user)?.showMedia(type, track, state);
    if (type === 'mic' && track) this.play();
  }

  /** Shows that a participant turned something off or on again. */
  showPaused(user: string, type: MediaType, paused: boolean): void {
    (type === 'screen' ? this.#screenTiles : this.#tiles).get(user)?.showState(type, paused ? 'off' : 'on');
  }

  /** Starts the sound of everybody; to be called again after a click when the browser wanted one. */
  play(): void {
    Promise.all([...this.#tiles.values()].map((tile) => tile.play())).catch((error: unknown) => {
      // The other reasons to reject, a track that was replaced or removed meanwhile, need no action.
      if (error instanceof Error && error.name === 'NotAllowedError') this.#soundBlocked();
    });
  }

  /** Marks who speaks: 0 to 1 for each user. */
  showLevels(levels: ReadonlyMap<string, number>): void {
    const now = performance.now();
    for (const [user, tile] of this.#tiles) {
      if ((levels.get(user) ?? 0) > SPEAKING_LEVEL) this.#spokeAt.set(user, now);
      tile.speaking = now - (this.#spokeAt.get(user) ?? -Infinity) < SPEAKING_HOLD;
    }
  }

  close(): void {
    this.#resize.disconnect();
    for (const user of [...this.#tiles.keys()]) this.remove(user);
  }

  #createTile(user: string, kind: 'person' | 'screen'): Tile {
    return new Tile({ user, kind, name: displayNameOf(user), self: user === this.#self });
  }

  #showScreen(user: string, track: MediaStreamTrack | undefined, state: MediaState): void {
    if (!track) this.#removeScreen(user);
    else (this.#screenTiles.get(user) ?? this.#addScreen(user)).showMedia('screen', track, state);
    this.#arrange();
  }

  #addScreen(user: string): Tile {
    const tile = this.#createTile(user, 'screen');
    this.#screenTiles.set(user, tile);
    this.#screens.append(tile.element);
    return tile;
  }

  #removeScreen(user: string): void {
    this.#screenTiles.get(user)?.remove();
    this.#screenTiles.delete(user);
  }

  #arrange(): void {
    this.#stage.dataset.layout = this.#screenTiles.size > 0 ? 'presentation' : 'grid';
    fit(this.#screens, this.#screenTiles.size);
    fit(this.#people, this.#tiles.size);
  }
}

function fit(area: HTMLElement, count: number): void {
  const { width, height } = tileSize(count, area.clientWidth, area.clientHeight);
  area.style.setProperty('--tile-width', `${width}px`);
  area.style.setProperty('--tile-height', `${height}px`);
}
