import { roomNameOf, tenantOf } from '../../shared/ids.ts';
import type { Env } from '../platform/env.ts';
import { type Grant, unseal } from '../platform/grants.ts';
import { settingsOf } from '../platform/settings.ts';
import { tenantsOf } from '../tenants/tenants.ts';
import { firstFileOf, type IncomingFile } from '../transfer/form-file.ts';
import { openHead } from '../transfer/head.ts';
import { plainName } from '../transfer/plain-name.ts';
import { putStream } from '../transfer/put-stream.ts';
import { randomName } from '../transfer/random-name.ts';
import { UploadRefused } from '../transfer/refusal.ts';
import { baseNameOf } from './names.ts';
import { renderPages } from './pages.ts';
import { fileKey, FileStore, pageName, type StoredContent, type StoredFile } from './store.ts';
import { fileTypeOf, HEAD_BYTES } from './type.ts';

/** The largest file that is taken, in bytes. */
const MAX_FILE_BYTES = 25 * 1024 * 1024;

/** The largest form with such a file in it. */
export const MAX_FORM_BYTES = MAX_FILE_BYTES + 256 * 1024;

/** What an upload is answered with. Clients look for the address under different names. */
export interface UploadAnswer {
  readonly code: '200';
  readonly message: string;
  readonly roomId: string;
  readonly orgname: string;
  readonly type: 'pdf' | 'img';
  readonly size: number;
  readonly url: string;
  readonly fileUrl: string;
  readonly filename: string;
  /** Addresses of a document's pages, in order. */
  readonly pages?: readonly string[];
}

/**
 * Takes the upload of a file into a room: streamed, never whole in memory.
 *
 * @param body of the request.
 * @throws UploadRefused; nothing of the file is left then.
 */
export async function receiveFile(request: Request, body: AsyncIterable<Uint8Array>, env: Env): Promise<UploadAnswer> {
  const grant = await grantOf(request, env);
  const tenant = await tenantsOf(env).find(tenantOf(grant.room));
  if (!tenant) throw new UploadRefused('not-permitted');
  const announced = Number(request.headers.get('content-length') ?? MAX_FILE_BYTES);
  if (!(announced <= MAX_FORM_BYTES)) throw new UploadRefused('too-large');

  const store = new FileStore(env.DB, env.FILES);
  const file = { id: randomName(), tenant: tenant.code, ...grant };
  if (!(await store.announce(file, Math.min(announced, MAX_FILE_BYTES), tenant.settings.fileQuota)))
    throw new UploadRefused('quota-exceeded');
  try {
    // Asked after the announcement: a room that ends from now on knows of this file.
    if (!(await env.ROOMS.getByName(grant.room).isLiving(grant.life))) throw new UploadRefused('no-room');
    const contentType = request.headers.get('content-type') ?? '';
    const content = await storeContent(file, await firstFileOf(body, contentType), env);
    if (!(await store.complete(file.id, content))) throw new UploadRefused('no-room');
    return answerOf(new URL(request.url).origin, file, content);
  } catch (error) {
    await store.discard(file);
    throw error;
  }
}

async function grantOf(request: Request, env: Env): Promise<Grant<'files'>> {
  const token = new URL(request.url).searchParams.get('grant') ?? '';
  const grant = await unseal(settingsOf(env), 'files', token);
  if (!grant) throw new UploadRefused('not-permitted');
  return grant;
}

async function storeContent(file: StoredFile, incoming: IncomingFile, env: Env): Promise<StoredContent> {
  const { head, bytes } = await openHead(incoming.bytes, HEAD_BYTES);
  const type = fileTypeOf(head);
  if (!type) throw new UploadRefused('bad-type');
  const originalName = plainName(incoming.name);
  const name = `${baseNameOf(originalName)}.${type.extension}`;
  const size = await putStream(env.FILES, fileKey(file, name), bytes, { limit: MAX_FILE_BYTES, type: type.mime });
  const content = { originalName, name, type: type.mime, size, pages: 0 };
  if (!type.isDocument) return content;
  const pages = await renderPages(env, fileKey(file, name), (page) => fileKey(file, pageName(name, page)));
  return { ...content, size: size + pages.bytes, pages: pages.count };
}

function answerOf(origin: string, file: StoredFile, { originalName, name, type, size, pages }: StoredContent): UploadAnswer {
  const url = addressOf(origin, file, name);
  return {
    code: '200',
    message: 'stored',
    roomId: roomNameOf(file.room),
    orgname: originalName,
    type: type === 'application/pdf' ? 'pdf' : 'img',
    size,
    url,
    fileUrl: url,
    filename: url,
    ...(pages > 0 && { pages: pageAddresses(origin, file, name, pages) }),
  };
}

/** Where a file can be downloaded by whoever knows its address. */
export function addressOf(origin: string, { life, id }: Pick<StoredFile, 'life' | 'id'>, name: string): string {
  return `${origin}/files/${life}/${id}/${encodeURIComponent(name)}`;
}

/** Where the pages of a document are. */
export function pageAddresses(origin: string, file: Pick<StoredFile, 'life' | 'id'>, name: string, pages: number): string[] {
  return Array.from({ length: pages }, (_, index) => addressOf(origin, file, pageName(name, index + 1)));
}
