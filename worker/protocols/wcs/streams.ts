import { assertNever } from '../../../shared/assert-never.ts';
import type { MediaId, ParticipantId } from '../../../shared/ids.ts';
import type { ConsumerStatistics, FlowStatistics, ProducerStatistics } from '../../../shared/media-api.ts';
import type { SectionInfo } from '../../../shared/sdp.ts';
import { logger } from '../../platform/logger.ts';
import type { Negotiated } from '../../room/conference.ts';
import type { Connection } from '../../room/connection.ts';
import { Refusal } from '../../room/errors.ts';
import { kindOf, type PictureSize, type Publication } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { LiveRoom, MediaReport, RoomHost, Session } from '../protocol.ts';
import { Bandwidth, type Shortage } from './bandwidth.ts';
import { asCarrier, type Carrier, carrierAt, carriersOf, playersOf, publicationIn } from './carriers.ts';
import { INFO, infoOf } from './errors.ts';
import { frameOf, type MediaSessionId, type MuteStates, type StatusEvent, type StreamRequest, type VideoRate } from './messages.ts';
import { readyStream, recordNameOf, streamNamed } from './names.ts';
import { isRecorded } from './recorders.ts';
import { tellPublished } from './room-api.ts';
import { type ClientStream, failedRequest, negotiated, statusEvent, streamOf } from './stream.ts';

/** A stream whose media does not come up in this time has failed, in milliseconds. */
const ICE_TIMEOUT = 15_000;

/** Streams that one client publishes and plays in one room at the same time. */
const MAX_STREAMS = 100;

/** The media node knows no smaller limit, in bit/s. */
const MIN_LIMIT = 10_000;

/** Where something happens to a stream. */
interface Stage {
  readonly session: Session;
  readonly live: LiveRoom;
  readonly host: RoomHost;
}

/** The streams that clients publish and play in one room. */
export class Streams {
  readonly #rtpTimeout: number;
  /** Of connections whose media has not come up yet. A running timer keeps the object awake. */
  readonly #timers = new Map<MediaId, ReturnType<typeof setTimeout>>();
  /** Streams that are being negotiated, and have not been stopped meanwhile. */
  readonly #pending = new Set<ClientStream>();
  /** What players were told of their pictures, by connection: it outlives the publication. */
  readonly #sizes = new Map<MediaId, PictureSize>();
  /** How well the lines of players carry what they play, by connection. */
  readonly #bandwidths = new Map<MediaId, Bandwidth>();

  /** @param rtpTimeout a stream of which nothing has come for so many seconds has failed; 0 is never. */
  constructor(rtpTimeout: number) {
    this.#rtpTimeout = rtpTimeout;
  }

