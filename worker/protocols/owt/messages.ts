import type { MediaKind } from '../../../shared/rtp.ts';

/**
 * In which shape a request describes media. Clients of protocol 1.2 name a list of tracks, those of 1.1 and 1.0 one entry for each kind, and those
 * that follow only the original document a single track.
 */
export type Form = 'tracks' | 'kinds' | 'track';

/** The protocol's words for what a track shows. */
export const SOURCES = ['mic', 'camera', 'screen-cast', 'file', 'mixed', 'raw-file', 'encoded-file'] as const;
export type Source = (typeof SOURCES)[number];

/** Quality of a picture, as it is published or as a subscriber wishes it. */
export interface Parameters {
  readonly resolution?: { readonly width: number; readonly height: number };
  /** Frames per second. */
  readonly framerate?: number;
  /** Of the bit rate at which the picture is published, greater than 0. */
  readonly bitrateMultiplier?: number;
}

export interface PublishedTrack {
  readonly kind: MediaKind;
  /** The media section that carries it; absent where the kind tells it. */
  readonly mid?: string;
  readonly source?: Source;
  readonly parameters?: Parameters;
}

export interface SubscribedTrack {
  /** Absent where the media section tells it. */
  readonly kind?: MediaKind;
  readonly mid?: string;
  /** A stream, or one of its tracks. */
  readonly from: string;
  /** One layer of a simulcast track. */
  readonly rid?: string;
  readonly parameters?: Parameters;
}

export type Attributes = Readonly<Record<string, unknown>>;

/** What a subscriber wants to change of a subscription that it has. */
export interface SubscriptionUpdate {
  readonly kind: MediaKind;
  readonly from?: string;
  readonly parameters?: Parameters;
}

/** What clients ask once they are in a room, in whatever form they said it. */
export type ClientRequest =
  | {
      readonly event: 'publish';
      readonly form: Form;
      readonly tracks: readonly PublishedTrack[];
      readonly transportId?: string;
      readonly attributes?: Attributes;
    }
  | { readonly event: 'unpublish'; readonly id: string }
  | { readonly event: 'subscribe'; readonly form: Form; readonly tracks: readonly SubscribedTrack[]; readonly transportId?: string }
  | { readonly event: 'unsubscribe'; readonly id: string }
  | { readonly event: 'stream-control'; readonly id: string; readonly paused: boolean; readonly kinds: readonly MediaKind[] }
  | {
      readonly event: 'subscription-control';
      readonly id: string;
      readonly change:
        { readonly paused: boolean; readonly kinds: readonly MediaKind[] } | { readonly updates: readonly SubscriptionUpdate[] };
    }
  /** `offer` is absent for what needs no work: candidates, and whatever else the media node finds out by itself. */
  | { readonly event: 'soac'; readonly transportId: string; readonly offer?: string }
  | { readonly event: 'text'; readonly to: string; readonly message: string }
  | { readonly event: 'refreshReconnectionTicket' }
  | { readonly event: 'logout' };

/** What clients say, of all of which an answer is expected if they ask for one. */
export const REQUESTS = [
  'login',
  'relogin',
  'logout',
  'refreshReconnectionTicket',
  'publish',
  'unpublish',
  'subscribe',
  'unsubscribe',
  'stream-control',
  'subscription-control',
  'soac',
  'text',
] as const;

/** Revisions of the protocol that differ in what they are told. */
export type Revision = '1.0' | '1.1' | '1.2';

export interface Permission {
  readonly publish: Readonly<Record<MediaKind, boolean>>;
  readonly subscribe: Readonly<Record<MediaKind, boolean>>;
}

/** What a member may do, by its role. The names and the meanings are those that an OWT server has from the beginning. */
export const ROLES = {
  presenter: { publish: { audio: true, video: true }, subscribe: { audio: true, video: true } },
  viewer: { publish: { audio: false, video: false }, subscribe: { audio: true, video: true } },
  audio_only_presenter: { publish: { audio: true, video: false }, subscribe: { audio: true, video: false } },
  video_only_viewer: { publish: { audio: false, video: false }, subscribe: { audio: false, video: true } },
  sip: { publish: { audio: true, video: true }, subscribe: { audio: true, video: true } },
} as const satisfies Record<string, Permission>;
export type Role = keyof typeof ROLES;

