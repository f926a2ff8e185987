import type { Entrance } from '../protocol.ts';
import { Visitor } from './lobby.ts';
import { REQUESTS } from './messages.ts';
import { restApi } from './rest.ts';

const requests: ReadonlySet<string> = new Set(REQUESTS);

/**
 * Entrance of the OWT protocol: Socket.IO, main namespace, where the first event is one of the protocol's requests; and the REST calls by which
 * applications get tokens for it.
 */
export const owtEntrance: Entrance = {
  name: 'owt',
  lobby: {
    byFirstEvent: {
      namespaces: ['/'],
      recognises: (namespace, event) => namespace === '/' && requests.has(event),
      attend: (client, _upgrade, door) => new Visitor(client, door),
    },
  },
  api: restApi,
};
