import type { ParticipantId } from '../../../shared/ids.ts';

/** A client's own name for one stream that it publishes or plays: a UUID that it has made. */
export type MediaSessionId = string;

/** Bounds that a client wishes for its video, in kbit/s; 0 is no bound. */
export interface Bitrates {
  readonly bitrate: number;
  readonly minBitrate: number;
  readonly maxBitrate: number;
}

/** What `publishStream` and `playStream` ask for. */
export interface StreamRequest extends Bitrates {
  readonly mediaSessionId: MediaSessionId;
  readonly name: string;
  readonly sdp: string;
  /** What a publisher sends; a player says that it wants everything. */
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Whether the video shows a screen. */
  readonly screen: boolean;
  /** Whether the stream is to be recorded; means nothing to a player. */
  readonly record: boolean;
  /** 0 to 100; only echoed, because nothing is transcoded. */
  readonly quality: number;
  /** The room of the Room API that the stream belongs to, if it is one that the client has joined. */
  readonly room?: string;
}

/** Events that clients send about a stream that they publish. */
export type StreamEventType = 'audioMuted' | 'audioUnmuted' | 'videoMuted' | 'videoUnmuted' | 'data';

/** A command of the Room API, or data of an application that has none for us. */
export type RoomCommand =
  /** With `record`, the streams that are published in the room meanwhile are to be recorded. */
  | { readonly command: 'join'; readonly room: string; readonly record: boolean }
  | { readonly command: 'leave'; readonly room: string }
  | { readonly command: 'sendMessage'; readonly room: string; readonly to: ParticipantId; readonly text: string }
  | { readonly command: 'other' };

/** What clients say. */
export type ClientMessage =
  | {
      readonly message: 'connection';
      /** The client's own words, which are echoed. */
      readonly client: Readonly<Record<'clientVersion' | 'clientOSVersion' | 'clientBrowserVersion', string>>;
      readonly mediaProviders: readonly string[];
      readonly keepAlive: boolean;
      /** Of the session that the client had before. */
      readonly authToken?: string;
      readonly login?: ParticipantId;
      readonly token?: string;
    }
  | { readonly message: 'publishStream'; readonly request: StreamRequest }
  | { readonly message: 'playStream'; readonly request: StreamRequest }
  | { readonly message: 'unPublishStream'; readonly mediaSessionId: MediaSessionId }
  | { readonly message: 'stopStream'; readonly mediaSessionId: MediaSessionId }
  | {
      readonly message: 'sendStreamEvent';
      readonly mediaSessionId: MediaSessionId;
      readonly type: StreamEventType;
      readonly payload?: unknown;
    }
  | { readonly message: 'availableStream'; readonly mediaSessionId: MediaSessionId; readonly name: string }
  | { readonly message: 'snapshot'; readonly mediaSessionId: MediaSessionId; readonly name: string }
  | { readonly message: 'sendData'; readonly operationId: string; readonly command: RoomCommand }
  /** A second socket for media without WebRTC, which is not served. */
  | { readonly message: 'connectMediaTransport' }
  /** Signs of life, logs, metrics, telephony. */
  | { readonly message: 'ignored' };

/** The states of a stream that the server reports. The last three are final. `NOT_ENOUGH_BANDWIDTH` is news and no state: clients keep the one before. */
export type StreamStatus = 'PENDING' | 'PUBLISHING' | 'PLAYING' | 'NOT_ENOUGH_BANDWIDTH' | 'UNPUBLISHED' | 'STOPPED' | 'FAILED';

/** Every field of a status event: one client replaces its own record of the stream by it. */
export interface StatusEvent extends Bitrates, MuteStates {
  readonly mediaSessionId: MediaSessionId | null;
  readonly name: string;
  readonly published: boolean;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly status: StreamStatus;
  readonly info?: string;
  readonly audioCodec?: string;
  readonly videoCodec?: string;
  readonly record: boolean;
  /** The name of the file, once it is closed. */
  readonly recordName?: string;
  /** 0 until it is known. */
  readonly width: number;
  readonly height: number;
  readonly quality: number;
  /** Milliseconds since the epoch. */
  readonly createDate: number;
  readonly streamInfo: {
    readonly nodeId: null;
    readonly appKey: null;
    readonly sessionId: null;
    readonly mediaSessionId: MediaSessionId | null;
    readonly name: string;
    readonly samplingTime: null;
    readonly recordTimestamp: null;
    readonly recordStarted: boolean;
  };
  readonly mediaProvider: 'WebRTC';
}

/** What a publisher has muted, as its players are told. */
export interface MuteStates {
  readonly audioState?: { readonly muted: boolean };
  readonly videoState?: { readonly muted: boolean };
}

/** What a member of a room is told about the others. A member that publishes nothing is its login alone. */
export type RoomNews =
  | { readonly name: 'STATE'; readonly info: readonly (ParticipantId | RoomStream)[] }
  | { readonly name: 'JOINED' | 'LEFT'; readonly info: ParticipantId }
  | { readonly name: 'PUBLISHED' | 'UNPUBLISHED'; readonly info: RoomStream }
  | { readonly name: 'MESSAGE'; readonly info: { readonly from: ParticipantId; readonly text: string } };

export interface RoomStream {
  readonly login: ParticipantId;
  readonly name: string;
}

/** Once a second about a stream with video. */
export interface VideoRate {
  readonly mediaSessionId: MediaSessionId;
  /** In bit/s. */
  readonly videoRate: number;
  readonly fps: number;
  readonly nack: number;
  readonly pli: number;
  readonly lostPackets: number;
  readonly width: number;
  readonly height: number;
}

interface VideoSize {
  readonly streamerVideoWidth: number;
  readonly streamerVideoHeight: number;
}

/** What the server says: each message with its list of arguments. */
export interface ServerMessages {
  readonly getUserData: readonly [object];
  readonly getVersion: readonly [string];
  readonly ping: readonly [];
  readonly fail: readonly [{ readonly status: 'FAILED'; readonly info: string }];
  /** `true`: you made the offer, this is the answer. */
  readonly setRemoteSDP: readonly [MediaSessionId, string, true];
  readonly notifyStreamStatusEvent: readonly [StatusEvent];
  readonly notifyAudioCodec: readonly [MediaSessionId, { readonly name: string }];
  readonly notifyVideoFormat: readonly [VideoSize & MuteStates & { readonly mediaSessionId: MediaSessionId; readonly status: 'RESIZE' }];
  readonly notifyStreamEvent: readonly [
    {
      readonly mediaSessionId: MediaSessionId;
      readonly type: StreamEventType | 'resize' | 'notEnoughBandwidth' | 'snapshotCompleted' | 'snapshotFailed';
      readonly payload?: unknown;
    },
  ];
  readonly inboundVideoRate: readonly [VideoRate];
  readonly outboundVideoRate: readonly [VideoRate];
  /** The words `true` and `false`: clients compare texts. */
  readonly availableStream: readonly [{ readonly status: 'true' | 'false'; readonly id: MediaSessionId; readonly info?: string }];
  readonly DataStatusEvent: readonly [{ readonly operationId: string; readonly status: 'ACCEPTED' | 'FAILED'; readonly info?: string }];
  readonly OnDataEvent: readonly [{ readonly operationId: string; readonly payload: RoomNews & { readonly roomName: string } }];
}

/** A message as it stands on the wire. Clients read its arguments before its name, so that there are always some, if only `[]`. */
export function frameOf<Message extends keyof ServerMessages>(message: Message, ...data: ServerMessages[Message]): string {
  return JSON.stringify({ message, data });
}
