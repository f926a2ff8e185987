import { MediaError } from '../errors.ts';
import type { Handlers } from './call.ts';

function notYet(): never {
  throw new MediaError('internal', 'this media node cannot negotiate by SDP yet');
}

export function connectionHandlers(): Pick<
  Handlers,
  'answerOffer' | 'createOffer' | 'completeOffer' | 'attachProducer' | 'detachProducer' | 'connectionStats' | 'closeConnection'
> {
  return {
    answerOffer: notYet,
    createOffer: notYet,
    completeOffer: notYet,
    attachProducer: notYet,
    detachProducer: notYet,
    connectionStats: notYet,
    closeConnection: notYet,
  };
}
