import { assertNever } from '../../../shared/assert-never.ts';
import type { ParticipantId } from '../../../shared/ids.ts';
import type { TransportInfo } from '../../../shared/media-api.ts';
import type { Entry } from '../../room/conference.ts';
import { Refusal } from '../../room/errors.ts';
import type { LeaveReason, RoomEvent } from '../../room/events.ts';
import type { SessionId, Time } from '../../room/participant.ts';
import type { Publication, Source } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { Adapter, Admission, Announcement, Closing, LiveRoom, RoomClaim, RoomHost, Session } from '../protocol.ts';
import { failed, textOf } from './errors.ts';
import type { ApiRequest, ApiResult, ApiResults, ClientMessage, MediaStreamType, Notification, ProducerEntry } from './messages.ts';
import { parseMessage } from './parse.ts';

const ORIGIN = { origin: 'mediasoup-http' };

/** An attendee that never opens its socket is dropped this long after its last request. */
const ENTRY_LIFE: Time = 60_000;

/** An attendee whose socket was cut may come back for this long, and nobody notices. */
const RECONNECT_GRACE: Time = 10_000;

/** For this long after a producer was replaced, one `producerRemoved` is taken to mean the old one. */
const LATE_REMOVAL: Time = 2_000;

/** Close codes by which a client or its browser ends a session on purpose; 1005 is protoo-client's `close()`. */
const CLEAN_CLOSES: ReadonlySet<number> = new Set([1000, 1001, 1005, 4000]);

/** protoo-client reconnects after every close but this one. */
const ENDED_BY_SERVER = 4000;

const FAREWELLS: Readonly<Record<LeaveReason, string>> = {
  left: 'you have left the room',
  vanished: 'your media connection was lost, join again',
  replaced: 'you have joined from elsewhere',
  'media-lost': 'the media server was restarted, join again',
  expelled: 'you were put out of the room',
  'room-ended': 'the room was ended',
};

const SOURCES: Readonly<Record<MediaStreamType, Source>> = { mic: 'microphone', webcam: 'camera', screen: 'screen' };
const TYPES: Readonly<Record<Source, MediaStreamType>> = { microphone: 'mic', camera: 'webcam', screen: 'screen' };

/** The mediasoup-over-HTTP protocol in the room object. Its README names the sections of the protocol behind each rule. */
export class MediasoupHttpAdapter implements Adapter {
  /** Until when a late `producerRemoved` is to be swallowed, by attendee and type. */
  readonly #lateRemovals = new Map<string, Time>();

  async call(request: ApiRequest, host: RoomHost): Promise<string> {
    try {
      return JSON.stringify({ status: 'success', result: await this.#answer(request, host) });
    } catch (error) {
      if (error instanceof Refusal) return failed(textOf(error));
      throw error;
    }
  }

  admit({ participant: participantId }: RoomClaim, _url: URL, session: SessionId, host: RoomHost): Admission {
    const live = host.live();
    if (participantId === undefined) return refused(400, 'roomName and userMail are needed in the query');
    if (!live) return refused(404, 'room not found');
    try {
      live.room.openSession(participantId, session);
      return { admitted: true, participantId, subprotocol: 'protoo' };
    } catch (error) {
      if (error instanceof Refusal) return refused(403, textOf(error));
      throw error;
    }
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): undefined {
    const live = host.live();
    const message = typeof frame === 'string' ? parseMessage(frame) : undefined;
    if (!message || !live) return;
    if (message.kind === 'request') {
      session.send(JSON.stringify({ response: true, id: message.id, ok: false, errorCode: 404, errorReason: 'unknown method' }));
      return;
    }
    this.#notified(message, session.participantId, live.room, host.now());
  }

  closed(code: number, { id, participantId }: Session, host: RoomHost): void {
    const room = host.live()?.room;
    if (CLEAN_CLOSES.has(code)) room?.endSession(participantId, id);
    else room?.loseSession(participantId, id, host.now() + RECONNECT_GRACE);
  }

  present(event: RoomEvent): Announcement[] {
    const notification = notificationOf(event);
    return notification ? [{ frame: JSON.stringify({ notification: true, ...notification }) }] : [];
  }

  farewell(reason: LeaveReason): Closing {
    return { code: ENDED_BY_SERVER, reason: FAREWELLS[reason] };
  }

  async #answer(request: ApiRequest, host: RoomHost): Promise<ApiResult> {
    if (request.endpoint === 'exists') return { exists: host.live() !== undefined };
    if (request.endpoint === 'createRoom') return { created: host.create() };
    const live = host.live();
    if (!live) throw new Refusal('room-not-found');
    if ('userMail' in request) live.room.extendEntry(request.userMail, host.now() + ENTRY_LIFE);
    return this.#answerInRoom(request, live, host.now());
  }

  async #answerInRoom(request: Exclude<ApiRequest, { endpoint: 'exists' | 'createRoom' }>, live: LiveRoom, now: Time): Promise<ApiResult> {
    const { room, conference } = live;
    switch (request.endpoint) {
      case 'attendees':
        return attendees(room);
      case 'createAttendee':
        return entryResult(await conference.enter(request.userMail, now, now + ENTRY_LIFE, ORIGIN));
      case 'connectSender':
        await conference.connect(request.userMail, 'send', request.dtlsParameters);
        return null;
      case 'connectReceiver':
        await conference.connect(request.userMail, 'receive', request.dtlsParameters);
        return null;
      case 'createProducer':
        return this.#produce(request, live, now);
      case 'producers':
        return producers(room, request.producerMail);
      case 'createConsumer': {
        const consumer = await conference.subscribe(request.userMail, request.id, request.rtpCapabilities);
        return { ...consumer, producerId: request.id };
      }
      case 'leaveRoom':
        room.require(request.userMail);
        room.leave(request.userMail, 'left');
        return null;
      default:
        return assertNever(request);
    }
  }

