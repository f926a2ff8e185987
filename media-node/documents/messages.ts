/** What the drawing process tells the media node. */
import { z } from 'zod';

export const DrawingMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened'), pages: z.number().int().min(1) }),
  /** Nothing comes after it. */
  z.object({ type: z.literal('refused'), reason: z.enum(['invalid-document', 'encrypted-document']), message: z.string() }),
  /** The page is in its file; pages come in order. */
  z.object({ type: z.literal('drawn'), page: z.number().int().min(1) }),
  z.object({ type: z.literal('failed'), page: z.number().int().min(1), message: z.string() }),
]);
export type DrawingMessage = z.infer<typeof DrawingMessageSchema>;
