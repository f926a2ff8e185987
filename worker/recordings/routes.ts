import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { Env } from '../platform/env.ts';
import { answerToBody } from '../transfer/body.ts';
import { answerRefusal } from '../transfer/refusal.ts';
import { MAX_PART_BODY_BYTES, readProgress, receivePart } from './receive.ts';

/** Where whoever records brings the recording to. Browsers do so from pages of any origin; the grant in the address is what counts. */
export const recordings = new Hono<{ Bindings: Env }>();

recordings.use(cors({ origin: '*', allowMethods: ['GET', 'POST', 'PUT', 'OPTIONS'] }));

recordings.on(['POST', 'PUT'], '/', (context) =>
  answerToBody(context.req.raw, MAX_PART_BODY_BYTES, async (body) => {
    try {
      return context.json(await receivePart(context.req.raw, body, context.env));
    } catch (error) {
      return answerRefusal(context, error);
    }
  }),
);

recordings.get('/', async (context) => {
  try {
    return context.json(await readProgress(context.req.raw, context.env));
  } catch (error) {
    return answerRefusal(context, error);
  }
});
