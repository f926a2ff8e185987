import type { Hono } from 'hono';
import type { ParticipantId, RoomId } from '../../shared/ids.ts';
import type { MediaEvent } from '../../shared/media-api.ts';
import type { Conference } from '../room/conference.ts';
import type { LeaveReason, Notice, RoomEvent } from '../room/events.ts';
import type { SessionId, Time } from '../room/participant.ts';
import type { Room } from '../room/room.ts';
import type { RoomOptions } from '../room/snapshot.ts';
import type { MessageListener, MessageSocket } from '../wire/message-socket.ts';
import type { PipeSocket } from '../wire/pipe.ts';

/** The part of a protocol that runs at the front door: which requests are its own, and which room do they name? */
export interface Entrance {
  /** The protocol's name in the table, and the path prefix for operators who prefer an explicit one. */
  readonly name: string;
  /**
   * What a WebSocket upgrade may mean, the likeliest first; `undefined` when the upgrade is not of this protocol. An empty list is an upgrade
   * of this protocol that names no room.
   */
  findRooms?(upgrade: Upgrade): RoomClaim[] | undefined;
  /** For clients that open a socket first and name their room later, in a message. */
  readonly lobby?: Lobby;
  /** The protocol's HTTP API, mounted at each of the paths. */
  readonly api?: { readonly paths: readonly string[]; readonly routes: Hono<DoorEnvironment> };
}

/**
 * Where clients wait at the front door until they name their room. The lobby speaks to them itself until then; afterwards it pipes their frames
 * into the room object, and it has them back when they leave the room.
 */
interface Lobby {
  /** Accepts a WebSocket whose URL shows that it is of this protocol; `undefined` for every other. */
  accept(upgrade: Upgrade, door: Door): Response | undefined;
  /** For sockets whose URL shows nothing: their first message does. */
  readonly byFirstMessage?: {
    recognises(message: string): boolean;
    /** Attends to such a client; its first message comes like all others. */
    attend(client: MessageSocket, upgrade: Upgrade, door: Door): MessageListener;
  };
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
  readonly request: Request;
  readonly url: URL;
  readonly subprotocols: readonly string[];
}

/** What the front door offers to HTTP APIs and lobbies. */
export interface Door {
  /**
   * Whether the request may do this: always in development mode, with a fitting access token in production.
   *
   * @param token one that came in a message instead of the request.
   */
  permits(request: Request, claim: RoomClaim, token?: string): Promise<boolean>;
  /** Hands a parsed request to the room object. @returns the serialised answer. */
  call(room: RoomId, request: object): Promise<string>;
  /**
   * Opens a WebSocket into the room object for a client that stays at the front door.
   *
   * @param query what the adapter's `admit` finds in the URL.
   */
  enter(room: RoomId, query: Readonly<Record<string, string>>): Promise<Entering>;
}

/** A socket into the room object, or the HTTP status with which it was refused. */
export type Entering = { readonly admitted: true; readonly socket: PipeSocket } | { readonly admitted: false; readonly status: number };

/** The part of a protocol that runs in the room object: its requests become commands, the room's events become its frames. */
export interface Adapter {
  /** Answers a call of the HTTP API with a serialised body. Never throws for what a client did wrong. */
  call?(request: object, host: RoomHost): Promise<string>;
  /** Lets a session in or says with which HTTP status it is refused. Whoever is let in has opened its session in the room. */
  admit(claim: RoomClaim, url: URL, session: SessionId, host: RoomHost): Admission | Promise<Admission>;
  /**
   * A frame from a client. Never throws for what a client did wrong.
   *
   * @returns a promise where the media node has to work for it. Other frames are received meanwhile.
   */
  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> | undefined;
  /** The session's socket was closed, with a WebSocket close code. */
  closed(code: number, session: Session, host: RoomHost): void;
  /** How the protocol tells an event to its members: nothing where it has no word for it. */
  present(event: RoomEvent, host: RoomHost): readonly Announcement[];
  /** Something concerns this session's participant only. Called in the middle of a change: it may send frames, and must not change anything. */
  notify?(notice: Notice, session: Session, host: RoomHost): void;
  /** What the media node has seen of pictures and measured of what is watched. The room has taken note of it. */
  mediaReported?(report: MediaReport, host: RoomHost): void;
  /** How the session of a participant that is no longer in the room is closed. */
  farewell(reason: LeaveReason): Closing;
}

export type MediaReport = Extract<MediaEvent, { readonly type: 'video-format' | 'statistics' }>;

/** How an event is told: a frame for several members. It is made once, however many sessions get it. */
export interface Announcement {
  readonly frame: string;
  /** Which members of the protocol get it; if not given, all but the event's subject. */
  readonly audience?: (participantId: ParticipantId) => boolean;
}

export type Admission =
  | {
      readonly admitted: true;
      readonly participantId: ParticipantId;
      readonly subprotocol?: string;
      /** The first frames to the client: nothing that happens later can come before them. */
      readonly greeting?: readonly string[];
      /** The first value of {@link Session.data}. */
      readonly data?: unknown;
    }
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
  /** What the adapter has to remember of this client. Assign it anew to change it; as JSON it has at most 1 KB, and it survives the object's sleep. */
  data: unknown;
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
  readonly create: (options?: RoomOptions) => boolean;
  /** Sends a frame to the sessions of one participant, which must be of the adapter's own protocol. */
  readonly sendTo: (participantId: ParticipantId, frame: string) => void;
  readonly now: () => Time;
}
