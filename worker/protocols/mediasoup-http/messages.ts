import type { MediaId, ParticipantId } from '../../../shared/ids.ts';
import type { ConsumerInfo, ResultOf, TransportInfo } from '../../../shared/media-api.ts';
import type { IceServer } from '../../../shared/ice.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters } from '../../../shared/rtp.ts';

/** The protocol's name for what a track shows. */
export type MediaStreamType = 'mic' | 'webcam' | 'screen';

/** Requests of the HTTP API, one per endpoint, as they are handed to the room. */
export type ApiRequest =
  | { readonly endpoint: 'exists' }
  | { readonly endpoint: 'createRoom' }
  | { readonly endpoint: 'attendees' }
  | { readonly endpoint: 'createAttendee'; readonly userMail: ParticipantId }
  | { readonly endpoint: 'connectSender'; readonly userMail: ParticipantId; readonly dtlsParameters: DtlsParameters }
  | {
      readonly endpoint: 'createProducer';
      readonly userMail: ParticipantId;
      readonly type: MediaStreamType;
      readonly rtpParameters: RtpParameters;
    }
  | { readonly endpoint: 'producers'; readonly producerMail?: ParticipantId }
  | { readonly endpoint: 'connectReceiver'; readonly userMail: ParticipantId; readonly dtlsParameters: DtlsParameters }
  | {
      readonly endpoint: 'createConsumer';
      readonly userMail: ParticipantId;
      readonly id: MediaId;
      readonly rtpCapabilities: RtpCapabilities;
    }
  | { readonly endpoint: 'leaveRoom'; readonly userMail: ParticipantId };

export type Endpoint = ApiRequest['endpoint'];

export interface ProducerEntry {
  readonly type: MediaStreamType;
  readonly id: MediaId;
}

/** Options for `createSendTransport` and `createRecvTransport` of mediasoup-client. */
type TransportParams = TransportInfo & { readonly iceServers?: readonly IceServer[] };

/** What each endpoint answers on success. */
export interface ApiResults {
  exists: { readonly exists: boolean };
  createRoom: { readonly created: boolean };
  attendees: readonly { readonly id: ParticipantId }[];
  createAttendee: {
    readonly rtpCapabilities: ResultOf<'openRoom'>['rtpCapabilities'];
    readonly sendParams: TransportParams;
    readonly recvParams: TransportParams;
  };
  connectSender: null;
  createProducer: { readonly id: MediaId };
  producers: Readonly<Record<ParticipantId, readonly ProducerEntry[]>>;
  connectReceiver: null;
  createConsumer: ConsumerInfo & { readonly producerId: MediaId };
  leaveRoom: null;
}
export type ApiResult = ApiResults[Endpoint];

/** What clients say over the socket. */
export type ClientMessage =
  | { readonly kind: 'notification'; readonly method: ClientMethod; readonly type: MediaStreamType }
  | { readonly kind: 'request'; readonly id: number };
type ClientMethod = 'producerRemoved' | 'producerPaused' | 'producerResumed';

/** What the server says over the socket, without being asked. */
export type Notification =
  | { readonly method: 'userJoined'; readonly data: { readonly user: ParticipantId; readonly producers: readonly ProducerEntry[] } }
  | { readonly method: 'userLeft'; readonly data: { readonly user: ParticipantId } }
  | { readonly method: 'producerAdded'; readonly data: ProducerEntry & { readonly user: ParticipantId } }
  | { readonly method: ClientMethod; readonly data: { readonly user: ParticipantId; readonly type: MediaStreamType } };