  async #produce(
    { userMail, type, rtpParameters }: Extract<ApiRequest, { endpoint: 'createProducer' }>,
    { room, conference }: LiveRoom,
    now: Time,
  ): Promise<ApiResults['createProducer']> {
    const replaces = room.publicationsOf(userMail).some((publication) => publication.source === SOURCES[type]);
    // The client says `producerRemoved` over the socket and `createProducer` over HTTP without waiting: they may arrive the other way round.
    if (replaces) this.#lateRemovals.set(removalKey(userMail, type), now + LATE_REMOVAL);
    const { id } = await conference.publish(userMail, SOURCES[type], rtpParameters);
    return { id };
  }

  #notified({ method, type }: Extract<ClientMessage, { kind: 'notification' }>, participantId: ParticipantId, room: Room, now: Time): void {
    switch (method) {
      case 'producerPaused':
        room.setPaused(participantId, SOURCES[type], true);
        return;
      case 'producerResumed':
        room.setPaused(participantId, SOURCES[type], false);
        return;
      case 'producerRemoved':
        if (!this.#isLateRemoval(participantId, type, now)) room.unpublish(participantId, SOURCES[type]);
        return;
      default:
        assertNever(method);
    }
  }

  #isLateRemoval(participantId: ParticipantId, type: MediaStreamType, now: Time): boolean {
    const key = removalKey(participantId, type);
    const until = this.#lateRemovals.get(key) ?? 0;
    this.#lateRemovals.delete(key);
    return now < until;
  }
}

function refused(status: number, message: string): Admission {
  return { admitted: false, status, message };
}

function removalKey(participantId: ParticipantId, type: MediaStreamType): string {
  return `${type} ${participantId}`;
}

function attendees(room: Room): ApiResults['attendees'] {
  const participants = room.participants();
  room.disclose(participants);
  return participants.map(({ id }) => ({ id }));
}

/** Everybody has an entry, also those who send nothing: clients build their table of users from it. */
function producers(room: Room, only: ParticipantId | undefined): ApiResults['producers'] {
  const participants = room.participants().filter(({ id }) => only === undefined || id === only);
  room.disclose(participants);
  return Object.fromEntries(participants.map(({ id }) => [id, room.publicationsOf(id).map(producerEntry)]));
}

function producerEntry({ source, id }: Publication): ProducerEntry {
  return { type: TYPES[source], id };
}

function entryResult({ rtpCapabilities, transports, iceServers }: Entry): ApiResults['createAttendee'] {
  const withIceServers = (transport: TransportInfo) => (iceServers.length > 0 ? { ...transport, iceServers } : transport);
  return { rtpCapabilities, sendParams: withIceServers(transports.send), recvParams: withIceServers(transports.receive) };
}

function notificationOf(event: RoomEvent): Notification | undefined {
  const user = event.participantId;
  switch (event.type) {
    case 'participant-joined':
      return { method: 'userJoined', data: { user, producers: event.publications.map(producerEntry) } };
    case 'participant-left':
      return { method: 'userLeft', data: { user } };
    case 'publication-added':
      return { method: 'producerAdded', data: { user, ...producerEntry(event.publication) } };
    case 'publication-removed':
      return { method: 'producerRemoved', data: { user, type: TYPES[event.publication.source] } };
    case 'publication-paused':
      return { method: 'producerPaused', data: { user, type: TYPES[event.publication.source] } };
    case 'publication-resumed':
      return { method: 'producerResumed', data: { user, type: TYPES[event.publication.source] } };
    case 'indication-changed':
    case 'talking-changed':
    case 'stream-started':
    case 'stream-changed':
    case 'stream-ended':
    case 'participant-renamed':
    case 'blur-changed':
    case 'message-sent':
    case 'data-sent':
    case 'stroke-drawn':
    case 'floor-taken':
    case 'floor-released':
      return undefined;
    default:
      return assertNever(event);
  }
}
