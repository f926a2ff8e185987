import type { types } from 'mediasoup-client';
import type { MediaType } from '../signaling/messages.ts';
import type { OwnNotification } from '../signaling/notification-socket.ts';
import type { Source } from './local-media.ts';

/** Three qualities of the camera; the media node forwards to each receiver the one that fits. */
const SIMULCAST: types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const SCREEN_ENCODING: types.RtpEncodingParameters[] = [{ maxBitrate: 2_500_000 }];

/** Kilobits per second to begin with: without it Chromium needs several seconds until it sends the best quality. */
const START_BITRATE = 1_000;

/**
 * Keeps what is sent in step with what is wanted: give it the wanted state of a source and it produces, pauses, resumes, replaces or
 * removes, and tells the others.
 */
export class Sender {
  readonly #transport: types.Transport;
  readonly #source: (type: MediaType) => Source;
  readonly #notify: (method: OwnNotification, type: MediaType) => void;
  readonly #producers = new Map<MediaType, types.Producer>();
  /** The changes of one type are made one after the other. */
  readonly #queues = new Map<MediaType, Promise<void>>();

  constructor(transport: types.Transport, source: (type: MediaType) => Source, notify: (method: OwnNotification, type: MediaType) => void) {
    this.#transport = transport;
    this.#source = source;
    this.#notify = notify;
  }

  /** Brings one type into its wanted state. @throws CallError when the server refused or cannot be reached. */
  update(type: MediaType): Promise<void> {
    const before = this.#queues.get(type) ?? Promise.resolve();
    // Who asked for the change before this one has already been told of its failure.
    const update = before.catch(() => undefined).then(() => this.#update(type));
    this.#queues.set(type, update);
    return update;
  }

  /** Tells what was paused before anybody could be told. */
  tellPaused(): void {
    for (const [type, producer] of this.#producers) if (producer.paused) this.#notify('producerPaused', type);
  }

  /** Tells the state of everything again, after a time in which notifications may have been lost. */
  tellEverything(): void {
    this.tellPaused();
    for (const [type, producer] of this.#producers) if (!producer.paused) this.#notify('producerResumed', type);
    // Only the end of a shared screen removes a producer; the server ignores the removal of what is not there.
    if (!this.#producers.has('screen')) this.#notify('producerRemoved', 'screen');
  }

  /** How loud the own microphone is, 0 to 1. */
  async level(): Promise<number> {
    const producer = this.#producers.get('mic');
    if (!producer || producer.paused || producer.closed) return 0;
    let level = 0;
    (await producer.getStats()).forEach((entry: { type: string; audioLevel?: number }) => {
      if (entry.type === 'media-source') level = entry.audioLevel ?? 0;
    });
    return level;
  }

  async #update(type: MediaType): Promise<void> {
    if (this.#transport.closed) return;
    const source = this.#source(type);
    const producer = this.#producers.get(type);
    if (producer) await this.#change(type, producer, source);
    else if (source.on && source.track) await this.#produce(type, source.track);
  }

  async #change(type: MediaType, producer: types.Producer, { track, on }: Source): Promise<void> {
    if (type === 'screen' && !on) {
      this.#producers.delete(type);
      producer.close();
      this.#notify('producerRemoved', type);
      return;
    }
    if (producer.paused !== on && producer.track === (track ?? null)) return;
    if (!on) producer.pause();
    await producer.replaceTrack({ track: track ?? null });
    if (on) producer.resume();
    this.#notify(on ? 'producerResumed' : 'producerPaused', type);
  }

  async #produce(type: MediaType, track: MediaStreamTrack): Promise<void> {
    const producer = await this.#transport.produce({ track, stopTracks: false, appData: { type }, ...encodingOf(type) });
    this.#producers.set(type, producer);
    // The person may have changed their mind while the server was asked.
    const { on, track: wanted } = this.#source(type);
    if (!on || wanted !== track) await this.#change(type, producer, { on, track: wanted });
  }
}

function encodingOf(type: MediaType): types.ProducerOptions {
  switch (type) {
    case 'mic':
      return { codecOptions: { opusFec: true } };
    case 'webcam':
      return { encodings: SIMULCAST, codecOptions: { videoGoogleStartBitrate: START_BITRATE } };
    case 'screen':
      return { encodings: SCREEN_ENCODING, codecOptions: { videoGoogleStartBitrate: START_BITRATE } };
  }
}
