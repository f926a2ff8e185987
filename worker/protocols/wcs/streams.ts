import { assertNever } from '../../../shared/assert-never.ts';
import type { MediaId, ParticipantId, StreamId } from '../../../shared/ids.ts';
import type { SectionInfo } from '../../../shared/sdp.ts';
import { logger } from '../../platform/logger.ts';
import type { Connection } from '../../room/connection.ts';
import type { Negotiated } from '../../room/conference.ts';
import { Refusal } from '../../room/errors.ts';
import type { RoomEvent } from '../../room/events.ts';
import { kindOf, type Publication } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { Announcement, LiveRoom, RoomHost, Session } from '../protocol.ts';
import { INFO, infoOf } from './errors.ts';
import { type ClientMessage, frameOf, type MediaSessionId, type StreamEventType, type StreamRequest } from './messages.ts';
import { readyStream, streamNamed } from './names.ts';
import { tellPublished } from './room-api.ts';
import { type ClientStream, failedRequest, negotiated, statusEvent, streamOf } from './stream.ts';

/** A stream whose media does not come up in this time has failed, in milliseconds. */
const ICE_TIMEOUT = 15_000;

/** Streams that one client publishes and plays in one room at the same time. */
const MAX_STREAMS = 100;

/** What a connection carries along: the client's stream, and the room's. */
interface Note {
  readonly stream: ClientStream;
  readonly streamId: StreamId;
}

/** Where a stream is begun. */
interface Stage {
  readonly session: Session;
  readonly live: LiveRoom;
  readonly host: RoomHost;
}

type StreamEvent = Extract<ClientMessage, { message: 'sendStreamEvent' }>;

/**
 * The streams that clients publish and play in one room. Each is one negotiated connection, which carries what is known of the stream as its note, so
 * that it outlives the object's sleep.
 */
export class Streams {
  /** Of connections whose media has not come up yet. A running timer keeps the object awake. */
  readonly #timers = new Map<MediaId, ReturnType<typeof setTimeout>>();
  /** Streams that are being negotiated, and have not been stopped meanwhile. */
  readonly #pending = new Set<ClientStream>();

