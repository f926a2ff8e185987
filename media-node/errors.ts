import type { MediaErrorReason } from '../shared/media-api.ts';

/** A call that is refused for a reason its caller can act on. The HTTP layer turns it into status and body; everything else is a bug. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly reason: MediaErrorReason;

  /**
   * @param reason one of the closed list of the contract.
   * @param message says what was wrong, for the log of the caller; never contains a secret.
   */
  constructor(reason: MediaErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
