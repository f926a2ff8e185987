import { MediaError } from '../errors.ts';
import type { Transport } from './transport.ts';

/** Silence is told when it has lasted as long as it may, and not later than after one part more of this many. */
const LOOKS = 4;

/**
 * Calls back once when no RTP has come for so long over a transport that should carry some. RTCP, and padding of RTX, do not count: a client that
 * sends no media still sends those.
 */
export class SilenceWatch {
  readonly #transport: Transport;
  readonly #milliseconds: number;
  readonly #onSilence: () => void;
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;
  #bytes = 0;
  #since = performance.now();

  /** @param seconds that it may be silent. */
  constructor(transport: Transport, seconds: number, onSilence: () => void) {
    this.#transport = transport;
    this.#milliseconds = seconds * 1_000;
    this.#onSilence = onSilence;
    this.#timer = setInterval(() => void this.#look(), this.#milliseconds / LOOKS).unref();
    transport.onClose(() => {
      this.stop();
    });
  }

  /** Also when it has been stopped, or has called back. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const bytes = await this.#received();
    if (this.#isStopped) return;
    if (bytes !== this.#bytes || !this.#transport.isExpectingMedia) {
      this.#bytes = bytes ?? this.#bytes;
      this.#since = performance.now();
    } else if (performance.now() - this.#since >= this.#milliseconds) {
      this.stop();
      this.#onSilence();
    }
  }

  /** @returns the bytes of RTP that have come; `undefined` where the transport is closed in the meantime. */
  async #received(): Promise<number | undefined> {
    try {
      const [stats] = await this.#transport.stats();
      return stats?.rtpBytesReceived;
    } catch (error) {
      if (error instanceof MediaError) return undefined;
      throw error;
    }
  }
}
