import { OutgoingPacket } from './outgoing.ts';
import type { SessionIdentity } from './session-host.ts';
import { pingIntervalOf, type EngineSettings } from './settings.ts';

interface OpenSession extends Pick<SessionIdentity, 'sid' | 'revision'> {
  /** There while the session has no WebSocket. */
  readonly polling: object | undefined;
}

/** The packet that tells a client its session and how the server expects it to behave. @param pingInterval in milliseconds. */
export function openPacket(
  { sid, revision, polling }: OpenSession,
  settings: EngineSettings,
  pingInterval = pingIntervalOf(revision, settings),
): OutgoingPacket {
  const { pingTimeout, maxPayload } = settings;
  return new OutgoingPacket('open', JSON.stringify({ sid, upgrades: polling ? ['websocket'] : [], pingInterval, pingTimeout, maxPayload }));
}
