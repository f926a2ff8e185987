import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { MediaKind } from '../../shared/rtp.ts';

/** What a track shows. A stream has at most one publication of each. */
export type Source = 'microphone' | 'camera' | 'screen';

/** One track that a participant sends to the room. */
export interface Publication {
  /** The id of the producer that carries it on the media node. */
  readonly id: MediaId;
  readonly participantId: ParticipantId;
  /** The stream that it is a part of. */
  readonly stream: StreamId;
  readonly source: Source;
  /** Paused for everybody, or declared to be: a participant that declares its indication sends on. */
  readonly paused: boolean;
  /** Name of its codec, as in `a=rtpmap`: `opus`, `VP8`. */
  readonly codec?: string;
  /** Names of its simulcast layers, lowest first, where they have names. */
  readonly rids?: readonly string[];
  /** The negotiated connection with which it ends. */
  readonly connectionId?: MediaId;
  /** Of its pictures, as soon as the first has come; of simulcast, of the best layer that arrives. */
  readonly size?: PictureSize;
  /** Which layer has this size, counted from 0. */
  readonly sizedLayer?: number;
}

/** In pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The kind of media a source gives. */
export function kindOf(source: Source): MediaKind {
  return source === 'microphone' ? 'audio' : 'video';
}
