import type { BodyInputOf, MediaApi, MediaOperation, PathOf, QueryOf, ResultOf } from '../../shared/media-api.ts';

/** The operations that belong to a room. */
export type RoomOperation = {
  [Operation in MediaOperation]: MediaApi[Operation]['path'] extends `/v1/rooms/${string}` ? Operation : never;
}[MediaOperation];

/** What names the object of an operation inside the room: `{ transport }`, `{ producer }`, `{ consumer }` or nothing. */
export type ObjectOf<Operation extends RoomOperation> = Omit<PathOf<Operation>, 'room' | 'generation'>;

/**
 * The media node as one room sees it.
 *
 * Every method rejects with a `Refusal`: a domain reason where the media node gave one, `media-unavailable` where it could not be reached or
 * did not answer in time. A media node that has lost the room is reported through the room's own recovery, not here.
 */
export interface MediaPlane {
  /** Whether the room has media: false before the first `open`, and after it was closed or lost. */
  readonly isOpen: boolean;
  /** Makes sure that the room is open on the media node. @returns what it can route. */
  open(): Promise<ResultOf<'openRoom'>>;
  call<Operation extends RoomOperation>(
    operation: Operation,
    object: ObjectOf<Operation>,
    body: BodyInputOf<Operation>,
  ): Promise<ResultOf<Operation>>;
  iceServers(query: QueryOf<'iceServers'>): Promise<ResultOf<'iceServers'>>;
}