  /** Begins to publish or to play; the status that it comes to is told when its media flows, or has not come up in time. */
  async begin(request: StreamRequest, published: boolean, stage: Stage): Promise<void> {
    const { session, live, host } = stage;
    const problem = problemOf(request, published, session.participantId, live.room);
    if (problem !== undefined) {
      session.send(frameOf('notifyStreamStatusEvent', failedRequest(request, published, problem)));
      return;
    }
    const stream = streamOf(request, published, host.now());
    this.#pending.add(stream);
    try {
      await (published ? this.#publish(request, stream, stage) : this.#play(request, stream, stage));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.warn('wcs: a stream was not begun', { room: live.room.id, reason: error.reason });
      if (this.#pending.has(stream)) session.send(failedFrame({ stream }, infoOf(error.reason)));
    } finally {
      this.#pending.delete(stream);
    }
  }

  /** The client stops one of its streams; one that it does not have is passed over. */
  stop(mediaSessionId: MediaSessionId, session: Session, room: Room): void {
    const connection = connectionsWithNotes(session.participantId, room).find(({ note }) => note.stream.mediaSessionId === mediaSessionId);
    if (connection) this.#finish(connection, session, room);
  }

  /** The client leaves the room: it is told of each of its streams that it has ended. */
  stopAll(session: Session, room: Room): void {
    for (const connection of connectionsWithNotes(session.participantId, room)) this.#finish(connection, session, room);
  }

  /** The media of a stream flows. */
  connected(connection: Connection, { session, room, host }: { session: Session; room: Room; host: RoomHost }): void {
    const note = noteOf(connection);
    if (!note) return;
    this.#stopTimer(connection.id);
    session.send(note.stream.published ? publishingFrame(note) : playingFrame(note, room));
    const stream = note.stream.published ? room.stream(note.streamId) : undefined;
    if (stream) tellPublished(stream, room, host);
  }

  /** The media of a stream is gone, and no client negotiates anew: that is the end of it. */
  connectionLost(connection: Connection, session: Session, room: Room): void {
    const note = noteOf(connection);
    if (!note) return;
    const neverFlowed = this.#stopTimer(connection.id);
    session.send(failedFrame(note, neverFlowed ? INFO.iceError : INFO.iceLost));
    // The room is in the middle of a change.
    queueMicrotask(() => {
      end(connection, note, room);
    });
  }

  /** The stream that was played has ended, or the client has closed its PeerConnection, which it does when it stops a stream. */
  connectionClosed(connection: Connection, session: Session, room: Room): void {
    const note = noteOf(connection);
    if (!note) return;
    this.#stopTimer(connection.id);
    const isOver = !note.stream.published && !room.stream(note.streamId);
    session.send(isOver ? failedFrame(note, INFO.publisherStopped) : stoppedFrame(note));
  }

  #finish(connection: Connection & { readonly note: Note }, session: Session, room: Room): void {
    this.#stopTimer(connection.id);
    this.#pending.delete(connection.note.stream);
    session.send(stoppedFrame(connection.note));
    end(connection, connection.note, room);
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
      const purpose = purposeOf(stream);
      const sources = { audio: 'microphone', video: request.screen ? 'screen' : 'camera' } as const;
      const offer = { sdp: request.sdp, purpose, note: { stream, streamId } };
      const answer = await conference.publishByOffer(session.participantId, offer, { stream: streamId, sources });
      this.#answered(
        stream,
        answer,
        stage,
        answer.sections.some(({ producer }) => producer !== undefined),
      );
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
    this.#answered(
      stream,
      answer,
      stage,
      publications.every((one) => isCarried(one, answer.sections)),
    );
  }

  /** Sends the answer, and waits for the media. */
  #answered(asked: ClientStream, { connection, sdp, sections }: Negotiated, { session, live: { room } }: Stage, hasCodecs: boolean): void {
    const asAsked = noteOf(connection);
    if (!asAsked) throw new Error('a connection has lost its note');
    if (!hasCodecs) {
      room.closeConnection(connection.id);
      throw new Refusal('cannot-subscribe');
    }
    const note = { ...asAsked, stream: negotiated(asked, sections) };
    room.annotate(connection.id, note);
    const { mediaSessionId, published, audioCodec } = note.stream;
    if (!published && audioCodec !== undefined) session.send(frameOf('notifyAudioCodec', mediaSessionId, { name: audioCodec }));
    session.send(frameOf('setRemoteSDP', mediaSessionId, sdp, true));
    const timer = setTimeout(() => {
      this.#timers.delete(connection.id);
      session.send(failedFrame(note, INFO.iceTimeout));
      end(connection, note, room);
    }, ICE_TIMEOUT);
    this.#timers.set(connection.id, timer);
  }

  /** @returns whether it was running. */
  #stopTimer(connection: MediaId): boolean {
    clearTimeout(this.#timers.get(connection) ?? null);
    return this.#timers.delete(connection);
  }
}

/** What players are told of an event: each by the name that it has for the stream. */
export function playerAnnouncements(event: RoomEvent, room: Room): Announcement[] {
  switch (event.type) {
    case 'publication-paused':
    case 'publication-resumed':
      return announcementsTo(event.publication.stream, room, ({ stream: { mediaSessionId } }) =>
        frameOf('notifyStreamEvent', { mediaSessionId, type: muteEventOf(event.publication) }),
      );
    case 'data-sent':
      return event.stream === undefined
        ? []
        : announcementsTo(event.stream, room, ({ stream: { mediaSessionId } }) =>
            frameOf('notifyStreamEvent', { mediaSessionId, type: 'data', payload: event.data }),
          );
    default:
      return [];
  }
}

