import type { Documents } from '../documents/documents.ts';
import type { Handlers } from './call.ts';

export function documentHandlers(documents: Documents): Pick<Handlers, 'openDocument' | 'documentPage' | 'closeDocument'> {
  return {
    openDocument({ body }) {
      return documents.open(body);
    },
    documentPage({ path: { document, page } }) {
      return documents.page(document, page);
    },
    async closeDocument({ path: { document } }) {
      await documents.close(document);
      return {};
    },
  };
}
