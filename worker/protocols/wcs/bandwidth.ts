import type { ConsumerStatistics } from '../../../shared/media-api.ts';

/** Seconds over which a player's line is judged. */
const WINDOW = 5;

/** Seconds until a player is told again. */
const PAUSE = 15;

/** What loses more than this is too much for its line; up to there senders do not slow down either (draft-ietf-rmcat-gcc-02, section 6). */
const TOLERABLE_LOSS = 0.1;

/** What a line is to carry and what gets through, in bits per second. */
export interface Shortage {
  readonly stream: number;
  readonly available: number;
}

type Measured = Pick<ConsumerStatistics, 'consumer' | 'sourceBitrate' | 'packetsSent' | 'packetsLost'>;

/** Judges by what is lost whether the line of one player is wide enough: players of this protocol report no estimate of their own. */
export class Bandwidth {
  /** In order; all of one consumer, whose counts begin anew where something else is sent. */
  #window: readonly Measured[] = [];
  #pause = 0;

  /** @param measured the measurement of this second. @returns what is missing, when the player should be told. */
  take(measured: Measured): Shortage | undefined {
    this.#pause -= 1;
    this.#window = [...this.#window.filter(({ consumer }) => consumer === measured.consumer), measured].slice(-WINDOW - 1);
    if (this.#window.length <= WINDOW || this.#pause > 0) return undefined;
    const loss = lossIn(this.#window);
    if (loss <= TOLERABLE_LOSS) return undefined;
    this.#pause = PAUSE;
    const stream = mean(this.#window.map(({ sourceBitrate }) => sourceBitrate));
    return { stream: Math.round(stream), available: Math.round(stream * (1 - loss)) };
  }
}

/** The part that did not arrive, not even when it was repeated. What arrives late makes the count of what is lost smaller again. */
function lossIn(window: readonly Measured[]): number {
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last) return 0;
  const sent = last.packetsSent - first.packetsSent;
  return sent > 0 ? Math.min(1, Math.max(0, last.packetsLost - first.packetsLost) / sent) : 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
