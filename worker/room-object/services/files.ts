import type { RoomId } from '../../../shared/ids.ts';
import { seal } from '../../platform/grants.ts';
import type { Settings } from '../../platform/settings.ts';
import type { FileGrant, RoomFiles } from '../../protocols/services.ts';

/** Lets members of one life of a room share files. */
export class Files implements RoomFiles {
  readonly #room: RoomId;
  readonly #life: string;
  readonly #settings: Settings;
  readonly #granted: () => void;

  /** @param granted is called before an address is given out: from then on there may be files. */
  constructor(room: RoomId, life: string, settings: Settings, granted: () => void) {
    this.#room = room;
    this.#life = life;
    this.#settings = settings;
    this.#granted = granted;
  }

  async grant(origin: string): Promise<FileGrant> {
    this.#granted();
    const grant = await seal(this.#settings, 'files', { room: this.#room, life: this.#life });
    return { uploadUrl: `${origin}/files?grant=${grant}` };
  }
}
