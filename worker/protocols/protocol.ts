import type { Hono } from 'hono';
import type { ParticipantId, RoomId } from '../../shared/ids.ts';
import type { Conference } from '../room/conference.ts';
import type { LeaveReason, RoomEvent } from '../room/events.ts';
import type { SessionId, Time } from '../room/participant.ts';
import type { Room } from '../room/room.ts';

/** The part of a protocol that runs at the front door: which requests are its own, and which room do they name? */
export interface Entrance {
  /** The protocol's name in the table, and the path prefix for operators who prefer an explicit one. */
  readonly name: string;
  /**
   * What a WebSocket upgrade may mean, the likeliest first; `undefined` when the upgrade is not of this protocol. An empty list is an upgrade
   * of this protocol that names no room.
   */
  findRooms(upgrade: Upgrade): RoomClaim[] | undefined;
  /** The protocol's HTTP API, mounted at each of the paths. */
  readonly api?: { readonly paths: readonly string[]; readonly routes: Hono<DoorEnvironment> };
}

/** What the routes of an HTTP API find in their context. */
export interface DoorEnvironment {
  Variables: { door: Door };
}

/** A client's wish to be in a room, before anybody has checked it. */
export interface RoomClaim {
  readonly room: RoomId;
  readonly participant?: ParticipantId;
}

/** What the front door sees of a WebSocket upgrade. */
export interface Upgrade {
  readonly url: URL;
  readonly subprotocols: readonly string[];
}

/** What the front door offers to an HTTP API. */
export interface Door {
  /** Whether the request may do this: always in development mode, with a fitting access token in production. */
  permits(request: Request, claim: RoomClaim): Promise<boolean>;
  /** Hands a parsed request to the room object. @returns the serialised answer. */
  call(room: RoomId, request: object): Promise<string>;
}

/** The part of a protocol that runs in the room object: its requests become commands, the room's events become its frames. */
export interface Adapter {
  /** Answers a call of the HTTP API with a serialised body. Never throws for what a client did wrong. */
  call?(request: object, host: RoomHost): Promise<string>;
  /** Lets a session in or says with which HTTP status it is refused. Whoever is let in has opened its session in the room. */
  admit(claim: RoomClaim, session: SessionId, host: RoomHost): Admission;
  /** A frame from a client. Never throws for what a client did wrong. */
  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): void;
  /** The session's socket was closed, with a WebSocket close code. */
  closed(code: number, session: Session, host: RoomHost): void;
  /** The frame by which the protocol tells an event to everybody but its subject; `undefined` where it has no word for it. */
  present(event: RoomEvent): string | undefined;
  /** How the session of a participant that is no longer in the room is closed. */
  farewell(reason: LeaveReason): Closing;
}

export type Admission =
  | { readonly admitted: true; readonly participantId: ParticipantId; readonly subprotocol?: string }
  | { readonly admitted: false; readonly status: number; readonly message: string };

/** A WebSocket close code and its reason, at most 123 bytes of UTF-8. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** One client connection. */
export interface Session {
  readonly id: SessionId;
  readonly participantId: ParticipantId;
  /** Sends a frame to this session only. */
  send(frame: string): void;
}

/** A room that exists: its state, and what members do in it that needs the media node. */
export interface LiveRoom {
  readonly room: Room;
  readonly conference: Conference;
}

/** What the room object offers to an adapter. */
export interface RoomHost {
  /** `undefined` while nobody has made the room. */
  readonly live: () => LiveRoom | undefined;
  /** Makes the room. @returns false when it is there already. */
  readonly create: () => boolean;
  readonly now: () => Time;
}
