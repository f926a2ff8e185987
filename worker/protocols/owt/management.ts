import { z } from 'zod';

/** What the front door asks the room object for an administrator. */
export const ManagementCallSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('room') }),
  z.object({ type: z.literal('participants') }),
  z.object({ type: z.literal('participant'), id: z.string() }),
  z.object({ type: z.literal('expel'), id: z.string() }),
  z.object({ type: z.literal('streams') }),
  z.object({ type: z.literal('stream'), id: z.string() }),
]);
export type ManagementCall = z.infer<typeof ManagementCallSchema>;

const ManagementResultSchema = z.object({ status: z.literal([200, 404]), body: z.looseObject({}).or(z.array(z.unknown())) });
/** An HTTP status and what is to be answered with it, as JSON. */
export interface ManagementResult {
  readonly status: 200 | 404;
  readonly body: object;
}

export function readManagementResult(json: string): ManagementResult {
  return ManagementResultSchema.parse(JSON.parse(json));
}
