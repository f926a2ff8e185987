import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { Env } from '../platform/env.ts';
import { answerToBody } from '../transfer/body.ts';
import { answerRefusal } from '../transfer/refusal.ts';
import { dispositionOf, send } from '../transfer/send.ts';
import { MAX_FORM_BYTES, receiveFile } from './receive.ts';
import { fileKey } from './store.ts';
import { mimeOf } from './type.ts';

/** Files never change, but they are deleted with their room: nobody keeps them much longer. In seconds. */
const MAX_AGE = 300;

/** Upload and download of the files that members share. Pages of any origin may use it: whoever knows an address was given it. */
export const files = new Hono<{ Bindings: Env }>();

files.use(cors({ origin: '*', allowMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'], exposeHeaders: ['content-range', 'accept-ranges'] }));

files.post('/', (context) =>
  answerToBody(context.req.raw, MAX_FORM_BYTES, async (body) => {
    try {
      return context.json(await receiveFile(context.req.raw, body, context.env));
    } catch (error) {
      return answerRefusal(context, error);
    }
  }),
);

files.get('/:life/:id/:name', async (context) => {
  const { life, id, name } = context.req.param();
  const key = fileKey({ life, id }, name);
  const type = mimeOf(name);
  const object = type === undefined ? null : await context.env.FILES.head(key);
  if (type === undefined || !object) return context.json({ code: '404', message: 'no such file' }, 404);
  return send(context.req.raw, context.env.FILES, [{ key, size: object.size }], headersOf(type, name));
});

/** A file came from anybody: it is never run, never guessed at, and of the types that are shown only pictures are shown in place. */
function headersOf(type: string, name: string): Record<string, string> {
  const place = type.startsWith('image/') ? 'inline' : 'attachment';
  return {
    'content-type': type,
    'content-disposition': dispositionOf(place, name),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': `private, max-age=${MAX_AGE}`,
  };
}