/** A member as the others are told of it. */
export interface MemberInfo {
  readonly id: string;
  readonly user: string;
  readonly role: Role;
}

type Status = 'active' | 'inactive';

interface Format {
  readonly codec: string;
  readonly sampleRate?: number;
  readonly channelNum?: number;
}

interface VideoParameters {
  readonly resolution?: { readonly width: number; readonly height: number };
  readonly framerate?: number;
}

interface Optional {
  readonly format: readonly never[];
  readonly parameters?: Readonly<Record<'resolution' | 'framerate' | 'bitrate' | 'keyFrameInterval', readonly never[]>>;
}

/** A track of a stream, for clients of protocol 1.2. */
export interface TrackInfo {
  readonly id: string;
  readonly type: MediaKind;
  readonly source?: Source;
  readonly status: Status;
  readonly mid: string;
  readonly rid?: string;
  readonly format: Format;
  readonly parameters?: VideoParameters;
  readonly optional?: Optional;
}

/** The media of a stream, for clients of protocol 1.1 and 1.0. */
export interface MediaByKind {
  readonly audio?: { readonly status: Status; readonly source?: Source; readonly format: Format; readonly optional: Optional };
  readonly video?: {
    readonly status: Status;
    readonly source?: Source;
    readonly original?: readonly { readonly format: Format; readonly parameters?: VideoParameters; readonly simulcastRid?: string }[];
    readonly format?: Format;
    readonly parameters?: VideoParameters;
    readonly optional: Optional;
  };
}

/** A stream, complete. */
export interface StreamInfo {
  readonly id: string;
  readonly type: 'forward';
  /** Not a stream of data. */
  readonly data: false;
  readonly media: { readonly tracks: readonly TrackInfo[] } | MediaByKind;
  readonly info: { readonly owner: string; readonly type: 'webrtc'; readonly inViews: readonly never[]; readonly attributes: Attributes };
}

/** What the server says without being asked, by the name of its event. */
export type Notification =
  | { readonly event: 'participant'; readonly data: { readonly action: 'join'; readonly data: MemberInfo } }
  | { readonly event: 'participant'; readonly data: { readonly action: 'leave'; readonly data: string } }
  | { readonly event: 'stream'; readonly data: { readonly id: string; readonly status: 'add'; readonly data: StreamInfo } }
  | {
      readonly event: 'stream';
      readonly data: {
        readonly id: string;
        readonly status: 'update';
        readonly data:
          { readonly field: 'audio.status' | 'video.status'; readonly value: Status } | { readonly field: '.'; readonly value: StreamInfo };
      };
    }
  | { readonly event: 'stream'; readonly data: { readonly id: string; readonly status: 'remove'; readonly data: object } }
  | {
      readonly event: 'progress';
      readonly data: { readonly id: string; readonly status: 'soac'; readonly data: { readonly type: 'answer'; readonly sdp: string } };
    }
  | { readonly event: 'progress'; readonly data: { readonly id: string; readonly sessionId?: string; readonly status: 'ready' } }
  | {
      readonly event: 'progress';
      readonly data: { readonly id: string; readonly sessionId?: string; readonly status: 'error'; readonly data: string };
    }
  | { readonly event: 'text'; readonly data: { readonly from: string; readonly to: 'all' | 'me'; readonly message: string } };

/** What a login is answered with. */
export interface LoginResult extends MemberInfo {
  readonly permission: Permission;
  readonly room: {
    readonly id: string;
    readonly views: readonly never[];
    readonly streams: readonly StreamInfo[];
    readonly participants: readonly MemberInfo[];
  };
  readonly reconnectionTicket: string;
}
