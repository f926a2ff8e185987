/** The room's events in the words of this protocol. */
import { assertNever } from '../../../shared/assert-never.ts';
import type { ParticipantId } from '../../../shared/ids.ts';
import type { RoomEvent } from '../../room/events.ts';
import type { Floor } from '../../room/floor.ts';
import type { Collection } from '../../room/records.ts';
import type { Room } from '../../room/room.ts';
import type { Stream } from '../../room/stream.ts';
import type { Announcement } from '../protocol.ts';
import { type Boardgoer, endReplays } from './board.ts';
import type { Memory, Remark } from './context.ts';
import { CODES } from './errors.ts';
import { announcedMembers, countOf, feedOf, membersOf, roomIdIn, usageOf, userIdOf } from './identity.ts';
import type { Feed, Fields } from './messages.ts';

type EventOf<Type extends RoomEvent['type']> = Extract<RoomEvent, { type: Type }>;

/** Clients name the member in `userId` or in `who` (reference 5.7). */
export function presence(action: string, userId: string, fields: Fields = {}): Fields {
  return { signalOp: 'Presence', action, userId, who: userId, ...fields };
}

export function startSession(room: Room, who: string, flags: Fields): Fields {
  const useMediaSvr = room.topology === 'routed' ? 'Y' : 'N';
  return { eventOp: 'StartSession', roomId: roomIdIn(room), members: membersOf(room), useMediaSvr, who, count: countOf(room), ...flags };
}

export function receiveFeed(room: Room, feeds: readonly Feed[]): Fields {
  return { eventOp: 'ReceiveFeed', roomId: roomIdIn(room), feeds };
}

/** What everybody but one sends. */
export function feedsFor(participantId: ParticipantId, room: Room): Feed[] {
  const others = announcedMembers(room).filter(({ id }) => id !== participantId);
  return others.flatMap((owner) => room.streamsOf(owner.id).map((stream) => feedOf(stream, owner)));
}

/** @returns how an event is told. */
export function announcementsOf(event: RoomEvent, room: Room, memory: Memory, boardgoers: Collection<Boardgoer>): readonly Announcement[] {
  switch (event.type) {
    case 'participant-joined':
      return joined(event, room);
    case 'participant-left':
      return left(event);
    case 'stream-started':
      return started(event, room, memory);
    case 'stream-ended':
      return ended(event, room, memory.remark);
    case 'indication-changed':
      return [toOthers(indication(event, room, memory.remark))];
    case 'talking-changed':
      return [{ ...toOthers(presence('talking', idOf(event, room), { talking: event.talking })), audience: () => true }];
    case 'participant-renamed':
      return [toOthers({ signalOp: 'ChangeName', ...idsOf(event, room), name: event.name })];
    case 'blur-changed':
      return [toOthers({ signalOp: 'SetBlur', ...idsOf(event, room), status: event.on })];
    case 'message-sent':
      return [said(event, room)];
    case 'stroke-drawn':
      return [drawn(event, boardgoers)];
    case 'floor-taken':
      return floorNotice(TAKEN[event.floor], event, room);
    case 'floor-released':
      // The drawing has ended with the board.
      if (event.floor === 'whiteboard') endReplays(boardgoers);
      return released(event, room, memory);
    case 'publication-added':
    case 'publication-removed':
    case 'publication-paused':
    case 'publication-resumed':
    case 'stream-changed':
    case 'data-sent':
      return [];
    default:
      return assertNever(event);
  }
}

function toOthers(message: Fields): Announcement {
  return { frame: JSON.stringify(message) };
}

function idOf({ participantId }: RoomEvent, room: Room): string {
  return userIdOf(room.require(participantId));
}

function idsOf(event: RoomEvent, room: Room): Fields {
  return { userId: idOf(event, room), roomId: roomIdIn(room) };
}

/** In a 1:1 call the one who was there first makes the offer; when the call turns, everybody does (reference 5.2). */
function joined({ participant, topology, turned, streams }: EventOf<'participant-joined'>, room: Room): Announcement[] {
  const who = userIdOf(participant);
  const arrival = toOthers(presence('join', who, { members: membersOf(room) }));
  if (topology === 'direct') return [toOthers(startSession(room, who, {})), arrival];
  // Whoever was alone had no view of a call that could change.
  const flags = countOf(room) > 2 ? { host: false, changeView: true } : { host: false };
  const change = turned ? [toOthers(startSession(room, who, flags))] : [];
  return [...change, arrival, ...streams.map((stream) => feedNews(stream, room))];
}

