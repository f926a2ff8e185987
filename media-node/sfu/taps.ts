import type { types } from 'mediasoup';
import { parsePacket } from '../rtp/packet.ts';
import type { RtpPacket } from '../rtp/packet.ts';
import type { Layers } from './layers.ts';
import { preferLayers } from './layers.ts';

/** One producer's packets while somebody in the media node looks at them. */
export interface Tap {
  readonly consumer: types.Consumer;
  close(): void;
}

/** Lets the media node look at what producers of a room send. Every packet costs time of the one thread that answers calls, so a look is short. */
export class Taps {
  readonly #transports = new Map<string, Promise<types.DirectTransport>>();

  /**
   * Opens a tap; the producer is asked for a key frame.
   *
   * @param router the one in which the producer is.
   * @param layers of simulcast; the highest there are when left out.
   * @throws Error of mediasoup when the producer or the room is closed meanwhile.
   */
  async open(producer: types.Producer, router: types.Router, onPacket: (packet: RtpPacket) => void, layers?: Layers): Promise<Tap> {
    const transport = await this.#transport(router);
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, paused: true });
    consumer.on('rtp', (bytes) => {
      const packet = parsePacket(bytes);
      if (packet !== undefined) onPacket(packet);
    });
    if (layers !== undefined) await preferLayers(consumer, layers);
    await consumer.resume();
    return {
      consumer,
      close: () => {
        consumer.close();
      },
    };
  }

  #transport(router: types.Router): Promise<types.DirectTransport> {
    const known = this.#transports.get(router.id);
    if (known !== undefined) return known;
    const opening = router.createDirectTransport();
    this.#transports.set(router.id, opening);
    opening.catch(() => this.#transports.delete(router.id));
    return opening;
  }
}
