import type { Heartbeat, HeartbeatSettings } from './heartbeat.ts';
import type { Data, Frame, FrameSocket, Packet, Revision } from './packet.ts';
import type { EngineSettings } from './settings.ts';

/** Why a session ended, in the words of the official server, and one of ours: `back pressure`. */
export type CloseReason =
  'transport close' | 'transport error' | 'ping timeout' | 'parse error' | 'payload too large' | 'back pressure' | 'forced close';

/** What a session needs of its server. */
export interface SessionHost<Session = unknown> {
  readonly settings: EngineSettings;
  readonly heartbeatSettings: HeartbeatSettings;
  now(): number;
  /** Runs a callback later, while a request is waiting for it. */
  after(milliseconds: number, callback: () => void): void;
  /** Whether heartbeats of revision 3 come to the session. Otherwise the platform answers them. */
  readonly hearsHeartbeats: boolean;
  /** When a client of revision 3 last sent a heartbeat that the platform answered by itself, in milliseconds since the epoch. */
  heartbeatSeenAt(socket: FrameSocket): number | undefined;
  changed(session: Session): void;
  needsAttentionAt(time: number): void;
  received(session: Session, data: Data): void;
  closed(session: Session, reason: CloseReason): void;
}

/** What is known of a session when it opens. */
export interface SessionIdentity {
  readonly sid: string;
  readonly revision: Revision;
  /** The client cannot receive binary frames. */
  readonly base64Only: boolean;
}

/** What must survive while the object sleeps. Binary data included, so it is stored by structured clone and not as JSON. */
export interface SessionRecord extends SessionIdentity {
  readonly transport: 'polling' | 'websocket';
  readonly heartbeat: Heartbeat;
  /** Packets that a polling client has not fetched. */
  readonly waiting: readonly Packet[];
  readonly closing: boolean;
  /** See {@link Session.pin}. */
  readonly pinned: boolean;
}

/** Takes over all that a client sends, and answers with frames of its own: another server behind this one. */
export interface Relay {
  receive(frame: Frame): void;
  /** The session has ended. */
  closed(reason: CloseReason): void;
}
