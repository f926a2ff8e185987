import type { types } from 'mediasoup';
import type { Source } from '../recording/source.ts';
import { translated } from './refusals.ts';
import type { Taps } from './taps.ts';
import { senderReport } from './traces.ts';

/** A producer as something that can be recorded. */
export function sourceOf(producer: types.Producer, router: types.Router, taps: Taps): Source {
  const { mimeType = '', clockRate = 1, channels = 1 } = producer.rtpParameters.codecs[0] ?? {};
  return {
    kind: producer.kind,
    mimeType,
    clockRate,
    channels,
    open: (onPacket, onReport) =>
      translated({ gone: 'producer-not-found' }, async () => {
        const onTrace = (trace: types.ProducerTraceEventData) => {
          // mediasoup gives the layers of simulcast timestamps of its own.
          if (trace.type === 'sr' && producer.type !== 'simulcast') onReport(senderReport(trace));
        };
        await producer.enableTraceEvent(['keyframe', 'sr']);
        const tap = await taps.open(producer, router, onPacket);
        producer.on('trace', onTrace);
        return {
          requestKeyFrame: () => {
            if (!tap.consumer.closed) tap.consumer.requestKeyFrame().catch(() => undefined);
          },
          close: () => {
            producer.off('trace', onTrace);
            tap.close();
          },
        };
      }),
  };
}
