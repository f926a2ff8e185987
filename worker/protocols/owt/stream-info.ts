import type { MediaKind } from '../../../shared/rtp.ts';
import type { Attributes, MediaByKind, Parameters, Revision, Source, StreamInfo, TrackInfo } from './messages.ts';

/** What is told of a track. */
export interface DescribedTrack {
  readonly kind: MediaKind;
  readonly source: Source | undefined;
  readonly paused: boolean;
  readonly mid: string;
  /** As in `a=rtpmap`. */
  readonly codec: string | undefined;
  /** Simulcast layers, lowest first; empty without simulcast. */
  readonly rids: readonly string[];
  readonly parameters: Parameters | undefined;
}

/** What is told of a stream. */
export interface DescribedStream {
  readonly id: string;
  /** The owner's id in this protocol. */
  readonly owner: string;
  readonly attributes: Attributes;
  readonly tracks: readonly DescribedTrack[];
}

const ROOM_CODECS: Readonly<Record<MediaKind, string>> = { audio: 'opus', video: 'vp8' };

/** Words for sound that every client understands: the JavaScript SDK throws on any other, and knows fewer for sound than for pictures. */
const AUDIO_SOURCES: readonly Source[] = ['mic', 'screen-cast', 'file', 'mixed'];

/** None of the choices that a transcoding server would offer. The JavaScript SDK 5.0 wants all four lists of a picture. */
const NO_CHOICES = {
  audio: { format: [] },
  video: { format: [], parameters: { resolution: [], framerate: [], bitrate: [], keyFrameInterval: [] } },
} as const;

/** Describes a stream in the shape that clients of a revision read. */
export function streamInfoOf(stream: DescribedStream, revision: Revision): StreamInfo {
  const { id, owner, attributes } = stream;
  return {
    id,
    type: 'forward',
    data: false,
    media: revision === '1.2' ? { tracks: tracksOf(stream) } : mediaByKind(stream, revision),
    info: { owner, type: 'webrtc', inViews: [], attributes },
  };
}

/** Names a track; a client subscribes to it alone by this id. */
export function trackIdOf(streamId: string, kind: MediaKind, rid?: string): string {
  return [streamId, kind === 'audio' ? 'a' : 'v', ...(rid === undefined ? [] : [rid])].join('-');
}

function tracksOf({ id, tracks }: DescribedStream): TrackInfo[] {
  return tracks.flatMap((track) => {
    // Each layer of a simulcast track is a track of its own in the same media section.
    const rids = track.rids.length > 0 ? track.rids : [undefined];
    return rids.map((rid, layer) => trackOf(id, track, rid, track.rids.length - 1 - layer));
  });
}

/** @param steps how often the layer is half as wide and high as the best one. */
function trackOf(streamId: string, track: DescribedTrack, rid: string | undefined, steps: number): TrackInfo {
  const { kind, mid, parameters } = track;
  const pictured = kind === 'video' ? videoParameters(parameters, Math.max(0, steps)) : undefined;
  return {
    id: trackIdOf(streamId, kind, rid),
    type: kind,
    ...sourceOf(track),
    status: statusOf(track),
    mid,
    ...(rid !== undefined && { rid }),
    format: formatOf(track),
    ...(pictured && { parameters: pictured }),
    ...(kind === 'video' && { optional: NO_CHOICES.video }),
  };
}

function mediaByKind({ tracks }: DescribedStream, revision: '1.0' | '1.1'): MediaByKind {
  const audio = tracks.find(({ kind }) => kind === 'audio');
  const video = tracks.find(({ kind }) => kind === 'video');
  return {
    ...(audio && { audio: { status: statusOf(audio), ...sourceOf(audio), format: formatOf(audio), optional: NO_CHOICES.audio } }),
    ...(video && { video: { status: statusOf(video), ...sourceOf(video), ...originalOf(video, revision), optional: NO_CHOICES.video } }),
  };
}

/** Revision 1.1 lists the layers of a picture, revision 1.0 knows only one. */
function originalOf(video: DescribedTrack, revision: '1.0' | '1.1'): Partial<NonNullable<MediaByKind['video']>> {
  const rids = video.rids.length > 0 ? video.rids : [undefined];
  const layers = rids.map((rid, layer) => {
    const parameters = videoParameters(video.parameters, Math.max(0, video.rids.length - 1 - layer));
    return { format: formatOf(video), ...(parameters && { parameters }), ...(rid !== undefined && { simulcastRid: rid }) };
  });
  if (revision === '1.1') return { original: layers };
  const { format, parameters } = layers.at(-1) ?? { format: formatOf(video) };
  return { format, ...(parameters && { parameters }) };
}

function statusOf({ paused }: DescribedTrack): 'active' | 'inactive' {
  return paused ? 'inactive' : 'active';
}

function sourceOf({ kind, source }: DescribedTrack): { source?: Source } {
  if (source === undefined) return {};
  if (kind === 'video') return { source };
  return AUDIO_SOURCES.includes(source) ? { source } : { source: 'file' };
}

function formatOf({ kind, codec }: DescribedTrack): TrackInfo['format'] {
  const name = codec?.toLowerCase() ?? ROOM_CODECS[kind];
  return kind === 'audio' ? { codec: name, sampleRate: 48_000, channelNum: 2 } : { codec: name };
}

/** Native clients misread a stream with numbers that are no integers; the rest of the parameters says nothing to them. */
function videoParameters(parameters: Parameters | undefined, steps: number): TrackInfo['parameters'] {
  const { resolution, framerate } = parameters ?? {};
  if (!resolution && framerate === undefined) return undefined;
  const scaled = (length: number) => Math.max(1, Math.round(length / 2 ** steps));
  return {
    ...(resolution && { resolution: { width: scaled(resolution.width), height: scaled(resolution.height) } }),
    ...(framerate !== undefined && { framerate }),
  };
}
