import { assertNever } from '../../../shared/assert-never.ts';
import type { MediaId, ParticipantId } from '../../../shared/ids.ts';
import type { Connection } from '../../room/connection.ts';
import { Refusal } from '../../room/errors.ts';
import type { LeaveReason, RoomEvent } from '../../room/events.ts';
import type { SessionId, Time } from '../../room/participant.ts';
import type { Publication } from '../../room/publication.ts';
import type { Adapter, Admission, Announcement, Closing, ConnectionState, MediaReport, RoomClaim, RoomHost, Session } from '../protocol.ts';
import { type Admittance, readAdmittance } from './admittance.ts';
import { PROBLEMS, Problem, statusOf } from './errors.ts';
import { FAREWELLS } from './farewells.ts';
import { readRequest, type RequestFrame, writeError, writeOk } from './frames.ts';
import { newId, participantIdOf } from './ids.ts';
import { forget, type Ledger, ledgerOf, type Member } from './ledger.ts';
import { memberIdOf, memberInfoOf, participantCalled } from './members.ts';
import { answerManagement } from './management.ts';
import { type ClientRequest, type LoginResult, ROLES } from './messages.ts';
import { Negotiations } from './negotiations.ts';
import { parseRequest } from './parse.ts';
import { Sessions } from './sessions.ts';
import { Streams } from './streams.ts';
import { Teller } from './teller.ts';
import { issueTicket, parseTicket, problemOfTicket } from './ticket.ts';
import { roomNameOf } from './token.ts';

/** A member whose connection was cut may come back within this time, in milliseconds. */
const ABSENCE: Time = 60_000;

/** What the protocol calls its members in the room. */
const ORIGIN = 'owt';

/** The parts of the protocol in a room that is there. They keep nothing but in the ledger. */
interface Office {
  readonly ledger: Ledger;
  readonly streams: Streams;
  readonly sessions: Sessions;
  readonly tell: Teller;
  readonly negotiations: Negotiations;
}

/** The OWT protocol in the room object. A member keeps its place, its sessions and its media while its connection is cut for a while. */
export class OwtAdapter implements Adapter {
  readonly absence = ABSENCE;

  call(request: object, host: RoomHost): Promise<string> {
    const office = officeOf(host);
    return Promise.resolve(JSON.stringify(answerManagement(request, office?.ledger, office?.streams)));
  }

