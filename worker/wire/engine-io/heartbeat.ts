/**
 * When a session must be pinged and when it counts as gone. Plain functions of the time, so that an object that slept for minutes
 * comes to the same conclusions as one that was awake.
 *
 * Revision 4: the server pings, the client answers. Revision 3: the client pings; the server only watches.
 *
 * All sessions of an object share one beat, so that one alarm serves all of them and the object can sleep in between.
 */
import type { Revision } from './packet.ts';

/** With a shorter interval, in milliseconds, an object never sleeps and nothing is gained by a shared beat: each session has its own. */
const MIN_SHARED_INTERVAL = 10_000;

export interface HeartbeatSettings {
  /** Milliseconds between two heartbeats, as announced to the client. */
  readonly pingInterval: number;
  /** Milliseconds, as announced to the client. */
  readonly pingTimeout: number;
  /** Shifts the shared beat, in milliseconds, so that not all objects of a machine wake at the same moment. */
  readonly phase: number;
}

export interface Heartbeat {
  readonly revision: Revision;
  /** Milliseconds since the epoch, like all times here. */
  lastHeardAt: number;
  /** When the next ping is due. Not used in revision 3. */
  pingDueAt: number;
  /** From when on an unanswered ping is overdue; `undefined` while none is waiting for its answer. */
  answerDueAt?: number | undefined;
}

/** The heartbeat of a session that opens now. */
export function startHeartbeat(revision: Revision, now: number, settings: HeartbeatSettings): Heartbeat {
  return { revision, lastHeardAt: now, pingDueAt: nextPing(now, settings) };
}

/** Notes that a ping leaves now. */
export function pingSent(heartbeat: Heartbeat, now: number, settings: HeartbeatSettings): void {
  // An alarm that is only a little late must not lengthen the timeout that was announced to the client.
  const isPunctual = now >= heartbeat.pingDueAt && now - heartbeat.pingDueAt < settings.pingTimeout / 2;
  heartbeat.answerDueAt = (isPunctual ? heartbeat.pingDueAt : now) + settings.pingTimeout;
  if (now >= heartbeat.pingDueAt) heartbeat.pingDueAt = nextPing(now, settings);
}

/** Notes that something arrived from the client. */
export function heard(heartbeat: Heartbeat, now: number): void {
  heartbeat.lastHeardAt = Math.max(heartbeat.lastHeardAt, now);
}

/** When the session ends unless something arrives before. `undefined` while nothing is awaited from the client. */
function expiresAt(heartbeat: Heartbeat, settings: HeartbeatSettings): number | undefined {
  if (heartbeat.revision === 3) return heartbeat.lastHeardAt + settings.pingInterval + settings.pingTimeout;
  if (heartbeat.answerDueAt === undefined) return undefined;
  // A client that is sending is alive, even if its answer is stuck behind what it sends.
  return Math.max(heartbeat.answerDueAt, heartbeat.lastHeardAt + settings.pingTimeout);
}

export function isExpired(heartbeat: Heartbeat, now: number, settings: HeartbeatSettings): boolean {
  const end = expiresAt(heartbeat, settings);
  return end !== undefined && now >= end;
}

export function isPingDue(heartbeat: Heartbeat, now: number): boolean {
  return heartbeat.revision === 4 && heartbeat.answerDueAt === undefined && now >= heartbeat.pingDueAt;
}

/** The next moment at which this session needs attention. */
export function nextAttention(heartbeat: Heartbeat, settings: HeartbeatSettings): number {
  return expiresAt(heartbeat, settings) ?? heartbeat.pingDueAt;
}

/**
 * The next shared beat, unless it is too close: then a shorter step, after which a beat is at a good distance. Two pings are thus never
 * further apart than announced, nor closer than half of that.
 */
function nextPing(now: number, { pingInterval, phase }: HeartbeatSettings): number {
  if (pingInterval < MIN_SHARED_INTERVAL) return now + pingInterval;
  const beat = (Math.floor((now - phase) / pingInterval) + 1) * pingInterval + phase;
  return beat - now >= pingInterval / 2 ? beat : now + 0.75 * pingInterval;
}
