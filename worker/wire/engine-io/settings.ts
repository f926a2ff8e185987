import type { Revision } from './packet.ts';

/** Which web origins may use the server from a browser. */
export interface OriginPolicy {
  /** The exact origins that are let in, or `'*'` for all. A request without an `Origin` header does not come from a web page and passes. */
  readonly origins: readonly string[] | '*';
}

export interface EngineSettings {
  /** Milliseconds between two heartbeats. */
  readonly pingInterval: number;
  /** Milliseconds after which a missing heartbeat ends the session. */
  readonly pingTimeout: number;
  /** Milliseconds a client has to complete the upgrade from polling to websocket. */
  readonly upgradeTimeout: number;
  /** The largest polling body or WebSocket message that is accepted, in bytes. */
  readonly maxPayload: number;
  /** Bytes that a client may leave unread for longer than a moment, see `outbox.ts`. */
  readonly sendLimit: number;
  /**
   * Whether frames to clients that offer it are compressed (RFC 7692), as the runtime does by itself. A broadcast is compressed anew for every
   * receiver, and clients on Node take about ten times as long to read many small frames.
   */
  readonly compression: boolean;
  /** The revisions that are spoken. */
  readonly revisions: readonly Revision[];
  /** Which web pages may connect. Without it no cross-origin header is sent, and a browser allows the server's own pages only. */
  readonly cors?: OriginPolicy;
}

/** The defaults of the official server, where it has them; compression is the runtime's. */
const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  pingInterval: 25_000,
  pingTimeout: 20_000,
  upgradeTimeout: 10_000,
  maxPayload: 1_000_000,
  sendLimit: 1_048_576,
  compression: true,
  revisions: [3, 4],
};

/** Nothing makes a client of revision 3 prove that it reads but its own heartbeats, so these must come often. */
const MAX_PING_INTERVAL_REVISION_3 = 2_000;

const POSITIVE = ['pingInterval', 'pingTimeout', 'upgradeTimeout', 'maxPayload', 'sendLimit'] as const;

/**
 * Completes settings with the defaults.
 *
 * @throws RangeError naming the setting that makes no sense.
 */
export function engineSettings(chosen: Partial<EngineSettings> = {}): EngineSettings {
  const settings = { ...DEFAULT_ENGINE_SETTINGS, ...chosen };
  for (const name of POSITIVE) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] <= 0) {
      throw new RangeError(`${name} must be a positive whole number, not ${String(settings[name])}`);
    }
  }
  if (settings.sendLimit < settings.maxPayload) {
    throw new RangeError(
      `sendLimit (${settings.sendLimit}) must not be below maxPayload (${settings.maxPayload}), or one message exceeds it`,
    );
  }
  return settings;
}

/** The heartbeat interval that is announced to clients of a revision, in milliseconds. */
export function pingIntervalOf(revision: Revision, settings: EngineSettings): number {
  return revision === 3 ? Math.min(settings.pingInterval, MAX_PING_INTERVAL_REVISION_3) : settings.pingInterval;
}
