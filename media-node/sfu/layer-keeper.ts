import type { types } from 'mediasoup';
import { chooseLayersAnew } from './layers.ts';

/** Who has been without the right layer for one look is helped at the next one. */
const PAUSE_MS = 1_500;

/** With one of these in its packets, mediasoup has an estimate of what a viewer can receive, and chooses lower layers for good reason. */
const ESTIMATE_URIS: ReadonlySet<string> = new Set([
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
]);

/**
 * Sees to it that everybody who watches simulcast gets a layer that flows. mediasoup chooses anew when a layer starts or stops, but cannot take
 * every layer before its sender reports have come, and does not look again when they have: a viewer would keep a lower layer than it could have,
 * or none at all.
 */
export class LayerKeeper {
  readonly #consumers = new Set<types.Consumer>();
  #astray: ReadonlySet<types.Consumer> = new Set();
  #timer: NodeJS.Timeout | undefined;

  /** Looks after a consumer until it is closed. */
  add(consumer: types.Consumer): void {
    if (consumer.type !== 'simulcast') return;
    this.#consumers.add(consumer);
    this.#timer ??= setInterval(() => {
      this.#look();
    }, PAUSE_MS);
    consumer.observer.once('close', () => {
      this.#consumers.delete(consumer);
      if (this.#consumers.size === 0) this.#stop();
    });
  }

  #look(): void {
    const astray = new Set([...this.#consumers].filter(isAstray));
    for (const consumer of astray) if (this.#astray.has(consumer)) chooseLayersAnew(consumer);
    this.#astray = astray;
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether a consumer sends another layer than it should. */
function isAstray({ paused, producerPaused, score, preferredLayers, currentLayers, rtpParameters }: types.Consumer): boolean {
  if (paused || producerPaused) return false;
  const flowing = score.producerScores.flatMap((one, layer) => (one > 0 ? [layer] : []));
  const [lowest] = flowing;
  if (lowest === undefined) return false;
  if (rtpParameters.headerExtensions?.some(({ uri }) => ESTIMATE_URIS.has(uri))) return currentLayers === undefined;
  const wanted = flowing.findLast((layer) => layer <= (preferredLayers?.spatialLayer ?? Infinity)) ?? lowest;
  return currentLayers?.spatialLayer !== wanted;
}