  admit(_claim: RoomClaim, url: URL, session: SessionId, host: RoomHost): Promise<Admission> {
    const admittance = readAdmittance(url);
    return admittance.by === 'token' ? login(admittance, session, host) : relogin(admittance, session, host);
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> | undefined {
    if (typeof frame !== 'string') return undefined;
    const request = readRequest(frame);
    const office = officeOf(host);
    const member = office?.ledger.members.get(session.participantId);
    const reply = replier(request, session);
    if (!office || !member) {
      reply.error(PROBLEMS.notJoined);
      return undefined;
    }
    const parsed = parseRequest(request.event, request.data);
    if (!parsed.ok) {
      reply.error(parsed.problem);
      return undefined;
    }
    try {
      return perform(parsed.request, member, office, reply);
    } catch (error) {
      reply.error(problemOf(error));
      return undefined;
    }
  }

  closed(_code: number, { id, participantId }: Session, host: RoomHost): void {
    host.live()?.room.loseSession(participantId, id, host.now() + ABSENCE);
  }

  present(event: RoomEvent, host: RoomHost): readonly Announcement[] {
    const office = officeOf(host);
    return office ? announcementsOf(event, office) : [];
  }

  connectionChanged(connection: Connection, state: ConnectionState, host: RoomHost): void {
    officeOf(host)?.negotiations.connectionChanged(connection, state === 'connected');
  }

  mediaReported(report: MediaReport, host: RoomHost): void {
    if (report.type !== 'video-format') return;
    const office = officeOf(host);
    if (office) resized(report.producer, office);
  }

  farewell(reason: LeaveReason): Closing {
    return FAREWELLS[reason];
  }
}

function officeOf(host: RoomHost): Office | undefined {
  const ledger = ledgerOf(host);
  if (!ledger) return undefined;
  const streams = new Streams(ledger);
  const sessions = new Sessions(ledger, streams);
  const tell = new Teller(ledger, streams);
  return { ledger, streams, sessions, tell, negotiations: new Negotiations(ledger, streams, sessions, tell) };
}

// ---- Coming in -----------------------------------------------------------------------------------------------------------------

/** A newcomer with a token, which is good once. */
async function login(
  { tokenId, expires, user, role, revision, ackId }: Extract<Admittance, { by: 'token' }>,
  session: SessionId,
  host: RoomHost,
): Promise<Admission> {
  host.create();
  const id = participantIdOf(user);
  const memberId = newId();
  const ticketKey = newId() + newId();
  const ticket = await issueTicket(memberId, host.live()?.room.id ?? '', host.now(), ticketKey);
  host.create();
  const office = officeOf(host);
  if (!office) throw new Error('a room that has just been made is not there');
  const { room, members } = office.ledger;
  try {
    room.join(id, host.now(), host.now(), { origin: ORIGIN, name: user });
  } catch (error) {
    return refused(problemOf(error));
  }
  if (!host.spend(tokenId, expires)) {
    room.leave(id, 'left');
    return refused(PROBLEMS.tokenUsed);
  }
  for (const { id: gone } of members.filter((member) => !room.participant(member.id))) forget(office.ledger, gone);
  office.streams.updateAll();
  const member = members.set({ id, memberId, user, role, revision, ticketKey });
  room.openSession(id, session);
  return { admitted: true, participantId: id, greeting: ackId === undefined ? [] : [writeOk(ackId, welcome(member, ticket, office))] };
}

/** A member with a ticket: it goes on where it was cut off. */
async function relogin(
  { memberId, ticket, ackId }: Extract<Admittance, { by: 'ticket' }>,
  session: SessionId,
  host: RoomHost,
): Promise<Admission> {
  const parsed = parseTicket(ticket);
  const member = officeOf(host)
    ?.ledger.members.values()
    .find((one) => one.memberId === memberId);
  if (!parsed || !member) return refused(PROBLEMS.notJoined);
  const problem = await problemOfTicket(parsed, host.now(), member.ticketKey);
  if (problem !== undefined) return refused(problem);
  const next = await issueTicket(memberId, parsed.room, host.now(), member.ticketKey);
  const room = host.live()?.room;
  const { id: participantId } = member;
  const presence = room?.participant(participantId)?.presence;
  if (!room || !presence) return refused(PROBLEMS.notJoined);
  // The client knows earlier than the server that its old connection is gone.
  if (presence.state === 'present') room.loseSession(participantId, presence.session, host.now() + ABSENCE);
  room.openSession(participantId, session);
  return { admitted: true, participantId, greeting: ackId === undefined ? [] : [writeOk(ackId, next)] };
}

function refused(problem: string): Admission {
  return { admitted: false, status: statusOf(problem), message: problem };
}

function welcome({ memberId: id, user, role, revision }: Member, reconnectionTicket: string, { ledger, streams }: Office): LoginResult {
  const { room } = ledger;
  const announced = room.participants().filter(({ presence }) => presence.state !== 'entering');
  return {
    id,
    user,
    role,
    permission: ROLES[role],
    room: {
      id: roomNameOf(room.id),
      views: [],
      streams: streams.all().map((stream) => streams.infoOf(stream, revision)),
      participants: announced.map((participant) => memberInfoOf(participant, ledger)),
    },
    reconnectionTicket,
  };
}

// ---- Requests ------------------------------------------------------------------------------------------------------------------

interface Reply {
  ok(data?: unknown): void;
  error(reason: string): void;
}

/** Clients that want no answer get none. */
function replier({ ackId }: RequestFrame, session: Session): Reply {
  return {
    ok: (data) => {
      if (ackId !== null) session.send(writeOk(ackId, data));
    },
    error: (reason) => {
      if (ackId !== null) session.send(writeError(ackId, reason));
    },
  };
}

/** @returns a promise where the media node has to work for the request. @throws Problem, Refusal */
function perform(request: ClientRequest, member: Member, office: Office, reply: Reply): Promise<void> | undefined {
  const { ledger, sessions, negotiations } = office;
  switch (request.event) {
    case 'publish':
      reply.ok(sessions.publish(member, request));
      return undefined;
    case 'subscribe':
      reply.ok(sessions.subscribe(member, request));
      return undefined;
    case 'unpublish':
      sessions.unpublish(member, request);
      break;
    case 'unsubscribe':
      sessions.unsubscribe(member, request);
      break;
    case 'stream-control':
      sessions.control(member, request);
      break;
    case 'subscription-control':
      sessions.controlSubscription(member, request);
      break;
    case 'soac': {
      const work = negotiations.signal(member, request);
      reply.ok();
      return work;
    }
    case 'text':
      say(member, request, ledger);
      break;
    case 'refreshReconnectionTicket':
      return issueTicket(member.memberId, ledger.room.id, ledger.host.now(), member.ticketKey).then((ticket) => {
        reply.ok(ticket);
      });
    case 'logout':
      reply.ok();
      sessions.endAllOf(member.id);
      ledger.room.leave(member.id, 'left');
      return undefined;
    default:
      return assertNever(request);
  }
  reply.ok();
  return undefined;
}

function say({ id }: Member, { to, message }: Extract<ClientRequest, { event: 'text' }>, ledger: Ledger): void {
  const { room, host } = ledger;
  if (to === 'all') {
    room.say(id, message, host.now());
    return;
  }
  const receiver = participantCalled(to, ledger);
  if (!receiver) throw new Problem(PROBLEMS.noReceiver);
  room.say(id, message, host.now(), receiver.id);
}

function problemOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (!(error instanceof Refusal)) throw error;
  if (error.reason === 'room-full') return PROBLEMS.roomFull;
  if (error.reason === 'participant-not-found' || error.reason === 'superseded') return PROBLEMS.notJoined;
  return error.message;
}

