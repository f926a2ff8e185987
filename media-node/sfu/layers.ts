import type { types } from 'mediasoup';
import type { BodyOf } from '../../shared/media-api.ts';
import { translated } from './refusals.ts';

export type Layers = BodyOf<'setConsumerLayers'>;

/**
 * Tells a consumer the highest layers it may send; one without layers does not mind.
 *
 * @throws MediaError `consumer-not-found` when it is closed.
 */
export async function preferLayers(consumer: types.Consumer, { spatialLayer, temporalLayer }: Layers): Promise<void> {
  const layers = { spatialLayer, ...(temporalLayer !== undefined && { temporalLayer }) };
  await translated({ gone: 'consumer-not-found' }, () => consumer.setPreferredLayers(layers));
}
