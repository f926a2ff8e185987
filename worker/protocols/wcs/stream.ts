import type { SectionInfo } from '../../../shared/sdp.ts';
import type { Bitrates, MediaSessionId, StatusEvent, StreamRequest, StreamStatus } from './messages.ts';

/** What is known of a stream that a client publishes or plays, from its request on. */
export interface ClientStream extends Bitrates {
  readonly mediaSessionId: MediaSessionId;
  readonly name: string;
  /** Whether the client publishes it, or plays it. */
  readonly published: boolean;
  readonly quality: number;
  /** Milliseconds since the epoch. */
  readonly createDate: number;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Whether it is to be recorded, or is being recorded. */
  readonly record: boolean;
  /** As they were negotiated. */
  readonly audioCodec?: string;
  readonly videoCodec?: string;
}

/** What a status event says beside what is known of the stream. */
type StatusDetails = Partial<Pick<StatusEvent, 'info' | 'record' | 'recordName' | 'width' | 'height' | 'audioState' | 'videoState'>>;

/** @param now milliseconds since the epoch. */
export function streamOf(request: StreamRequest, published: boolean, now: number): ClientStream {
  const { mediaSessionId, name, quality, bitrate, minBitrate, maxBitrate, hasAudio, hasVideo } = request;
  const record = published && request.record;
  return { mediaSessionId, name, published, hasVideo, hasAudio, record, bitrate, minBitrate, maxBitrate, quality, createDate: now };
}

/** The stream as it was negotiated: what players ask for is not what they get. */
export function negotiated(stream: ClientStream, sections: readonly SectionInfo[]): ClientStream {
  const [audio, video] = (['audio', 'video'] as const).map((kind) =>
    sections.find((one) => one.kind === kind && one.producer !== undefined),
  );
  return {
    ...stream,
    hasAudio: audio !== undefined,
    hasVideo: video !== undefined,
    ...(audio?.codec !== undefined && { audioCodec: audio.codec }),
    ...(video?.codec !== undefined && { videoCodec: video.codec }),
  };
}

/** All fields of a status event, whatever happened. */
export function statusEvent(stream: ClientStream, status: StreamStatus, details: StatusDetails = {}): StatusEvent {
  const { mediaSessionId, name } = stream;
  return {
    ...stream,
    status,
    width: 0,
    height: 0,
    ...details,
    streamInfo: {
      nodeId: null,
      appKey: null,
      sessionId: null,
      mediaSessionId,
      name,
      samplingTime: null,
      recordTimestamp: null,
      recordStarted: stream.record && status === 'PUBLISHING',
    },
    mediaProvider: 'WebRTC',
  };
}

/** The event about a request of which perhaps not even the id can be read. */
export function failedRequest(
  request: { readonly mediaSessionId: MediaSessionId | null; readonly name: string },
  published: boolean,
  info: string,
): StatusEvent {
  const blank = {
    sdp: '',
    quality: 0,
    bitrate: 0,
    minBitrate: 0,
    maxBitrate: 0,
    hasAudio: false,
    hasVideo: false,
    screen: false,
    record: false,
  };
  const { mediaSessionId } = request;
  const event = statusEvent(streamOf({ ...blank, ...request, mediaSessionId: '' }, published, Date.now()), 'FAILED', { info });
  return { ...event, mediaSessionId, streamInfo: { ...event.streamInfo, mediaSessionId } };
}
