import { createHmac } from 'node:crypto';
import type { IcePolicy, IceServer, IceServers } from '../../shared/ice.ts';
import type { IceConfig } from '../config.ts';

/** The name of credentials that were asked for without one. */
const ANONYMOUS = 'guest';

/**
 * Time-limited credentials by the TURN REST convention (draft-uberti-behave-turn-rest-00, section 2.2), which coturn checks with
 * `use-auth-secret`: the name is `<seconds since the epoch at which it expires>:<user>`, the password an HMAC-SHA-1 of the name.
 */
function turnServer(urls: readonly string[], secret: string, user: string, expiry: number): IceServer {
  const username = `${expiry}:${user}`;
  const credential = createHmac('sha1', secret).update(username).digest('base64');
  return { urls: [...urls], username, credential };
}

/**
 * The STUN and TURN servers for one client.
 *
 * @param policy `p2p` gets STUN and TURN; `sfu` STUN only, unless the operator set `ICE_POLICY_SFU=stun+turn`.
 * @param user shows up in the TURN server's log.
 * @param now in milliseconds since the epoch.
 */
export function iceServersFor(config: IceConfig, policy: IcePolicy, user = ANONYMOUS, now = Date.now()): IceServers {
  const iceServers: IceServer[] = config.stunUrls.length > 0 ? [{ urls: [...config.stunUrls] }] : [];
  const withTurn = policy === 'p2p' || config.sfuPolicy === 'stun+turn';
  if (withTurn && config.turnSecret !== undefined) {
    const expiry = Math.floor(now / 1000) + config.turnTtlSeconds;
    iceServers.push(turnServer(config.turnUrls, config.turnSecret, user, expiry));
  }
  return { iceServers, ttl: config.turnTtlSeconds };
}
