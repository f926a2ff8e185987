/** The third party's sample uses the library that the signal server hands out. */
import { offerKnowledgeTalkClient } from './client.ts';
import type { SocketIo } from './signaling.ts';

declare global {
  interface Window {
    io: SocketIo;
  }
}

offerKnowledgeTalkClient(window.io, 'sample');