/** Whoever is put out is told so first, whoever has done it; clients leave by themselves then, and are out already. */
function left({ participant, participantId, reason }: EventOf<'participant-left'>): Announcement[] {
  const userId = userIdOf(participant);
  const kick = { frame: JSON.stringify(presence('kick', userId)), audience: (id: ParticipantId) => id === participantId };
  return [...(reason === 'expelled' ? [kick] : []), toOthers(presence('exit', userId))];
}

/** Whoever publishes gets to know of all that is there; whoever has published, of what is new (reference 6.3). */
function started({ participantId, stream }: EventOf<'stream-started'>, room: Room, { publishing }: Memory): Announcement[] {
  const isOwner = (id: ParticipantId) => id === participantId;
  const answer = publishing.get(stream.id);
  const confirmed = answer === undefined ? [] : [{ frame: answer, audience: isOwner }];
  return [...confirmed, ...feedsThere(stream, room, isOwner), feedNews(stream, room)];
}

function feedNews(stream: Stream, room: Room): Announcement {
  const { participantId } = stream;
  const isReady = (id: ParticipantId) => room.participant(id)?.observer === true || room.streamsOf(id).length > 0;
  const frame = JSON.stringify(receiveFeed(room, [feedOf(stream, room.require(participantId))]));
  return { frame, audience: (id) => id !== participantId && isReady(id) };
}

function feedsThere(stream: Stream, room: Room, isOwner: (id: ParticipantId) => boolean): Announcement[] {
  const { participantId } = stream;
  const isFirst = room.streamsOf(participantId).length === 1;
  const feeds = isFirst || usageOf(stream) === 'cam' ? feedsFor(participantId, room) : [];
  return feeds.length === 0 ? [] : [{ frame: JSON.stringify(receiveFeed(room, feeds)), audience: isOwner }];
}

/** A screen stays on the others' displays until they are told. */
function ended(event: EventOf<'stream-ended'>, room: Room, { isShareEndTold }: Remark): Announcement[] {
  if (isShareEndTold === true || usageOf(event.stream) !== 'screen') return [];
  return [toOthers(shareEnded(event, room))];
}

function shareEnded(event: RoomEvent, room: Room): Fields {
  return { eventOp: 'ScreenShareConferenceEndSvr', ...idsOf(event, room), code: CODES.ok };
}

/** True is off (reference 10.2). */
function indication(event: EventOf<'indication-changed'>, room: Room, { reqDate }: Remark): Fields {
  const signalOp = event.kind === 'video' ? 'SetVideo' : 'SetAudio';
  return { signalOp, ...idsOf(event, room), status: !event.on, ...(reqDate !== undefined && { reqDate }) };
}

function said(event: EventOf<'message-sent'>, room: Room): Announcement {
  const { to, text } = event;
  const notice = toOthers({ signalOp: 'Chat', ...idsOf(event, room), message: text });
  return to === undefined ? notice : { ...notice, audience: (id) => id === to };
}

function drawn({ participantId, stroke, clears }: EventOf<'stroke-drawn'>, boardgoers: Collection<Boardgoer>): Announcement {
  if (clears) endReplays(boardgoers);
  return { frame: stroke, audience: (id) => id !== participantId && !boardgoers.get(id) };
}

const TAKEN: Readonly<Record<Floor, string | undefined>> = {
  screen: undefined,
  whiteboard: 'WhiteBoardStartSvr',
  files: 'FileShareStartSvr',
  recording: 'Record',
};

const RELEASED: Readonly<Record<Floor, string | undefined>> = {
  screen: 'ScreenShareConferenceEndSvr',
  whiteboard: 'WhiteBoardStopSvr',
  files: 'FileShareStopSvr',
  recording: 'RecordStop',
};

function floorNotice(word: string | undefined, event: EventOf<'floor-taken' | 'floor-released'>, room: Room): Announcement[] {
  if (word === undefined) return [];
  if (event.floor === 'recording') return [toOthers(presence(word, idOf(event, room)))];
  return [toOthers({ eventOp: word, ...idsOf(event, room) })];
}

/** The end of a screen share is told once: where the screen goes through the media node, with its stream. */
function released(event: EventOf<'floor-released'>, room: Room, { remark }: Memory): Announcement[] {
  const { participantId, floor } = event;
  if (floor !== 'screen') return floorNotice(RELEASED[floor], event, room);
  const isSent = room.streamsOf(participantId).some((stream) => usageOf(stream) === 'screen');
  return isSent || remark.isShareEndTold === true ? [] : [toOthers(shareEnded(event, room))];
}
