import type { z } from 'zod';

/**
 * What mediasoup gives out, as the contract describes it: fields that the contract does not know are dropped, and so are those that
 * mediasoup spells out as `undefined`.
 *
 * @throws ZodError when mediasoup gave out something that the contract does not allow, which is a bug.
 */
export function toContract<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  return schema.parse(JSON.parse(JSON.stringify(value)));
}