  /** Begins to publish or to play; the status that it comes to is told when its media flows, or has not come up in time. */
  async begin(request: StreamRequest, published: boolean, stage: Stage): Promise<void> {
    const { session, live, host } = stage;
    const problem = problemOf(request, published, session.participantId, live.room);
    if (problem !== undefined) {
      session.send(frameOf('notifyStreamStatusEvent', failedRequest(request, published, problem)));
      return;
    }
    const record = request.record || isRecorded(live.room, host);
    const stream = streamOf({ ...request, record }, published, host.now());
    this.#pending.add(stream);
    try {
      await (published ? this.#publish(request, stream, stage) : this.#play(request, stream, stage));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.warn('wcs: a stream was not begun', { room: live.room.id, reason: error.reason });
      if (this.#pending.has(stream)) session.send(failedFrame(stream, infoOf(error.reason)));
    } finally {
      this.#pending.delete(stream);
    }
  }

  /**
   * The client stops one of its streams; one that it does not have is passed over.
   *
   * @returns where it is told later, because its file has to be closed first.
   */
  stop(mediaSessionId: MediaSessionId, session: Session, live: LiveRoom): Promise<void> | undefined {
    const carrier = carriersOf(session.participantId, live.room).find(({ note }) => note.stream.mediaSessionId === mediaSessionId);
    return carrier && this.#finish(carrier, session, live);
  }

  /** The client leaves the room: it is told of each of its streams that it has ended. @returns like {@link stop} */
  stopAll(session: Session, live: LiveRoom): Promise<void> | undefined {
    const recorded = carriersOf(session.participantId, live.room).flatMap((carrier) => this.#finish(carrier, session, live) ?? []);
    return recorded.length > 0 ? Promise.all(recorded).then(() => undefined) : undefined;
  }

  /** The media of a stream flows. */
  connected(connection: Connection, stage: Stage): void {
    const { session, live, host } = stage;
    const carrier = asCarrier(connection, live.room);
    if (!carrier) return;
    this.#stopTimer(connection.id);
    const { stream, streamId, recording } = carrier.note;
    if (!stream.published) {
      session.send(frameOf('notifyStreamStatusEvent', statusEvent(stream, 'PLAYING', muteStates(carrier, live.room))));
      const size = publicationIn(streamId, 'video', live.room)?.size;
      if (size) this.#tellSize(carrier, size, live.room, host);
    } else if (stream.record && !recording) void record(carrier, stage);
    else tellPublishing(carrier, stage);
    if (stream.published && this.#rtpTimeout > 0) unattended(live.conference.expectMedia(carrier.id, this.#rtpTimeout), live);
    measure(carrier, live);
  }

  /** The media of a stream is gone, and no client negotiates anew: that is the end of it. */
  connectionLost(connection: Connection, session: Session, live: LiveRoom): void {
    const { room } = live;
    const carrier = asCarrier(connection, room);
    if (!carrier) return;
    // What has never been connected is given up before ICE would be.
    const info = this.#stopTimer(connection.id) ? INFO.dtlsError : INFO.iceLost;
    void conclude(carrier, session, live, failed(info), this.#takeSize(carrier, room));
    // The room is in the middle of a change.
    queueMicrotask(() => {
      end(carrier, room);
    });
  }

  /** The stream that was played has ended, or the client has closed its PeerConnection, which it does when it stops a stream. */
  connectionClosed(connection: Connection, session: Session, live: LiveRoom): void {
    const { room } = live;
    const carrier = asCarrier(connection, room);
    if (!carrier) return;
    this.#stopTimer(connection.id);
    const { stream, streamId } = carrier.note;
    const isOver = !stream.published && !room.stream(streamId);
    void conclude(carrier, session, live, isOver ? failed(INFO.publisherStopped) : stopped(stream), this.#takeSize(carrier, room));
  }

  /** Tells players the size of their pictures, everybody once a second how the media flows, and a publisher that nothing comes of it. */
  mediaReported(report: MediaReport, live: LiveRoom, host: RoomHost): void {
    const { room } = live;
    switch (report.type) {
      case 'statistics':
        for (const one of report.producers) tellInboundRate(one, room, host);
        for (const one of report.consumers) this.#measured(one, room, host);
        return;
      case 'video-format':
        this.#pictureSized(report, room, host);
        return;
      case 'media-missing':
        this.#mediaMissing(report.transport, live, host);
        return;
      default:
        assertNever(report);
    }
  }

  /** Sends a still of a stream. */
  async picture(mediaSessionId: MediaSessionId, name: string, session: Session, { room, conference }: LiveRoom): Promise<void> {
    const tell = (type: 'snapshotCompleted' | 'snapshotFailed', payload: object) => {
      session.send(frameOf('notifyStreamEvent', { mediaSessionId, type, payload }));
    };
    const stream = streamNamed(name, room);
    const publication = stream && publicationIn(stream.id, 'video', room);
    if (!publication) {
      tell('snapshotFailed', { info: INFO.notFound });
      return;
    }
    try {
      tell('snapshotCompleted', { snapshot: base64Of(await conference.picture(publication.id)) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell('snapshotFailed', { info: infoOf(error.reason) });
    }
  }

  #measured(measured: ConsumerStatistics, room: Room, host: RoomHost): void {
    const player = measured.connection === undefined ? undefined : carrierAt(measured.connection, room);
    if (!player) return;
    host.sendTo(player.participantId, frameOf('outboundVideoRate', rateOf(player, measured)));
    const bandwidth = this.#bandwidths.get(player.id) ?? new Bandwidth();
    this.#bandwidths.set(player.id, bandwidth);
    const shortage = bandwidth.take(measured);
    if (shortage) tellShortage(player, shortage, room, host);
  }

  #pictureSized({ producer, width, height }: Extract<MediaReport, { type: 'video-format' }>, room: Room, host: RoomHost): void {
    const publication = room.publication(producer);
    for (const player of publication ? playersOf(publication.stream, room) : []) {
      if (player.state === 'connected') this.#tellSize(player, { width, height }, room, host);
    }
  }

  /** The client is there, and yet nothing comes of what it publishes. */
  #mediaMissing(connection: MediaId, live: LiveRoom, host: RoomHost): void {
    const carrier = carrierAt(connection, live.room);
    if (!carrier) return;
    const client = {
      send: (frame: string) => {
        host.sendTo(carrier.participantId, frame);
      },
    };
    void conclude(carrier, client, live, failed(INFO.rtpMissing), this.#takeSize(carrier, live.room));
    end(carrier, live.room);
  }

  #finish(carrier: Carrier, session: Session, live: LiveRoom): Promise<void> | undefined {
    this.#stopTimer(carrier.id);
    this.#pending.delete(carrier.note.stream);
    const concluded = conclude(carrier, session, live, stopped(carrier.note.stream), this.#takeSize(carrier, live.room));
    end(carrier, live.room);
    return concluded;
  }

  /** The name is taken from here on; it is given back when the stream ends, or has not begun. */
  async #publish(request: StreamRequest, stream: ClientStream, stage: Stage): Promise<void> {
    const { session, live } = stage;
    const { room, conference } = live;
    const streamId = crypto.randomUUID();
    if (streamNamed(request.name, room)) throw new Refusal('stream-exists');
    room.openStream(session.participantId, streamId, { label: request.name });
    try {
      room.reveal(session.participantId, request.name);
      const sources = { audio: 'microphone', video: request.screen ? 'screen' : 'camera' } as const;
      const offer = { sdp: request.sdp, purpose: purposeOf(stream), note: { stream, streamId } };
      const answer = await conference.publishByOffer(session.participantId, offer, { stream: streamId, sources });
      await limit(answer.connection, stream, live);
      const isAnyCarried = answer.sections.some(({ producer }) => producer !== undefined);
      this.#answered(stream, answer, stage, isAnyCarried);
    } catch (error) {
      room.closeStream(streamId);
      throw error;
    }
  }

  async #play(request: StreamRequest, stream: ClientStream, stage: Stage): Promise<void> {
    const { session, live } = stage;
    const { room, conference } = live;
    const streamId = streamNamed(request.name, room)?.id;
    if (streamId === undefined) throw new Refusal('stream-not-found');
    const offer = { sdp: request.sdp, purpose: purposeOf(stream), note: { stream, streamId } };
    const answer = await conference.viewByOffer(session.participantId, { stream: streamId }, offer);
    const publications = room.stream(streamId)?.publications ?? [];
    const isAllCarried = publications.every((one) => isCarried(one, answer.sections));
    this.#answered(stream, answer, stage, isAllCarried);
  }

  /** Sends the answer, and waits for the media. */
  #answered(asked: ClientStream, { connection, sdp, sections }: Negotiated, { session, live }: Stage, hasCodecs: boolean): void {
    const { room } = live;
    const carrier = carrierAt(connection.id, room);
    if (!carrier) throw new Refusal('superseded');
    if (!hasCodecs) {
      room.closeConnection(connection.id);
      throw new Refusal('cannot-subscribe');
    }
    const stream = negotiated(asked, sections);
    room.annotate(connection.id, { ...carrier.note, stream });
    const { mediaSessionId, published, audioCodec } = stream;
    if (!published && audioCodec !== undefined) session.send(frameOf('notifyAudioCodec', mediaSessionId, { name: audioCodec }));
    session.send(frameOf('setRemoteSDP', mediaSessionId, sdp, true));
    this.#expectMedia({ ...carrier, note: { ...carrier.note, stream } }, session, live);
  }

  /** A stream whose media does not come up in time has failed. What comes up late on a busy edge is the report of it, too: then that is waited for. */
  #expectMedia(carrier: Carrier, session: Session, live: LiveRoom): void {
    const { id, note } = carrier;
    const giveUp = async (): Promise<void> => {
      const isUp = await live.conference.isUp(id).catch(() => false);
      // Meanwhile it may have been reported, or the stream may have ended.
      if (!this.#timers.has(id)) return;
      if (isUp) {
        this.#expectMedia(carrier, session, live);
        return;
      }
      this.#timers.delete(id);
      session.send(failedFrame(note.stream, INFO.iceTimeout));
      end(carrier, live.room);
    };
    this.#timers.set(
      id,
      setTimeout(() => void giveUp(), ICE_TIMEOUT),
    );
  }

  /** @returns whether it was running. */
  #stopTimer(connection: MediaId): boolean {
    clearTimeout(this.#timers.get(connection) ?? null);
    return this.#timers.delete(connection);
  }

  /**
   * In both forms: newer clients prefer the second one, older ones know the first only. These forget what is muted with every status that does not
   * say it.
   */
  #tellSize(carrier: Carrier, size: PictureSize, room: Room, host: RoomHost): void {
    const { id, participantId, note } = carrier;
    if (!note.stream.hasVideo) return;
    this.#sizes.set(id, size);
    const { mediaSessionId } = note.stream;
    const payload = { streamerVideoWidth: size.width, streamerVideoHeight: size.height };
    const format = { ...payload, mediaSessionId, status: 'RESIZE', ...muteStates(carrier, room) } as const;
    host.sendTo(participantId, frameOf('notifyVideoFormat', format));
    host.sendTo(participantId, frameOf('notifyStreamEvent', { mediaSessionId, type: 'resize', payload }));
  }

  /** Forgets a stream that ends. @returns the size that its final event tells. */
  #takeSize({ id, note: { streamId } }: Carrier, room: Room): PictureSize | undefined {
    this.#bandwidths.delete(id);
    const told = this.#sizes.get(id);
    this.#sizes.delete(id);
    return publicationIn(streamId, 'video', room)?.size ?? told;
  }
}

