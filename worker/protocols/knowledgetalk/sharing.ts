/** What only one member at a time may do for everybody to see: floors of the room. */
import { logger } from '../../platform/logger.ts';
import type { Room } from '../../room/room.ts';
import type { ParticipantId } from '../../../shared/ids.ts';
import type { Collection } from '../../room/records.ts';
import type { RoomHost } from '../protocol.ts';
import { type Answer, type Context, dataOf, tellOthers, withRemark } from './context.ts';
import { CODES, OperationError } from './errors.ts';
import { countOf, ORIGIN, roomIdIn, usageOf, userIdOf } from './identity.ts';
import type { Contents, Fields } from './messages.ts';
import { layoutOf } from './layouts.ts';

/** The holder may ask again. */
export function reserve(_contents: Contents['SessionReserve'], { room, session }: Context): Answer {
  if (isScreenOfOtherProtocol(room)) throw new OperationError(CODES.taken, 'A member with another client is sharing');
  room.takeFloor('screen', session.participantId);
  return {};
}

/** Members of other protocols share without a reservation, and clients of this one have a place for one screen only. */
function isScreenOfOtherProtocol(room: Room): boolean {
  return room.streams().some((stream) => usageOf(stream) === 'screen' && room.participant(stream.participantId)?.origin !== ORIGIN);
}

/** Said before the end of a share, or alone when the user has chosen nothing to share. */
export function endReservation(_contents: Contents['SessionReserveEnd'], { room, session, memory }: Context): Answer {
  withRemark(memory, { isShareEndTold: true }, () => {
    room.releaseFloor('screen', session.participantId);
  });
  return {};
}

/** Said also by clients that share nothing; the others are told in any case (reference 5.10). */
export function endScreenShare(_contents: Contents['ScreenShareConferenceEnd'], context: Context): Answer {
  const { room, session, memory } = context;
  const { participantId } = session;
  withRemark(memory, { isShareEndTold: true }, () => {
    if (room.floorHolder('screen') === participantId) room.releaseFloor('screen', participantId);
    for (const stream of room.streamsOf(participantId)) if (usageOf(stream) === 'screen') room.closeStream(stream.id);
  });
  const ids = { userId: userIdOf(room.require(participantId)), roomId: roomIdIn(room) };
  tellOthers(context, { eventOp: 'ScreenShareConferenceEndSvr', ...ids });
  return { roomId: ids.roomId };
}

/** The page that is shared, if its owner still has the floor. */
interface SharedPage {
  readonly id: 'shown';
  readonly participantId: ParticipantId;
  readonly url: string;
}

function pages(host: RoomHost): Collection<SharedPage> {
  return host.records<SharedPage>('pages');
}

export async function startFileShare(_contents: Contents['FileShareStart'], { live, room, host, session }: Context): Promise<Answer> {
  if (room.floorHolder('files') === undefined) pages(host).delete('shown');
  room.takeFloor('files', session.participantId);
  const { uploadUrl } = await live.services.files.grant(dataOf(session).origin);
  return { fileServerUrl: uploadUrl };
}

export function stopFileShare(_contents: Contents['FileShareStop'], { room, session }: Context): Answer {
  room.releaseFloor('files', session.participantId);
  return {};
}

export function shareFile({ url }: Contents['FileShare'], context: Context): Answer {
  const { room, session, host } = context;
  const { participantId } = session;
  const holder = room.floorHolder('files');
  if (holder === undefined) throw new OperationError(CODES.notStarted, 'Start the file share first');
  if (holder !== participantId) throw new OperationError(CODES.taken, 'Another user is sharing');
  const page = pages(host).set({ id: 'shown', participantId, url });
  tellOthers(context, pageNotice(page, room));
  return {};
}

function pageNotice({ participantId, url }: SharedPage, room: Room): Fields {
  return { eventOp: 'FileShareSvr', userId: userIdOf(room.require(participantId)), roomId: roomIdIn(room), url, fileUrl: url };
}

/** What a newcomer is told of a file share that has begun without it: the same as the others were. */
export function sharedFiles(room: Room, host: RoomHost): Fields[] {
  const holder = room.floorHolder('files');
  if (holder === undefined) return [];
  const start = { eventOp: 'FileShareStartSvr', userId: userIdOf(room.require(holder)), roomId: roomIdIn(room) };
  const page = pages(host).get('shown');
  return page?.participantId === holder ? [start, pageNotice(page, room)] : [start];
}

/** The member's browser records, and is told where to put it; where its tenant wants it, the media node records as well. */
export async function startRecording(_contents: Contents['RecordStart'], { live, room, session }: Context): Promise<Answer> {
  const { participantId } = session;
  if (room.floorHolder('recording') !== undefined) throw new OperationError(CODES.taken, 'The room is being recorded already');
  const { name } = room.require(participantId);
  room.takeFloor('recording', participantId);
  try {
    const { origin, recordsOnServer } = dataOf(session);
    const recorder = { participantId, ...(name !== undefined && { name }), ...(recordsOnServer && { everyStream: true as const }) };
    const recording = await live.services.recordings.start(recorder, origin);
    session.data = { ...dataOf(session), recording: recording.id };
    return { recordingInfo: recordingInfo(recording, countOf(room)) };
  } catch (error) {
    if (room.floorHolder('recording') === participantId) room.releaseFloor('recording', participantId);
    throw error;
  }
}

function recordingInfo(
  { uploadUrl, filePath, fileName }: { uploadUrl: string; filePath: string; fileName: string },
  count: number,
): object {
  const { width, height, framerate } = layoutOf(count);
  return {
    recordingType: 'video',
    extension: 'webm',
    fileServerUrl: uploadUrl,
    filePath,
    fileName,
    resolution: `${width}x${height}`,
    framerate,
    recordingNote: '',
  };
}

export function stopRecording({ fileName, filePath, note }: Contents['RecordStop'], { live, room, session }: Context): Answer {
  const { recording, ...data } = dataOf(session);
  if (room.floorHolder('recording') !== session.participantId) throw new OperationError(CODES.notStarted, 'You are not recording');
  session.data = data;
  const remarks = { fileName, filePath, ...(note !== undefined && { note }) };
  const isStopped = recording !== undefined && live.services.recordings.stop(recording, remarks);
  if (!isStopped) logger.warn('knowledgetalk: a recording was over before it was stopped', { room: room.id });
  room.releaseFloor('recording', session.participantId);
  return {};
}