/** A publisher tells its players something. Mute states are shown to everybody in the room. */
export function takeStreamEvent({ mediaSessionId, type, payload }: StreamEvent, { participantId }: Session, room: Room): void {
  const connection = connectionsWithNotes(participantId, room).find(({ note }) => note.stream.mediaSessionId === mediaSessionId);
  if (!connection?.note.stream.published) return;
  const { streamId } = connection.note;
  switch (type) {
    case 'audioMuted':
    case 'audioUnmuted':
      room.declareStream(streamId, 'audio', type === 'audioUnmuted');
      return;
    case 'videoMuted':
    case 'videoUnmuted':
      room.declareStream(streamId, 'video', type === 'videoUnmuted');
      return;
    case 'data':
      room.sendData(participantId, payload ?? null, { stream: streamId });
      return;
    default:
      assertNever(type);
  }
}

/** The answer to the question whether a stream can be played. */
export function availability(mediaSessionId: MediaSessionId, name: string, room: Room): string {
  const info = whyNotPlayable(name, room);
  return frameOf('availableStream', {
    status: info === undefined ? 'true' : 'false',
    id: mediaSessionId,
    ...(info !== undefined && { info }),
  });
}

function whyNotPlayable(name: string, room: Room): string | undefined {
  const stream = streamNamed(name, room);
  if (!stream) return INFO.notFound;
  return readyStream(stream, room) ? undefined : INFO.notReady;
}

function problemOf({ mediaSessionId, name }: StreamRequest, published: boolean, owner: ParticipantId, room: Room): string | undefined {
  const connections = connectionsWithNotes(owner, room);
  if (connections.some(({ note }) => note.stream.mediaSessionId === mediaSessionId)) return INFO.sessionIdInUse;
  if (connections.length >= MAX_STREAMS) return INFO.failed;
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

function noteOf({ note }: Connection): Note | undefined {
  // Connections of this protocol's members are made with a note, and only here.
  return note as Note | undefined;
}

function connectionsWithNotes(participantId: ParticipantId, room: Room): (Connection & { readonly note: Note })[] {
  return room.connectionsOf(participantId).flatMap((connection) => {
    const note = noteOf(connection);
    return note ? [{ ...connection, note }] : [];
  });
}

/** Ends a stream with its connection, also one that never began. */
function end({ id }: Connection, { stream, streamId }: Note, room: Room): void {
  room.closeConnection(id);
  if (stream.published) room.closeStream(streamId);
}

function announcementsTo(stream: StreamId, room: Room, frame: (note: Note) => string): Announcement[] {
  return room.viewsOfStream(stream).flatMap(({ participantId, connectionId }) => {
    const connection = room.connection(connectionId);
    const note = connection && noteOf(connection);
    return note ? [{ frame: frame(note), audience: (id) => id === participantId }] : [];
  });
}

function publishingFrame({ stream }: Note): string {
  return frameOf('notifyStreamStatusEvent', statusEvent(stream, 'PUBLISHING'));
}

/** Whoever comes later learns what is muted. */
function playingFrame({ stream, streamId }: Note, room: Room): string {
  const publications = room.stream(streamId)?.publications ?? [];
  const stateOf = (kind: 'audio' | 'video') => {
    const published = publications.find(({ source }) => kindOf(source) === kind);
    return published && { [`${kind}State`]: { muted: published.paused } };
  };
  return frameOf('notifyStreamStatusEvent', statusEvent(stream, 'PLAYING', { ...stateOf('audio'), ...stateOf('video') }));
}

function stoppedFrame({ stream }: Pick<Note, 'stream'>): string {
  const [status, info] = stream.published ? (['UNPUBLISHED', INFO.publisherStopped] as const) : (['STOPPED', INFO.stoppedByUser] as const);
  return frameOf('notifyStreamStatusEvent', statusEvent(stream, status, { info }));
}

function failedFrame({ stream }: Pick<Note, 'stream'>, info: string): string {
  return frameOf('notifyStreamStatusEvent', statusEvent(stream, 'FAILED', { info }));
}

function muteEventOf({ source, paused }: Publication): StreamEventType {
  if (kindOf(source) === 'audio') return paused ? 'audioMuted' : 'audioUnmuted';
  return paused ? 'videoMuted' : 'videoUnmuted';
}