/** The answer to the question whether a stream can be played. */
export function availability(mediaSessionId: MediaSessionId, name: string, room: Room): string {
  const info = whyNotPlayable(name, room);
  const answer = info === undefined ? ({ status: 'true' } as const) : ({ status: 'false', info } as const);
  return frameOf('availableStream', { ...answer, id: mediaSessionId });
}

function whyNotPlayable(name: string, room: Room): string | undefined {
  const stream = streamNamed(name, room);
  if (!stream) return INFO.notFound;
  return readyStream(stream, room) ? undefined : INFO.notReady;
}

function problemOf({ mediaSessionId, name }: StreamRequest, published: boolean, owner: ParticipantId, room: Room): string | undefined {
  const carriers = carriersOf(owner, room);
  if (carriers.some(({ note }) => note.stream.mediaSessionId === mediaSessionId)) return INFO.sessionIdInUse;
  if (carriers.length >= MAX_STREAMS) return INFO.failed;
  return published ? undefined : whyNotPlayable(name, room);
}

/** Whether what is published reaches the client where it wants this kind at all. */
function isCarried({ source }: Publication, sections: readonly SectionInfo[]): boolean {
  const wanted = sections.filter(({ kind }) => kind === kindOf(source));
  return wanted.length === 0 || wanted.some(({ producer }) => producer !== undefined);
}

