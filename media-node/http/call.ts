/** The types that tie each endpoint of the contract to its handler. */
import { z } from 'zod';
import { MediaIdSchema, RoomIdSchema } from '../../shared/ids.ts';
import { ConnectionIdSchema, MidSchema } from '../../shared/sdp.ts';
import type { BodyOf, MediaOperation, PathOf, QueryOf, ResultOf } from '../../shared/media-api.ts';

const CountingNumberSchema = z
  .string()
  .regex(/^[1-9]\d{0,14}$/u, 'must be a whole number from 1')
  .transform(Number);

/** What may stand in a path, by the name behind the colon. */
export const PATH_SCHEMAS = {
  room: RoomIdSchema,
  generation: CountingNumberSchema,
  transport: MediaIdSchema,
  producer: MediaIdSchema,
  consumer: MediaIdSchema,
  connection: ConnectionIdSchema,
  mid: MidSchema,
  recording: MediaIdSchema,
  document: MediaIdSchema,
  page: CountingNumberSchema,
};
export type PathName = keyof typeof PATH_SCHEMAS;

export type PathValues<Operation extends MediaOperation> = {
  readonly [Name in keyof PathOf<Operation>]: Name extends PathName ? z.output<(typeof PATH_SCHEMAS)[Name]> : never;
};

/** A call that was signed and whose every part has been checked. */
export interface Call<Operation extends MediaOperation> {
  readonly path: PathValues<Operation>;
  readonly query: QueryOf<Operation>;
  readonly body: BodyOf<Operation>;
}

/** One handler for each endpoint. A handler throws `MediaError` to refuse; anything else that it throws is a bug and answered with 500. */
export type Handlers = {
  readonly [Operation in MediaOperation]: (call: Call<Operation>) => ResultOf<Operation> | Promise<ResultOf<Operation>>;
};
