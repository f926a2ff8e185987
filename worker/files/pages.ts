import type { Env } from '../platform/env.ts';
import { logger } from '../platform/logger.ts';
import { MediaCallError, MediaClient } from '../platform/media-client.ts';
import { settingsOf } from '../platform/settings.ts';
import { UploadRefused } from '../transfer/refusal.ts';

/** So many pages are fetched side by side. */
const PAGES_AT_ONCE = 4;

/** The document's fault, and nobody else's. */
const BROKEN: ReadonlySet<MediaCallError['reason']> = new Set([
  'invalid-document',
  'encrypted-document',
  'costly-document',
  'body-too-large',
]);

/**
 * Has the media node draw the pages of a PDF that is stored already, and stores them beside it.
 *
 * @param key where the PDF is; @param keyOfPage where a page is to be, counted from 1.
 * @throws UploadRefused when the document cannot be drawn, or there is no media node to do it.
 */
export async function renderPages(
  env: Env,
  key: string,
  keyOfPage: (page: number) => string,
): Promise<{ readonly count: number; readonly bytes: number }> {
  const { MEDIA_NODE_URL, MEDIA_NODE_SECRET } = settingsOf(env);
  const mediaNode = new MediaClient(MEDIA_NODE_URL, MEDIA_NODE_SECRET);
  try {
    const stored = await env.FILES.get(key);
    if (!stored) throw new Error(`${key} is gone`);
    const { document, pages } = await mediaNode.call('openDocument', { path: {}, body: new Uint8Array(await stored.arrayBuffer()) });
    try {
      return { count: pages, bytes: await storePages(env.FILES, mediaNode, document, pages, keyOfPage) };
    } finally {
      await mediaNode.call('closeDocument', { path: { document } }).catch(() => undefined);
    }
  } catch (error) {
    if (!(error instanceof MediaCallError)) throw error;
    logger.warn('document was not rendered', { reason: error.reason, error: error.message });
    throw new UploadRefused(BROKEN.has(error.reason) ? 'broken-document' : 'no-renderer');
  }
}

/** @returns the size of all pages, in bytes. */
async function storePages(
  bucket: R2Bucket,
  mediaNode: MediaClient,
  document: string,
  pages: number,
  keyOfPage: (page: number) => string,
): Promise<number> {
  let next = 1;
  let bytes = 0;
  const storeNext = async (): Promise<void> => {
    while (next <= pages) {
      const page = next++;
      const png = await mediaNode.call('documentPage', { path: { document, page: String(page) } });
      await bucket.put(keyOfPage(page), png, { httpMetadata: { contentType: 'image/png' } });
      bytes += png.length;
    }
  };
  await Promise.all(Array.from({ length: PAGES_AT_ONCE }, storeNext));
  return bytes;
}
