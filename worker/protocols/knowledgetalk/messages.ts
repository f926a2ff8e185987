/** The one event of the protocol, in both directions. */
export const EVENT = 'knowledgetalk';

/**
 * Every operation of a client, with the key under which its name stands in answers and in what is relayed (reference 5). Clients may use either
 * key for any of them.
 */
export const OPERATIONS = {
  CreateRoom: 'eventOp',
  CreateRoomWithRoomId: 'eventOp',
  DestroyRoom: 'eventOp',
  RoomJoin: 'eventOp',
  VideoRoomJoin: 'eventOp',
  RoomJoinAsObserver: 'eventOp',
  ExitRoom: 'eventOp',
  KickOut: 'eventOp',
  KeepAlive: 'eventOp',
  SDP: 'eventOp',
  Candidate: 'eventOp',
  SendFeed: 'eventOp',
  EditFeed: 'eventOp',
  SessionReserve: 'eventOp',
  SessionReserveEnd: 'eventOp',
  ScreenShareConferenceEnd: 'eventOp',
  StartCall: 'eventOp',
  EndCall: 'eventOp',
  WhiteBoardStart: 'eventOp',
  WhiteBoardStop: 'eventOp',
  FileShareStart: 'eventOp',
  FileShareStop: 'eventOp',
  FileShare: 'eventOp',
  RecordStart: 'eventOp',
  RecordStop: 'eventOp',
  SetVideo: 'signalOp',
  SetAudio: 'signalOp',
  SetBlur: 'signalOp',
  ChangeName: 'signalOp',
  Chat: 'signalOp',
  Draw: 'signalOp',
} as const;

export type OperationName = keyof typeof OPERATIONS;

/** What only the server says. Clients answer some of it with a code, and nobody waits for that. */
export const SERVER_OPERATIONS: readonly string[] = [
  'StartSession',
  'ReceiveFeed',
  'Presence',
  'ScreenShareConferenceEndSvr',
  'WhiteBoardStartSvr',
  'WhiteBoardStopSvr',
  'FileShareStartSvr',
  'FileShareStopSvr',
  'FileShareSvr',
];

/** A client's message as it came, without its credentials. */
export type Fields = Readonly<Record<string, unknown>>;

interface SessionDescription {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

export type Usage = 'cam' | 'screen';

/** What each operation says, once it has been checked. */
export interface Contents {
  CreateRoom: { readonly capacity?: number };
  CreateRoomWithRoomId: { readonly roomId: string; readonly capacity?: number };
  DestroyRoom: object;
  RoomJoin: { readonly roomId: string };
  VideoRoomJoin: { readonly roomId: string; readonly userName?: string };
  RoomJoinAsObserver: { readonly roomId: string };
  ExitRoom: object;
  KickOut: { readonly userId: string };
  KeepAlive: object;
  SDP: { readonly usage: Usage; readonly sdp: SessionDescription; readonly pluginId?: string; readonly fields: Fields };
  Candidate: { readonly fields: Fields };
  SendFeed: { readonly feedId: string };
  EditFeed: { readonly userId: string; readonly type: 'video' | 'audio'; readonly status: 'on' | 'off' };
  SessionReserve: object;
  SessionReserveEnd: object;
  ScreenShareConferenceEnd: object;
  StartCall: object;
  EndCall: object;
  WhiteBoardStart: object;
  WhiteBoardStop: object;
  FileShareStart: object;
  FileShareStop: object;
  FileShare: { readonly url: string };
  RecordStart: object;
  RecordStop: { readonly fileName: string; readonly filePath: string; readonly note?: string };
  SetVideo: { readonly status: boolean; readonly reqDate?: string };
  SetAudio: { readonly status: boolean; readonly reqDate?: string };
  SetBlur: { readonly status: boolean };
  ChangeName: { readonly name: string };
  Chat: { readonly message: string };
  Draw: { readonly clears: boolean; readonly fields: Fields };
}

/** What a client wants of the server. */
export type Request<Name extends OperationName = OperationName> = {
  [One in Name]: {
    readonly operation: One;
    readonly contents: Contents[One];
    /** The room that the client means, where it says so. */
    readonly roomId?: string;
    /** Goes back to the client with the answer. */
    readonly reqNo?: string | number;
  };
}[Name];

/** Who is who in a room, as clients are told (reference 4): by userId. */
export type Members = Readonly<Record<string, Member>>;

export interface Member {
  readonly NAME: string;
  readonly sessionId: string;
  /** True is off, as in SetVideo and SetAudio; absent where the member has said nothing. */
  readonly VIDEO?: boolean;
  readonly AUDIO?: boolean;
  /** True is on. */
  readonly BLUR?: boolean;
}

/** Something that a client can subscribe to, under the names that the document and the clients have for it. */
export interface Feed {
  readonly id: string;
  readonly feedId: string;
  readonly display: string;
  readonly displayId: string;
}
