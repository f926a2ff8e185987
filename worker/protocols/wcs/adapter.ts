import { assertNever } from '../../../shared/assert-never.ts';
import { Refusal } from '../../room/errors.ts';
import type { LeaveReason, Notice, RoomEvent } from '../../room/events.ts';
import type { SessionId } from '../../room/participant.ts';
import type { Adapter, Admission, Announcement, Closing, LiveRoom, MediaReport, RoomClaim, RoomHost, Session } from '../protocol.ts';
import { FAREWELLS, ROOM_INFO, statusOf } from './errors.ts';
import { type ClientMessage, frameOf } from './messages.ts';
import { ORIGIN } from './names.ts';
import { noteRecorder } from './recorders.ts';
import { parseMessage, readAdmittance } from './parse.ts';
import { MEMBER, memberAnnouncements, stateFrame } from './room-api.ts';
import { playerAnnouncements, takeStreamEvent } from './stream-events.ts';
import { availability, Streams } from './streams.ts';

type Operation = Extract<ClientMessage, { message: 'sendData' }>;

/**
 * The WCS protocol in the room object. Whoever joins by the Room API is a participant at once; a client that has come for a stream is an observer
 * until it publishes one.
 */
export class WcsAdapter implements Adapter {
  readonly #streams: Streams;

  /** @param rtpTimeout a stream of which nothing has come for so many seconds has failed; 0 is never. */
  constructor(rtpTimeout: number) {
    this.#streams = new Streams(rtpTimeout);
  }

  admit(_claim: RoomClaim, url: URL, session: SessionId, host: RoomHost): Admission {
    const { participantId, name, joins, records } = readAdmittance(url);
    host.create();
    const room = host.live()?.room;
    if (!room) throw new Error('a room that has just been made is not there');
    const role = joins === undefined ? ({ observer: true } as const) : { role: MEMBER };
    try {
      room.join(participantId, host.now(), host.now(), { origin: ORIGIN, ...role, ...(name !== undefined && { name }) });
    } catch (error) {
      if (error instanceof Refusal) return { admitted: false, status: statusOf(error.reason), message: error.message };
      throw error;
    }
    room.openSession(participantId, session);
    noteRecorder(participantId, records === true, host);
    const login = name ?? participantId;
    if (joins === undefined) return { admitted: true, participantId, data: login };
    const accepted = frameOf('DataStatusEvent', { operationId: joins, status: 'ACCEPTED' });
    return { admitted: true, participantId, data: login, greeting: [accepted, stateFrame(participantId, room)] };
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> | undefined {
    const live = host.live();
    const parsed = typeof frame === 'string' ? parseMessage(frame) : undefined;
    // The lobby has answered what is not understood.
    return live && parsed?.ok ? this.#handle(parsed.message, session, live, host) : undefined;
  }

  closed(_code: number, { id, participantId }: Session, host: RoomHost): void {
    host.live()?.room.endSession(participantId, id);
  }

  present(event: RoomEvent, host: RoomHost): readonly Announcement[] {
    const room = host.live()?.room;
    return room ? [...playerAnnouncements(event, room), ...memberAnnouncements(event, room)] : [];
  }

  notify(notice: Notice, session: Session, host: RoomHost): void {
    const live = host.live();
    if (!live || notice.type === 'view-changed') return;
    const { connection } = notice;
    if (notice.type === 'connection-closed') this.#streams.connectionClosed(connection, session, live);
    else if (connection.state === 'lost') this.#streams.connectionLost(connection, session, live);
    else this.#streams.connected(connection, { session, live, host });
  }

  mediaReported(report: MediaReport, host: RoomHost): void {
    const live = host.live();
    if (live) this.#streams.mediaReported(report, live, host);
  }

  farewell(reason: LeaveReason): Closing {
    return FAREWELLS[reason];
  }

  #handle(message: ClientMessage, session: Session, live: LiveRoom, host: RoomHost): Promise<void> | undefined {
    const { room } = live;
    switch (message.message) {
      case 'publishStream':
      case 'playStream':
        return this.#streams.begin(message.request, message.message === 'publishStream', { session, live, host });
      case 'unPublishStream':
      case 'stopStream':
        return this.#streams.stop(message.mediaSessionId, session, live);
      case 'sendStreamEvent':
        takeStreamEvent(message, session, room);
        return undefined;
      case 'availableStream':
        session.send(availability(message.mediaSessionId, message.name, room));
        return undefined;
      case 'snapshot':
        return this.#streams.picture(message.mediaSessionId, message.name, session, live);
      case 'sendData':
        return this.#operate(message, session, live, host);
      case 'connection':
      case 'connectMediaTransport':
      case 'ignored':
        // The lobby knows what to do about them.
        return undefined;
      default:
        return assertNever(message);
    }
  }

  #operate({ operationId, command }: Operation, session: Session, live: LiveRoom, host: RoomHost): Promise<void> | undefined {
    const { room } = live;
    const accepted = frameOf('DataStatusEvent', { operationId, status: 'ACCEPTED' });
    switch (command.command) {
      case 'leave': {
        const recorded = this.#streams.stopAll(session, live);
        session.send(accepted);
        // Afterwards it could not be told of its files.
        const leave = () => {
          room.endSession(session.participantId, session.id);
        };
        if (recorded) return recorded.then(leave);
        leave();
        return undefined;
      }
      case 'sendMessage':
        try {
          room.say(session.participantId, command.text, host.now(), command.to);
          session.send(accepted);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          session.send(frameOf('DataStatusEvent', { operationId, status: 'FAILED', info: ROOM_INFO.noSuchMember }));
        }
        return undefined;
      case 'join':
      case 'other':
        return undefined;
      default:
        return assertNever(command);
    }
  }
}
