import type { types } from 'mediasoup';
import type { RtpCapabilities } from '../../shared/rtp.ts';
import { MediaError } from '../errors.ts';
import type { ConnectionRoom } from './connection.ts';
import { preferLayers } from './layers.ts';
import type { Layers } from './layers.ts';
import type { Transport } from './transport.ts';

/** What a client is sent in one section: one consumer at a time, each in the place of the one before. */
export class Downlink {
  readonly #room: ConnectionRoom;
  readonly #mid: string;
  #attached: { readonly producer: string; readonly consumer: types.Consumer } | undefined;
  #isPaused = false;
  #layers: Layers | undefined;

  constructor(room: ConnectionRoom, mid: string) {
    this.#room = room;
    this.#mid = mid;
  }

  /** The room's id of the producer, and what carries it to the client; `undefined` where nothing does. */
  get attached(): { readonly producer: string; readonly consumer: types.Consumer } | undefined {
    return this.#attached?.consumer.closed === false ? this.#attached : undefined;
  }

  /** @throws MediaError `producer-not-found`, `cannot-consume`; then what was attached before stays. */
  async attach(transport: Transport, producer: string, rtpCapabilities: RtpCapabilities): Promise<void> {
    if (this.attached?.producer === producer) return;
    const consumer = await this.#room.consume(transport, { producer, rtpCapabilities, paused: this.#isPaused, mid: this.#mid });
    this.detach();
    this.#attached = { producer, consumer };
    if (this.#layers !== undefined) await preferLayers(consumer, this.#layers);
  }

  /**
   * For producers that a plan names: one that has just ended, or that the client cannot decode, leaves the section as it is, and the rest of the
   * negotiation goes on.
   */
  async attachIfPossible(transport: Transport, producer: string, rtpCapabilities: RtpCapabilities): Promise<void> {
    try {
      await this.attach(transport, producer, rtpCapabilities);
    } catch (error) {
      if (!(error instanceof MediaError) || !['producer-not-found', 'cannot-consume'].includes(error.reason)) throw error;
    }
  }

  detach(): void {
    this.#attached?.consumer.close();
    this.#attached = undefined;
  }

  /** Stops what is attached, and whatever takes its place later, or lets it go on with a new key frame. */
  async setPaused(isPaused: boolean): Promise<void> {
    this.#isPaused = isPaused;
    const consumer = this.attached?.consumer;
    await (isPaused ? consumer?.pause() : consumer?.resume());
  }

  /** The highest layers that are sent of what is attached, and of whatever takes its place later. */
  async setLayers(layers: Layers): Promise<void> {
    this.#layers = layers;
    if (this.attached !== undefined) await preferLayers(this.attached.consumer, layers);
  }
}
