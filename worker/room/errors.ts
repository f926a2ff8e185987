/** Why the room refuses a command. Each protocol translates these into its own words in its `errors.ts`. */
export type RefusalReason =
  | 'room-not-found'
  | 'room-full'
  | 'participant-not-found'
  | 'already-joined'
  | 'publication-not-found'
  | 'stream-not-found'
  /** The name or the id of a stream is taken. */
  | 'stream-exists'
  /** Somebody else has the floor. */
  | 'floor-taken'
  | 'floor-not-held'
  | 'cannot-subscribe'
  | 'already-connected'
  | 'invalid-media-parameters'
  | 'superseded'
  | 'media-unavailable';

/** A refused command: nothing was changed. `detail` is for people, `reason` for code. */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  readonly detail: string | undefined;

  constructor(reason: RefusalReason, detail?: string) {
    super(detail === undefined ? reason : `${reason}: ${detail}`);
    this.name = 'Refusal';
    this.reason = reason;
    this.detail = detail;
  }
}