function purposeOf({ published, mediaSessionId }: ClientStream): string {
  return `${published ? 'publish' : 'play'} ${mediaSessionId}`;
}

/** A publisher may want its video to be limited; that it stays above a bound, only its own browser can see to. */
async function limit({ id }: Connection, { bitrate, maxBitrate }: ClientStream, { conference }: LiveRoom): Promise<void> {
  const kilobits = maxBitrate > 0 ? maxBitrate : bitrate;
  if (kilobits > 0) await conference.limit(id, { maxVideoBitrate: Math.max(MIN_LIMIT, kilobits * 1000) });
}

/** Has the video of a stream measured. Without numbers the stream goes on all the same. */
function measure({ id, participantId, note: { stream, streamId } }: Carrier, live: LiveRoom): void {
  const { room, conference } = live;
  if (!stream.hasVideo) return;
  const publication = publicationIn(streamId, 'video', room);
  const view = room.viewsBy(participantId).find(({ connectionId }) => connectionId === id);
  const section = view?.sections.find(({ kind }) => kind === 'video');
  const measuring = stream.published
    ? publication && conference.measure(publication.id)
    : section && conference.measureSection(id, section.mid);
  if (measuring) unattended(measuring, live);
}

/** What the media node is asked to watch: without it the stream goes on all the same. */
function unattended(watching: Promise<void>, { room }: LiveRoom): void {
  watching.catch((error: unknown) => {
    logger.warn('wcs: a stream is not watched', { room: room.id, error: String(error) });
  });
}

function tellInboundRate(measured: ProducerStatistics, room: Room, host: RoomHost): void {
  const { connectionId } = room.publication(measured.producer) ?? {};
  const carrier = connectionId === undefined ? undefined : carrierAt(connectionId, room);
  if (carrier) host.sendTo(carrier.participantId, frameOf('inboundVideoRate', rateOf(carrier, measured)));
}

