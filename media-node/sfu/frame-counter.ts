import type { types } from 'mediasoup';
import { tracedPacket } from './traces.ts';

/** Counts the pictures of a producer or consumer: packets with the same timestamp are one picture. Only while somebody wants to know, because every packet is told. */
export class FrameCounter {
  readonly #subject: types.Producer | types.Consumer;
  readonly #timestamps = new Map<number, Set<number>>();
  #since = performance.now();
  readonly #onTrace = (trace: types.ProducerTraceEventData | types.ConsumerTraceEventData) => {
    if (trace.type !== 'rtp' && trace.type !== 'keyframe') return;
    const { ssrc, timestamp } = tracedPacket(trace);
    const timestamps = this.#timestamps.get(ssrc) ?? new Set();
    this.#timestamps.set(ssrc, timestamps.add(timestamp));
  };

  constructor(subject: types.Producer | types.Consumer) {
    this.#subject = subject;
    (subject as types.Producer).on('trace', this.#onTrace);
    this.#trace(['rtp']);
  }

  /** Pictures per second since the last time this was asked; of simulcast, of the layer that has most. */
  take(): number {
    const now = performance.now();
    const frames = Math.max(0, ...[...this.#timestamps.values()].map(({ size }) => size));
    const seconds = (now - this.#since) / 1000;
    this.#since = now;
    this.#timestamps.clear();
    return seconds > 0 ? Math.round((frames / seconds) * 10) / 10 : 0;
  }

  stop(): void {
    (this.#subject as types.Producer).off('trace', this.#onTrace);
    this.#trace([]);
  }

  /** Key frames, which are not told as other packets, and reports of producers are of interest to others too. */
  #trace(more: 'rtp'[]): void {
    if (this.#subject.closed) return;
    const subject = this.#subject;
    const tracing =
      'producerId' in subject ? subject.enableTraceEvent(['keyframe', ...more]) : subject.enableTraceEvent(['keyframe', 'sr', ...more]);
    // It may have been closed meanwhile.
    tracing.catch(() => undefined);
  }
}
