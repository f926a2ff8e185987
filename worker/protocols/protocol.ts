import type { Hono } from 'hono';
import type { ParticipantId, RoomId } from '../../shared/ids.ts';
import type { MediaEvent } from '../../shared/media-api.ts';
import type { Conference } from '../room/conference.ts';
import type { Connection } from '../room/connection.ts';
import type { LeaveReason, Notice, RoomEvent } from '../room/events.ts';
import type { SessionId, Time } from '../room/participant.ts';
import type { Collection } from '../room/records.ts';
import type { Room } from '../room/room.ts';
import type { RoomOptions } from '../room/snapshot.ts';
import type { MessageListener, MessageSocket } from '../wire/message-socket.ts';
import type { PipeSocket } from '../wire/pipe.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { RoomServices } from './services.ts';

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
  /** The protocol's HTTP API, or the parts of it. */
  readonly api?: Api | readonly Api[];
}

/** Routes that are mounted at each of the paths. */
export interface Api {
  readonly paths: readonly string[];
  readonly routes: Hono<DoorEnvironment>;
}

/**
 * Where clients wait at the front door until they name their room. The lobby speaks to them itself until then; afterwards it pipes their frames
 * into the room object, and it has them back when they leave the room.
 */
interface Lobby {
  /** Accepts a WebSocket whose URL shows that it is of this protocol; `undefined` for every other. */
  accept?(upgrade: Upgrade, door: Door): Response | undefined;
  /** For sockets whose URL shows nothing: their first message does. */
  readonly byFirstMessage?: {
    recognises(message: string): boolean;
    /** Attends to such a client; its first message comes like all others. */
    attend(client: MessageSocket, upgrade: Upgrade, door: Door): MessageListener;
  };
  /** For clients that speak Socket.IO: the first event in a namespace shows which protocol it is. */
  readonly byFirstEvent?: {
    /** The namespaces that the protocol's clients enter. */
    readonly namespaces: readonly string[];
    recognises(namespace: string, event: string): boolean;
    /** Attends to such a client in that namespace; its first event comes like all others. */
    attend(client: EventSocket, upgrade: Upgrade, door: Door): EventListener;
  };
}

/** A Socket.IO client in one namespace. What is sent to it is serialised already: arguments as JSON, separated by commas. */
export interface EventSocket {
  /** The public id of the client, as it knows it itself. */
  readonly id: string;
  emit(event: string, json: string): void;
  acknowledge(ackId: number, json: string): void;
  /** For what can wait: calls back when the client has read most of what it was sent, so that a slow line is not overrun. */
  whenRoomy(callback: () => void): void;
  /** Puts the client out of the namespace, which tells it not to come back by itself. */
  dismiss(): void;
  /** Cuts the connection; clients of the official library connect again. */
  close(): void;
}

/** What a lobby does about a Socket.IO client. Nothing is called after `closed`. */
export interface EventListener {
  /** @param ackId by which the client wants to be answered, where it does. */
  event(name: string, args: readonly unknown[], ackId: number | undefined): void;
  /** The client has left the namespace or is gone. Called once. */
  closed(reason: string): void;
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
  /**
   * The tenant on whose behalf a request comes, for protocols that name none: in production the one of the room of its access token; else, and always in
   * development mode, `default`.
   *
   * @param token one that came in a message instead of the request.
   */
  tenantOf(request: Request, token?: string): Promise<string>;
  /**
   * The tenant that a client's credentials belong to; `undefined` when they are wrong. Cheap enough to be asked for every message. In
   * development mode a code that nobody was given belongs to the demo tenant, whatever the key.
   */
  authenticate(code: string, key: string): Promise<Tenant | undefined>;
  /** Whether the request comes from somebody who looks after the room: always in development mode, with an administrator's token in production. */
  isAdministrator(request: Request, room: RoomId): Promise<boolean>;
  /** A tenant's rooms in which somebody is, a second later at the most, and not more than the limit. */
  roomsInUse(tenant: string, limit: number): Promise<readonly RoomId[]>;
  /**
   * Answers with a file that the media node has recorded, or the range of it that the request asks for: 404 where there is none or the request may not be
   * in the room that was recorded, 503 until the file is stored.
   *
   * @param fileName as its recording was given it.
   */
  sendRecording(request: Request, tenant: string, fileName: string): Promise<Response>;
  /** Hands a parsed request to the room object. @returns the serialised answer. */
  call(room: RoomId, request: object): Promise<string>;
  /**
   * Opens a WebSocket into the room object for a client that stays at the front door.
   *
   * @param query what the adapter's `admit` finds in the URL.
   */
  enter(room: RoomId, query: Readonly<Record<string, string>>): Promise<Entering>;
  /** Signs a text in the protocol's name. @returns hex digits. */
  sign(text: string): Promise<string>;
  /** Whether a text was signed in the protocol's name, by this edge or before its secret was changed. */
  isSigned(text: string, signature: string): Promise<boolean>;
}

/** A socket into the room object, or the HTTP status with which it was refused. */
export type Entering = { readonly admitted: true; readonly socket: PipeSocket } | { readonly admitted: false; readonly status: number };

/** The part of a protocol that runs in the room object: its requests become commands, the room's events become its frames. */
export interface Adapter {
  /** Answers a call of the HTTP API with a serialised body. Never throws for what a client did wrong. */
  call?(request: object, host: RoomHost): Promise<string>;
  /**
   * Waits for what the entry of a session needs, such as media. What must not be interrupted is left to {@link admit}.
   *
   * @returns a refusal, if that is clear already.
   */
  prepare?(claim: RoomClaim, url: URL, host: RoomHost): Promise<Extract<Admission, { admitted: false }> | undefined>;
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
  /** What the media node has seen of pictures, measured of what is watched, and missed of what was expected. The room has taken note of it. */
  mediaReported?(report: MediaReport, host: RoomHost): void;
  /**
   * A member whose session was cut may come back within this time, in milliseconds, also after a restart of the edge. It is then told what it missed
   * meanwhile: in order, behind the greeting, once. Without it clients join anew.
   */
  readonly absence?: Time;
  /** A connection that one of its members negotiated was connected, lost, or closed by the client. The room has taken note of it. */
  connectionChanged?(connection: Connection, state: ConnectionState, host: RoomHost): void;
  /** How the session of a participant that is no longer in the room is closed. */
  farewell(reason: LeaveReason): Closing;
}

export type MediaReport = Extract<MediaEvent, { readonly type: 'video-format' | 'statistics' | 'media-missing' }>;
export type ConnectionState = 'connected' | 'lost' | 'closed';

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

/** A room that exists: its state, what members do in it that needs the media node, and what it offers beside. */
export interface LiveRoom {
  readonly room: Room;
  readonly conference: Conference;
  readonly services: RoomServices;
}

/** What the room object offers to an adapter. */
export interface RoomHost {
  /** `undefined` while nobody has made the room. */
  readonly live: () => LiveRoom | undefined;
  /** Makes the room. @returns false when it is there already. */
  readonly create: (options?: RoomOptions) => boolean;
  /** Sends a frame to the sessions of one participant, which must be of the adapter's own protocol. */
  readonly sendTo: (participantId: ParticipantId, frame: string) => void;
  /** Records of the adapter's own, which are kept and forgotten with the room. */
  readonly records: <Item extends { readonly id: string }>(name: string) => Collection<Item>;
  /**
   * Notes that something which may be used only once was used. It is remembered beyond the life of the room.
   *
   * @param until when it cannot be used any more anyway.
   * @returns false when it was used before.
   */
  readonly spend: (id: string, until: Time) => boolean;
  readonly now: () => Time;
}