/** In both forms, as sizes are told. */
function tellShortage(player: Carrier, { stream, available }: Shortage, room: Room, host: RoomHost): void {
  const { participantId, note } = player;
  const info = `${stream}/${available}`;
  const status = statusEvent(note.stream, 'NOT_ENOUGH_BANDWIDTH', { info, ...muteStates(player, room) });
  host.sendTo(participantId, frameOf('notifyStreamStatusEvent', status));
  const { mediaSessionId } = note.stream;
  host.sendTo(participantId, frameOf('notifyStreamEvent', { mediaSessionId, type: 'notEnoughBandwidth', payload: { info } }));
}

function rateOf({ note: { stream } }: Carrier, measured: FlowStatistics): VideoRate {
  const { bitrate, frameRate = 0, nackCount, pliCount, packetsLost, width = 0, height = 0 } = measured;
  const { mediaSessionId } = stream;
  return {
    mediaSessionId,
    videoRate: bitrate,
    fps: Math.round(frameRate),
    nack: nackCount,
    pli: pliCount,
    lostPackets: packetsLost,
    width,
    height,
  };
}

/** Ends a stream with its connection, also one that never began. */
function end({ id, note: { stream, streamId } }: Carrier, room: Room): void {
  room.closeConnection(id);
  if (stream.published) room.closeStream(streamId);
}

/** Whoever comes later learns what is muted. */
function muteStates({ note: { streamId } }: Carrier, room: Room): MuteStates {
  const stateOf = (kind: 'audio' | 'video') => {
    const publication = publicationIn(streamId, kind, room);
    return publication && { [`${kind}State`]: { muted: publication.paused } };
  };
  return { ...stateOf('audio'), ...stateOf('video') };
}

/** Has a stream recorded; one that cannot be is published all the same, and its status says so. */
async function record({ id }: Carrier, stage: Stage): Promise<void> {
  const { session, live } = stage;
  const carrier = carrierAt(id, live.room);
  if (!carrier) return;
  const { note } = carrier;
  const { mediaSessionId } = note.stream;
  const login = typeof session.data === 'string' ? session.data : session.participantId;
  try {
    const fileName = (extension: string) => recordNameOf(mediaSessionId, login, extension);
    const recording = await live.services.recordings.recordStream({ stream: note.streamId, subject: note.stream.name, fileName });
    live.room.annotate(id, { ...note, recording });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logger.warn('wcs: a stream is not recorded', { room: live.room.id, reason: error.message });
    live.room.annotate(id, { ...note, stream: { ...note.stream, record: false } });
  }
  // It may have ended meanwhile.
  const current = carrierAt(id, live.room);
  if (current) tellPublishing(current, stage);
}

function tellPublishing({ note: { stream, streamId } }: Carrier, { session, live: { room }, host }: Stage): void {
  session.send(frameOf('notifyStreamStatusEvent', statusEvent(stream, 'PUBLISHING')));
  const begun = room.stream(streamId);
  if (begun) tellPublished(begun, room, host);
}

/** How a stream has ended for its client. */
type Ending = Pick<StatusEvent, 'status' | 'info'>;

/**
 * Tells the client of the end of a stream; of a recorded one when its file is closed.
 *
 * @returns where it is told later.
 */
function conclude(
  { note: { stream, recording } }: Carrier,
  client: Pick<Session, 'send'>,
  { services }: LiveRoom,
  { status, info }: Ending,
  size: PictureSize | undefined,
): Promise<void> | undefined {
  const tell = (details: Partial<StatusEvent>): void => {
    client.send(
      frameOf('notifyStreamStatusEvent', statusEvent(stream, status, { ...(info !== undefined && { info }), ...size, ...details })),
    );
  };
  if (!recording) {
    tell({ record: false });
    return undefined;
  }
  const { id, fileName } = recording;
  return services.recordings.hasFile(id).then((hasFile) => {
    tell(hasFile ? { record: true, recordName: fileName } : { record: false });
  });
}

function stopped({ published }: ClientStream): Ending {
  return published ? { status: 'UNPUBLISHED', info: INFO.publisherStopped } : { status: 'STOPPED', info: INFO.stoppedByUser };
}

function failed(info: string): Ending {
  return { status: 'FAILED', info };
}

function failedFrame(stream: ClientStream, info: string): string {
  return frameOf('notifyStreamStatusEvent', statusEvent(stream, 'FAILED', { info, record: false }));
}

/** The encoder of the platform takes characters, one for each byte, and not too many at once. */
function base64Of(bytes: Uint8Array): string {
  const pieces = Array.from({ length: Math.ceil(bytes.length / 8192) }, (_, index) => bytes.subarray(index * 8192, (index + 1) * 8192));
  return btoa(pieces.map((piece) => String.fromCharCode(...piece)).join(''));
}
