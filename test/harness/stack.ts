import type { MediaNode } from '../../media-node/media-node.ts';
import { Edge } from './edge.ts';
import { startTestMediaNode } from './media-node.ts';
import { freePort } from './ports.ts';

/** An edge and a media node that know each other. */
export interface Stack {
  edge: Edge;
  mediaNode: MediaNode;
  stop(): Promise<void>;
}

/** Starts the real edge and the real media node on free ports of loopback. @param protocols see {@link Edge.start}. */
export async function startStack(settings: Readonly<Record<string, string>> = {}, protocols?: string): Promise<Stack> {
  const port = await freePort();
  const mediaNode = await startTestMediaNode(`http://127.0.0.1:${port}`);
  const edge = await Edge.start({ port, mediaNodeUrl: mediaNode.url, settings, ...(protocols !== undefined && { protocols }) });
  const stack: Stack = {
    edge,
    mediaNode,
    stop: async () => {
      await Promise.all([stack.edge.stop(), stack.mediaNode.close()]);
    },
  };
  return stack;
}