// ---- Events --------------------------------------------------------------------------------------------------------------------

function announcementsOf(event: RoomEvent, office: Office): readonly Announcement[] {
  const { ledger, streams, tell } = office;
  const { participantId } = event;
  switch (event.type) {
    case 'participant-joined': {
      const join = memberInfoOf(event.participant, ledger);
      const changes = event.streams.flatMap(({ id }) => streams.update(id));
      return [tell.others({ event: 'participant', data: { action: 'join', data: join } }), ...tell.changes(changes)];
    }
    case 'participant-left': {
      // Its id is not known any more when it is forgotten.
      const leave = { action: 'leave' as const, data: memberIdOf(participantId, ledger) };
      forget(ledger, participantId);
      return [tell.others({ event: 'participant', data: leave })];
    }
    case 'stream-started':
    case 'stream-changed':
    case 'stream-ended':
      return tell.changes(streams.update(event.stream.id));
    case 'publication-paused':
    case 'publication-resumed':
      return trackStatus(event.publication, office);
    case 'message-sent':
      return [textOf(event.participantId, event.text, event.to, office)];
    case 'publication-added':
    case 'publication-removed':
    case 'indication-changed':
    case 'talking-changed':
    case 'participant-renamed':
    case 'blur-changed':
    case 'data-sent':
    case 'stroke-drawn':
    case 'floor-taken':
    case 'floor-released':
      return [];
    default:
      return assertNever(event);
  }
}

/** Nobody can tell from the answer to an offer how large pictures are. */
function resized(publication: MediaId, { streams, sessions, tell }: Office): void {
  const changes = streams.resize(publication);
  tell.deliver(tell.changes(changes));
  for (const { stream } of changes) sessions.chooseAnew(stream.id);
}

/** The publisher is told, too: its client learns from it that its own stream is muted. */
function trackStatus(publication: Publication, { streams, tell }: Office): readonly Announcement[] {
  const stream = streams.with(publication);
  if (!stream) return [];
  const field = publication.source === 'microphone' ? 'audio.status' : 'video.status';
  const value = publication.paused ? 'inactive' : 'active';
  return [tell.all({ event: 'stream', data: { id: stream.id, status: 'update', data: { field, value } } })];
}

/** What is said to all is told to its sender as well. */
function textOf(from: ParticipantId, message: string, to: ParticipantId | undefined, { tell, ledger }: Office): Announcement {
  const said = { from: memberIdOf(from, ledger), message };
  if (to === undefined) return tell.all({ event: 'text', data: { ...said, to: 'all' } });
  return tell.only(to, { event: 'text', data: { ...said, to: 'me' } });
}
