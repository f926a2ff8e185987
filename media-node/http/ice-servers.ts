import type { IceConfig } from '../config.ts';
import { iceServersFor } from '../turn/ice-servers.ts';
import type { Handlers } from './call.ts';

export function iceServerHandlers(config: IceConfig): Pick<Handlers, 'iceServers'> {
  return {
    iceServers({ query: { policy, user } }) {
      return iceServersFor(config, policy, user);
    },
  };
}
