import type { MediaId, ParticipantId } from '../../shared/ids.ts';
import type { Watching } from './negotiation.ts';

/** `send` carries what the participant publishes, `receive` what it subscribes to or views. */
export type Direction = 'send' | 'receive';

/** One that carries both is the client's to close; one that only receives ends with what it was for. */
export type ConnectionDirection = Direction | 'both';

/** One transport of a participant on the media node, and the client's PeerConnection at its other end. */
export interface Connection {
  /** The name of the transport, or of the connection that is negotiated by SDP, on the media node. */
  readonly id: MediaId;
  readonly participantId: ParticipantId;
  readonly direction: ConnectionDirection;
  /** What the client uses it for, in words of its protocol: it has one connection for a purpose, and a newer one ends the older. */
  readonly purpose: string;
  /** Whether client and media node agree about it by offer and answer, or by plain parameters. */
  readonly negotiated: boolean;
  /** How many negotiations have begun; only the newest one counts. */
  readonly attempt: number;
  /** Whether a negotiation has come to something. */
  readonly isEstablished: boolean;
  /** What the media node offers in it, where the client makes no offer. */
  readonly offered?: Watching;
  readonly state: 'new' | 'connected' | 'lost';
  /** What its protocol has to remember of it; anything that JSON can hold. */
  readonly note?: unknown;
}

/** Whether media was connected once and none of it is now: the sign of a client that has vanished. */
export function isLost(connections: readonly Connection[]): boolean {
  const states = connections.map((connection) => connection.state);
  return states.includes('lost') && !states.includes('connected');
}
