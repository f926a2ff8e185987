/** Media: relayed between two clients in mode N, negotiated with the media node in mode Y (reference 5.4, 6). */
import { Refusal } from '../../room/errors.ts';
import type { Participant } from '../../room/participant.ts';
import type { Source } from '../../room/publication.ts';
import type { MediaKind } from '../../../shared/rtp.ts';
import type { Stream } from '../../room/stream.ts';
import type { Answer, Context } from './context.ts';
import { CODES, OperationError } from './errors.ts';
import { displayIdOf, participantOf, roomIdIn, usageOf, userIdOf } from './identity.ts';
import type { Contents, Fields, Usage } from './messages.ts';

const SOURCES: Readonly<Record<Usage, Readonly<Record<MediaKind, Source>>>> = {
  cam: { audio: 'microphone', video: 'camera' },
  screen: { audio: 'microphone', video: 'screen' },
};

/** Sections that the media node offers, whether or not there is anything in them yet. */
const KINDS: Readonly<Record<Usage, readonly MediaKind[]>> = { cam: ['audio', 'video'], screen: ['video'] };

export function describe(contents: Contents['SDP'], context: Context): Answer | Promise<Answer> {
  if (context.room.topology === 'direct') return relay('SDP', { ...contents.fields, sdp: contents.sdp }, context);
  if (contents.sdp.type === 'answer') return complete(contents, context);
  return publish(contents, context);
}

/** Routed media learn the way from the client's connectivity checks. */
export function relayCandidate(contents: Contents['Candidate'], context: Context): Answer {
  return context.room.topology === 'direct' ? relay('Candidate', contents.fields, context) : undefined;
}

/** Offers may cross: whatever comes is passed on. No code may stand in it (reference 11.5). */
function relay(eventOp: 'SDP' | 'Candidate', fields: Fields, { room, session, host }: Context): Answer {
  const other = room.participants().find(({ id }) => id !== session.participantId);
  const ids = { userId: userIdOf(room.require(session.participantId)), roomId: roomIdIn(room) };
  if (other) host.sendTo(other.id, JSON.stringify({ eventOp, ...fields, ...ids, useMediaSvr: 'N' }));
  return eventOp === 'SDP' ? { roomId: ids.roomId } : undefined;
}

/** A later offer for the same usage takes the place of an earlier one, under a new feed. */
async function publish({ usage, sdp }: Contents['SDP'], { live, room, session, memory, head }: Context): Promise<Answer> {
  const { participantId } = session;
  const stream = crypto.randomUUID();
  room.openStream(participantId, stream);
  memory.publishing.set(stream, JSON.stringify({ ...head, code: CODES.ok, message: 'OK', roomId: roomIdIn(room) }));
  try {
    const offer = { sdp: sdp.sdp, purpose: usage };
    const answer = await live.conference.publishByOffer(participantId, offer, { stream, sources: SOURCES[usage] });
    const ids = { userId: userIdOf(room.require(participantId)), roomId: roomIdIn(room) };
    const description = { type: 'answer', sdp: answer.sdp };
    session.send(JSON.stringify({ eventOp: 'SDP', usage, ...ids, useMediaSvr: 'Y', sdp: description }));
  } catch (error) {
    room.closeStream(stream);
    // The answer to a newer offer, or the end of the stay, says it all.
    if (!(error instanceof Refusal && error.reason === 'superseded')) throw error;
  } finally {
    memory.publishing.delete(stream);
  }
  return undefined;
}

/** One connection for each feed; the media node makes the offer. */
export async function sendFeed({ feedId }: Contents['SendFeed'], { live, room, session, head }: Context): Promise<Answer> {
  const stream = room.stream(feedId);
  if (stream?.participantId === session.participantId || !stream) throw new OperationError(CODES.noChannel, 'No such feed');
  const owner = room.require(stream.participantId);
  const { sdp, connection } = await live.conference.offerView(session.participantId, {
    watched: { stream: stream.id },
    kinds: KINDS[usageOf(stream)],
    purpose: `feed ${stream.id}`,
  });
  session.send(JSON.stringify({ ...head, code: CODES.ok, message: 'OK', roomId: roomIdIn(room) }));
  session.send(JSON.stringify(offerOf(stream, owner, { roomId: roomIdIn(room), pluginId: connection.id, sdp })));
  return undefined;
}

function offerOf(stream: Stream, owner: Participant, { sdp, ...fields }: { roomId: string; pluginId: string; sdp: string }): Fields {
  const ids = { displayId: displayIdOf(stream, owner), userId: userIdOf(owner) };
  return { eventOp: 'SDP', usage: usageOf(stream), ...ids, ...fields, useMediaSvr: 'Y', sdp: { type: 'offer', sdp } };
}

/** Answers are told apart by `pluginId` only (reference 10.9). One without it belongs to a 1:1 call that is over. */
async function complete({ pluginId, sdp }: Contents['SDP'], { live, room, session, memory }: Context): Promise<Answer> {
  if (pluginId !== undefined) await live.conference.completeView(session.participantId, pluginId, sdp.sdp);
  memory.policy.follow(live);
  return { roomId: roomIdIn(room) };
}

/** Stops or resumes one kind of media that the requester receives from another member's camera. Nobody else notices. */
export function editFeed({ userId, type, status }: Contents['EditFeed'], { room, session }: Context): Answer {
  const target = participantOf(userId, room);
  if (!target) throw new OperationError(CODES.userNotInRoom, 'The user is not in the room');
  const cameras = new Set(
    room
      .streamsOf(target.id)
      .filter((stream) => usageOf(stream) === 'cam')
      .map(({ id }) => id),
  );
  const views = room.viewsBy(session.participantId).filter((view) => view.stream !== undefined && cameras.has(view.stream));
  const sections = views.flatMap((view) => view.sections.filter(({ kind }) => kind === type).map(({ mid }) => ({ view, mid })));
  if (sections.length === 0) throw new OperationError(CODES.noChannel, 'You receive no such feed');
  for (const { view, mid } of sections) room.setSectionPaused(view.connectionId, mid, status === 'off');
  return {};
}
