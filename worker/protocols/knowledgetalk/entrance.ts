import type { Entrance } from '../protocol.ts';
import { Visitor } from './lobby.ts';
import { EVENT } from './messages.ts';

/**
 * Entrance of the KnowledgeTalk protocol: Socket.IO, one event in both directions, in the namespace `/SignalServer` or in the default one
 * (reference 1.1: the document shows both).
 */
export const knowledgeTalkEntrance: Entrance = {
  name: 'knowledgetalk',
  lobby: {
    byFirstEvent: {
      namespaces: ['/SignalServer', '/'],
      recognises: (_namespace, event) => event === EVENT,
      attend: (client, upgrade, door) => new Visitor(client, upgrade, door),
    },
  },
};
