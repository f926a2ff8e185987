import type { types } from 'mediasoup-client';
import { kindOf, type ConsumerOffer, type MediaType } from '../signaling/messages.ts';

/** Packets of a producer that is not paused come at least this often, in milliseconds; a shared screen is the exception. */
const LONGEST_SILENCE = 1_000;

export interface ReceiverListener {
  /** Media of a participant is there; `paused` when the participant has it turned off. */
  readonly started: (user: string, type: MediaType, track: MediaStreamTrack, paused: boolean) => void;
  readonly stopped: (user: string, type: MediaType) => void;
  readonly paused: (user: string, type: MediaType, paused: boolean) => void;
  /** What a participant sends cannot be received. */
  readonly failed: (user: string, type: MediaType, id: string, error: unknown) => void;
}

/** Asks the server for a consumer of a producer. */
export type AskForConsumer = (user: string, producerId: string) => Promise<ConsumerOffer>;

/** One producer of another participant, from the wish to receive it on. */
interface Reception {
  readonly user: string;
  readonly type: MediaType;
  readonly id: string;
  consumer: types.Consumer | undefined;
  /** The last word of a notification; `undefined` while there was none, when the server's answer counts. */
  paused: boolean | undefined;
}

/** Receives what the others send: one consumer for each of their producers. */
export class Receiver {
  readonly #transport: types.Transport;
  readonly #ask: AskForConsumer;
  readonly #listener: ReceiverListener;
  /** By producer id. */
  readonly #receptions = new Map<string, Reception>();

  constructor(transport: types.Transport, ask: AskForConsumer, listener: ReceiverListener) {
    this.#transport = transport;
    this.#ask = ask;
    this.#listener = listener;
  }

  start(user: string, type: MediaType, id: string): void {
    const reception: Reception = { user, type, id, consumer: undefined, paused: undefined };
    this.#receptions.set(id, reception);
    this.#receive(reception).catch((error: unknown) => {
      // The producer may be gone by the time the server is asked for it; that is no failure.
      if (!this.#isWanted(reception)) return;
      this.#receptions.delete(id);
      this.#listener.failed(user, type, id, error);
    });
  }

  stop(user: string, type: MediaType, id: string): void {
    const reception = this.#receptions.get(id);
    if (!reception) return;
    this.#receptions.delete(id);
    reception.consumer?.close();
    if (reception.consumer) this.#listener.stopped(user, type);
  }

  setPaused(user: string, type: MediaType, paused: boolean): void {
    for (const reception of this.#receptions.values()) {
      if (reception.user === user && reception.type === type) this.#setPaused(reception, paused);
    }
  }

  /** Finds out what is paused from the packets that arrive, after a time in which notifications may have been lost. */
  guessPaused(): void {
    for (const reception of this.#receptions.values()) {
      const receiver = reception.consumer?.rtpReceiver;
      if (!receiver || reception.type === 'screen') continue;
      const newest = Math.max(0, ...receiver.getSynchronizationSources().map((source) => source.timestamp));
      this.#setPaused(reception, performance.timeOrigin + performance.now() - newest > LONGEST_SILENCE);
    }
  }

  /** How loud each participant is, 0 to 1. */
  levels(): Map<string, number> {
    const levels = new Map<string, number>();
    for (const { user, type, consumer, paused } of this.#receptions.values()) {
      if (type !== 'mic' || !consumer?.rtpReceiver) continue;
      const sources = paused === true ? [] : consumer.rtpReceiver.getSynchronizationSources();
      levels.set(user, Math.max(0, ...sources.map((source) => source.audioLevel ?? 0)));
    }
    return levels;
  }

  async #receive(reception: Reception): Promise<void> {
    const { user, type, id } = reception;
    const offer = await this.#ask(user, id);
    if (!this.#isWanted(reception)) return;
    const consumer = await this.#transport.consume({
      id: offer.id,
      producerId: id,
      kind: kindOf(type),
      rtpParameters: offer.rtpParameters,
    });
    if (!this.#isWanted(reception)) {
      consumer.close();
      return;
    }
    reception.consumer = consumer;
    reception.paused ??= offer.producerPaused;
    this.#listener.started(user, type, consumer.track, reception.paused);
  }

  #isWanted(reception: Reception): boolean {
    return this.#receptions.get(reception.id) === reception && !this.#transport.closed;
  }

  #setPaused(reception: Reception, paused: boolean): void {
    if (reception.paused === paused) return;
    reception.paused = paused;
    if (reception.consumer) this.#listener.paused(reception.user, reception.type, paused);
  }
}
