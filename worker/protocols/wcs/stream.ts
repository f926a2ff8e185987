import type { Bitrates, MediaSessionId, StatusEvent, StreamRequest, StreamStatus } from './messages.ts';

/** What is known of a stream that a client publishes or plays, from its request on. */
export interface ClientStream extends Bitrates {
  readonly mediaSessionId: MediaSessionId;
  readonly name: string;
  /** Whether the client publishes it, or plays it. */
  readonly published: boolean;
  readonly record: boolean;
  readonly quality: number;
  /** Milliseconds since the epoch. */
  readonly createDate: number;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** As they were negotiated. */
  readonly audioCodec?: string;
  readonly videoCodec?: string;
}

/** What a status event says beside what is known of the stream. */
export type StatusDetails = Partial<
  Pick<StatusEvent, 'info' | 'width' | 'height' | 'recordName' | 'audioState' | 'videoState'> & { readonly recordStarted: number }
>;

export function streamOf(request: StreamRequest, published: boolean, now: number): ClientStream {
  const { mediaSessionId, name, quality, bitrate, minBitrate, maxBitrate } = request;
  // A player cannot have its stream recorded.
  const record = published && request.record;
  return { mediaSessionId, name, published, record, quality, bitrate, minBitrate, maxBitrate, createDate: now, hasAudio: true, hasVideo: true };
}

/** All fields of a status event, whatever happened. */
export function statusEvent(stream: ClientStream, status: StreamStatus, details: StatusDetails = {}): StatusEvent {
  const { recordStarted, ...stated } = details;
  const { mediaSessionId, name } = stream;
  return {
    ...stream,
    status,
    width: 0,
    height: 0,
    ...stated,
    streamInfo: {
      nodeId: null,
      appKey: null,
      sessionId: null,
      mediaSessionId,
      name,
      samplingTime: null,
      recordTimestamp: recordStarted ?? null,
      recordStarted: recordStarted !== undefined,
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
  const { mediaSessionId, ...rest } = request;
  const asked = { ...rest, mediaSessionId: '', sdp: '', record: false, quality: 0, bitrate: 0, minBitrate: 0, maxBitrate: 0 };
  const event = statusEvent(streamOf(asked, published, Date.now()), 'FAILED', { info });
  return { ...event, mediaSessionId, streamInfo: { ...event.streamInfo, mediaSessionId } };
}
