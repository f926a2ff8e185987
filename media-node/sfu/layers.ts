import type { types } from 'mediasoup';
import type { BodyOf } from '../../shared/media-api.ts';
import { translated } from './refusals.ts';

export type Layers = BodyOf<'setConsumerLayers'>;

/** What each consumer was last told; it says so itself only a moment later. */
const told = new WeakMap<types.Consumer, types.ConsumerLayers>();

/**
 * Tells a consumer the highest layers it may send; one without layers does not mind.
 *
 * @throws MediaError `consumer-not-found` when it is closed.
 */
export async function preferLayers(consumer: types.Consumer, { spatialLayer, temporalLayer }: Layers): Promise<void> {
  const layers = { spatialLayer, ...(temporalLayer !== undefined && { temporalLayer }) };
  told.set(consumer, layers);
  await translated({ gone: 'consumer-not-found' }, () => consumer.setPreferredLayers(layers));
}

/** Lets mediasoup choose among the layers that flow once more, which it does when others are preferred than before. */
export function chooseLayersAnew(consumer: types.Consumer): void {
  const layers = told.get(consumer) ?? consumer.preferredLayers;
  if (layers === undefined) return;
  const others = { ...layers, spatialLayer: layers.spatialLayer === 0 ? 1 : layers.spatialLayer - 1 };
  // Orders are carried out in this order. The consumer may be closed meanwhile.
  for (const each of [others, layers]) consumer.setPreferredLayers(each).catch(() => undefined);
}
