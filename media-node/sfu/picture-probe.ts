import type { types } from 'mediasoup';
import { formatOf, pictureSizeIn } from '../rtp/formats.ts';
import type { PictureSize } from '../rtp/video-format.ts';
import type { Layers } from './layers.ts';
import type { Tap, Taps } from './taps.ts';

/** A client answers a request for a key frame sooner; where it does not, its next one is looked at. */
const LONGEST_LOOK_MS = 5_000;

/** The highest encoding of simulcast that arrives, counted from 0. */
export function highestEncoding(producer: types.Producer): number {
  const scores = producer.score.filter(({ score }) => score > 0).map(({ encodingIdx }) => encodingIdx);
  return scores.length > 0 ? Math.max(...scores) : (producer.rtpParameters.encodings?.length ?? 1) - 1;
}

/** How large pictures are, and in which encoding they came, counted from 0. */
export interface SeenPicture extends PictureSize {
  readonly layer: number;
}

/**
 * Looks at a producer until a key frame has told how large its pictures are. It waits as long as nothing arrives, and only a short time from then on.
 *
 * @param layers which of simulcast are meant; the highest ones when left out.
 * @returns `undefined` when it did not find out.
 */
export async function probePicture(
  taps: Taps,
  producer: types.Producer,
  router: types.Router,
  layers?: Layers,
): Promise<SeenPicture | undefined> {
  const format = formatOf(producer.rtpParameters.codecs[0]?.mimeType ?? '');
  if (format === undefined) return undefined;
  let largest: SeenPicture | undefined;
  let tap: Tap | undefined;
  let timer: NodeJS.Timeout | undefined;
  const isHighest = () => {
    if (tap === undefined || producer.type !== 'simulcast') return true;
    return tap.consumer.currentLayers?.spatialLayer === (layers?.spatialLayer ?? highestEncoding(producer));
  };
  await new Promise<void>((resolve, reject) => {
    const look = (payload: Buffer) => {
      timer ??= setTimeout(resolve, LONGEST_LOOK_MS);
      const size = pictureSizeIn(format, payload);
      if (size === undefined) return;
      // On the way to the wanted layer of simulcast there may be others.
      largest = { ...size, layer: tap?.consumer.currentLayers?.spatialLayer ?? 0 };
      if (isHighest()) resolve();
    };
    producer.observer.once('close', resolve);
    taps
      .open(
        producer,
        router,
        ({ payload }) => {
          look(payload);
        },
        layers,
      )
      .then((opened) => {
        tap = opened;
        if (producer.closed) resolve();
      }, reject);
  }).finally(() => {
    clearTimeout(timer);
    tap?.close();
  });
  return largest;
}
