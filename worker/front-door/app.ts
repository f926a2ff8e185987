import { Hono } from 'hono';
import { files } from '../files/routes.ts';
import type { Env } from '../platform/env.ts';
import { logger } from '../platform/logger.ts';
import { entrances } from '../protocols/index.ts';
import type { Door } from '../protocols/protocol.ts';
import { recordings } from '../recordings/routes.ts';
import { tenantApi } from '../tenant-api/routes.ts';
import { SettingsError, settingsOf } from '../platform/settings.ts';
import { isAtHome } from './access.ts';
import { doorOf } from './door.ts';
import { takeUpgrade } from './find-room.ts';
import { takeMediaEvents } from './media-events.ts';
import { isSocketIoPath } from './socket-io/path.ts';
import { takeSocketIo } from './socket-io/take-socket-io.ts';
import { MEDIA_EVENTS_PATH } from '../../shared/media-api.ts';

/** The front door: stateless, it finds out which protocol and which room a request is for and hands it over. */
export const app = new Hono<{ Bindings: Env; Variables: { door: Door } }>();

app.onError((error, context) => {
  if (error instanceof SettingsError) return context.text(`This edge is not set up:\n${error.message}\n`, 500);
  logger.error('request failed', { path: context.req.path, error: String(error) });
  return context.text('Internal error\n', 500);
});

app.use(async (context, next) => {
  if (!isAtHome(settingsOf(context.env), new URL(context.req.url))) {
    return context.text('In development mode this edge answers on loopback addresses only. Set PARLEY_MODE to production.\n', 403);
  }
  if (isSocketIoPath(context.req.path)) return takeSocketIo(context.req.raw, context.env);
  if (context.req.header('upgrade')?.toLowerCase() === 'websocket') return takeUpgrade(context.req.raw, context.env);
  return next();
});

app.get('/healthz', (context) => context.json({ status: 'ok' }));
app.post(MEDIA_EVENTS_PATH, (context) => takeMediaEvents(context.req.raw, context.env));

for (const { name, api = [] } of entrances) {
  for (const { paths, routes } of [api].flat()) {
    for (const path of paths) {
      app.use(`${path}/*`, async (context, next) => {
        context.set('door', doorOf(name, context.env));
        await next();
      });
      app.route(path, routes);
    }
  }
}

app.route('/files', files);
app.route('/recordings', recordings);
app.route('/api/tenant', tenantApi);

app.get('*', (context) => context.env.ASSETS.fetch(context.req.raw));
