import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { MediaEvent } from '../../shared/media-api.ts';

const INTERVAL_MS = 800;
const QUIETEST_AUDIBLE_DBVO = -70;
/** Nobody can follow more voices; the loudest ones count. */
const MAX_AUDIBLE = 16;

export type AudioLevels = Extract<MediaEvent, { type: 'audio-levels' }>['levels'];

interface AudibleProducersEvents {
  /** The set of audible producers is another one than before. */
  change: [AudioLevels];
}

/** Knows whose voice is to be heard in a room. Levels alone change all the time and are not worth an event. */
export class AudibleProducers extends EventEmitter<AudibleProducersEvents> {
  readonly #observer: types.AudioLevelObserver;
  #audible = '';

  static async create(router: types.Router): Promise<AudibleProducers> {
    const options = { interval: INTERVAL_MS, threshold: QUIETEST_AUDIBLE_DBVO, maxEntries: MAX_AUDIBLE };
    return new AudibleProducers(await router.createAudioLevelObserver(options));
  }

  private constructor(observer: types.AudioLevelObserver) {
    super();
    this.#observer = observer;
    observer.on('volumes', (volumes) => {
      this.#update(volumes.map(({ producer, volume }) => ({ producer: producer.id, volume: Math.round(volume) })));
    });
    observer.on('silence', () => {
      this.#update([]);
    });
  }

  /** Listens to an audio producer until it is closed. */
  async add(producerId: string): Promise<void> {
    await this.#observer.addProducer({ producerId });
  }

  #update(levels: AudioLevels): void {
    const audible = levels
      .map(({ producer }) => producer)
      .sort()
      .join();
    if (audible === this.#audible) return;
    this.#audible = audible;
    this.emit('change', levels);
  }
}
