import { type Context, Hono } from 'hono';
import { auth } from 'hono/utils/basic-auth';
import type { z } from 'zod';
import { roomNameOf } from '../../shared/ids.ts';
import { mediaApi } from '../../shared/media-api.ts';
import { addressOf, pageAddresses } from '../files/receive.ts';
import { FileStore } from '../files/store.ts';
import type { Env } from '../platform/env.ts';
import { logger } from '../platform/logger.ts';
import { MediaClient } from '../platform/media-client.ts';
import { momentOf, type Page, PageQuerySchema } from '../platform/paging.ts';
import { settingsOf } from '../platform/settings.ts';
import { sendRecording } from '../recordings/download.ts';
import { type RecordingRow, RecordingStore } from '../recordings/store.ts';
import { tenantsOf } from '../tenants/tenants.ts';
import { UsageStore } from '../usage/store.ts';

interface Environment {
  Bindings: Env;
  Variables: {
    /** Code of the tenant that asks. */
    tenant: string;
  };
}

/** What a tenant's own servers may ask about its rooms, with its code and key (HTTP Basic, RFC 7617). */
export const tenantApi = new Hono<Environment>();

tenantApi.use(async (context, next) => {
  const given = auth(context.req.raw);
  const tenant = given && (await tenantsOf(context.env).authenticateOwner(given.username, given.password));
  if (!tenant) {
    const headers = { 'www-authenticate': 'Basic realm="tenant", charset="UTF-8"' };
    return context.json({ error: 'the code or the key of the tenant is wrong' }, 401, headers);
  }
  context.set('tenant', tenant.code);
  context.header('cache-control', 'no-store');
  return next();
});

tenantApi.get('/recordings', (context) =>
  paged(context, async (query) => {
    const page = await recordingsOf(context).list(context.var.tenant, query);
    return { ...page, items: page.items.map(recordingItem) };
  }),
);

tenantApi.get('/recordings/:id', async (context) => {
  const recording = await recordingsOf(context).find(context.var.tenant, context.req.param('id'));
  return recording ? context.json(recordingItem(recording)) : notFound(context);
});

tenantApi.get('/recordings/:id/file', async (context) => {
  const store = recordingsOf(context);
  const recording = await store.find(context.var.tenant, context.req.param('id'));
  if (typeof recording?.type !== 'string') return notFound(context);
  return sendRecording(context.req.raw, store, { ...recording, type: recording.type }, 'attachment');
});

tenantApi.delete('/recordings/:id', async (context) => {
  const store = recordingsOf(context);
  const recording = await store.find(context.var.tenant, context.req.param('id'));
  if (!recording) return notFound(context);
  await store.delete(recording.id);
  return context.body(null, 204);
});

tenantApi.get('/calls', (context) =>
  paged(context, async (query) => {
    const page = await new UsageStore(context.env.DB).list(context.var.tenant, query);
    return {
      ...page,
      items: page.items.map(
        ({ id, kind, room, participant, name, started_at: from, ended_at: to, direct_ms: direct, routed_ms: routed }) => ({
          id,
          kind,
          room: roomNameOf(room),
          participant,
          name,
          from: momentOf(from),
          to: momentOf(to),
          p2pSeconds: inSeconds(direct),
          sfuSeconds: inSeconds(routed),
        }),
      ),
    };
  }),
);

tenantApi.get('/files', (context) =>
  paged(context, async (query) => {
    const { origin } = new URL(context.req.url);
    const page = await new FileStore(context.env.DB, context.env.FILES).list(context.var.tenant, query);
    return {
      ...page,
      items: page.items.map((file) => ({
        id: file.id,
        room: roomNameOf(file.room),
        name: file.original_name,
        type: file.type,
        size: file.size,
        uploaded: momentOf(file.created_at),
        url: addressOf(origin, file, file.name),
        pages: pageAddresses(origin, file, file.name, file.pages),
      })),
    };
  }),
);

tenantApi.get('/ice-servers', async (context) => {
  const query = mediaApi.iceServers.query.safeParse(context.req.query());
  if (!query.success) return badQuery(context, query.error);
  const { MEDIA_NODE_URL, MEDIA_NODE_SECRET } = settingsOf(context.env);
  try {
    return context.json(await new MediaClient(MEDIA_NODE_URL, MEDIA_NODE_SECRET).call('iceServers', { path: {}, query: query.data }));
  } catch (error) {
    logger.warn('tenant API: no ICE servers', { error: String(error) });
    return context.json({ error: 'the media node does not answer; try again in a moment' }, 503);
  }
});

tenantApi.all('*', (context) => context.json({ error: 'there is no such resource' }, 404));

async function paged<Item>(
  context: Context<Environment>,
  read: (query: ReturnType<typeof PageQuerySchema.parse>) => Promise<Page<Item>>,
): Promise<Response> {
  const query = PageQuerySchema.safeParse(context.req.query());
  return query.success ? context.json(await read(query.data)) : badQuery(context, query.error);
}

function badQuery(context: Context, { issues }: z.ZodError): Response {
  return context.json({ error: issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') }, 400);
}

function recordingsOf({ env }: Context<Environment>): RecordingStore {
  return new RecordingStore(env.DB, env.FILES);
}

function recordingItem(row: RecordingRow) {
  return {
    id: row.id,
    room: roomNameOf(row.room),
    participant: row.participant,
    name: row.name,
    subject: row.subject,
    fileName: row.file_name,
    filePath: row.file_path,
    note: row.note,
    maker: row.maker,
    status: statusOf(row),
    from: momentOf(row.started_at),
    to: momentOf(row.stopped_at),
    size: row.size,
    type: row.type,
    duration: row.duration_ms === null ? null : row.duration_ms / 1000,
    container: row.container,
    codecs: row.codecs?.split(',') ?? null,
  };
}

function statusOf({ stopped_at: stopped, maker, duration_ms: duration }: RecordingRow): 'recording' | 'storing' | 'stopped' {
  if (stopped === null) return 'recording';
  return maker === 'media-node' && duration === null ? 'storing' : 'stopped';
}

function inSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}

function notFound(context: Context): Response {
  return context.json({ error: 'there is no such recording' }, 404);
}
