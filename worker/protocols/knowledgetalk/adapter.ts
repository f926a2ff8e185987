import { logger } from '../../platform/logger.ts';
import type { LeaveReason, RoomEvent } from '../../room/events.ts';
import type { SessionId } from '../../room/participant.ts';
import type { Adapter, Admission, Announcement, Closing, RoomClaim, RoomHost, Session } from '../protocol.ts';
import { readAdmittance, type RoomCall } from './admittance.ts';
import { boardgoersIn, type BoardRequest, continueReplay, draw, startBoard, stopBoard } from './board.ts';
import type { Answer, Context, Memory } from './context.ts';
import { CODES, errorOf, OperationError } from './errors.ts';
import { FAREWELLS } from './farewells.ts';
import { describe, editFeed, relayCandidate, sendFeed } from './media.ts';
import { admit, answerCall, destroyRoom, kickOut, prepare } from './membership.ts';
import type { Contents, Fields, OperationName, Request } from './messages.ts';
import { announcementsOf } from './announcements.ts';
import { headOf } from './parse.ts';
import {
  endReservation,
  endScreenShare,
  reserve,
  shareFile,
  startFileShare,
  startRecording,
  stopFileShare,
  stopRecording,
} from './sharing.ts';
import { Policy } from './policy.ts';
import { changeName, chat, endCall, setAudio, setBlur, setVideo, startCall } from './talk.ts';

/** The protocol in the room object. Frames come from its own lobby, which has checked what clients say. */
export class KnowledgeTalkAdapter implements Adapter {
  readonly #memory: Memory = { publishing: new Map(), policy: new Policy(), remark: {} };

  call(request: object, host: RoomHost): Promise<string> {
    // Written by the lobby.
    return Promise.resolve(JSON.stringify(answerCall(request as RoomCall, host)));
  }

  prepare(_claim: RoomClaim, url: URL, host: RoomHost): ReturnType<typeof prepare> {
    return prepare(readAdmittance(url), host);
  }

  admit(_claim: RoomClaim, url: URL, session: SessionId, host: RoomHost): Admission {
    return admit(readAdmittance(url), session, host);
  }

  receive(frame: string | ArrayBuffer, session: Session, host: RoomHost): Promise<void> | undefined {
    const live = host.live();
    if (!live || typeof frame !== 'string') return undefined;
    // Written by the lobby.
    const message = JSON.parse(frame) as Request | BoardRequest;
    if (!('boardAfter' in message)) {
      return this.#answer(message, { live, room: live.room, host, session, memory: this.#memory, head: headOf(message) });
    }
    continueReplay(message, session, live.room, host);
    return undefined;
  }

  closed(_code: number, { id, participantId }: Session, host: RoomHost): void {
    const live = host.live();
    if (!live) return;
    boardgoersIn(host).delete(participantId);
    live.room.endSession(participantId, id);
    this.#memory.policy.follow(live);
  }

  present(event: RoomEvent, host: RoomHost): readonly Announcement[] {
    const live = host.live();
    if (!live) return [];
    this.#memory.policy.after(event, live);
    return announcementsOf(event, live.room, this.#memory, boardgoersIn(host));
  }

  farewell(reason: LeaveReason): Closing {
    return FAREWELLS[reason];
  }

  #answer(request: Request, context: Context): Promise<void> | undefined {
    const { session } = context;
    const refuse = (error: unknown): void => {
      session.send(JSON.stringify(refusalOf(request, error)));
    };
    const respond = (fields: Answer): void => {
      if (fields) session.send(JSON.stringify({ ...context.head, code: CODES.ok, message: 'OK', ...fields }));
    };
    try {
      const answer = perform(request, context);
      if (answer instanceof Promise) return answer.then(respond).catch(refuse);
      respond(answer);
    } catch (error) {
      refuse(error);
    }
    return undefined;
  }
}

/** No `usage` may stand in it, nor anything else that clients take for a description (reference 3). */
function refusalOf(request: Request, error: unknown): Fields {
  const known = errorOf(error);
  if (!known) logger.error('knowledgetalk: an operation failed', { operation: request.operation, error: String(error) });
  return { ...headOf(request), code: known?.code ?? CODES.serverError, message: known?.message ?? 'Server error' };
}

type Handler<Name extends OperationName> = (contents: Contents[Name], context: Context) => Answer | Promise<Answer>;

/** What the room does for its members. The rest is the lobby's. */
const HANDLERS: { readonly [Name in OperationName]?: Handler<Name> } = {
  DestroyRoom: destroyRoom,
  KickOut: kickOut,
  SDP: describe,
  Candidate: relayCandidate,
  SendFeed: sendFeed,
  EditFeed: editFeed,
  SessionReserve: reserve,
  SessionReserveEnd: endReservation,
  ScreenShareConferenceEnd: endScreenShare,
  StartCall: startCall,
  EndCall: endCall,
  WhiteBoardStart: startBoard,
  WhiteBoardStop: stopBoard,
  FileShareStart: startFileShare,
  FileShareStop: stopFileShare,
  FileShare: shareFile,
  RecordStart: startRecording,
  RecordStop: stopRecording,
  SetVideo: setVideo,
  SetAudio: setAudio,
  SetBlur: setBlur,
  ChangeName: changeName,
  Chat: chat,
  Draw: draw,
};

function perform(request: Request, context: Context): Answer | Promise<Answer> {
  const { observer } = context.room.require(context.session.participantId);
  if (observer === true && !isForObservers(request)) throw new OperationError(CODES.notPermitted, 'Observers may only receive');
  // Operation and contents fit each other, but TypeScript cannot follow that through the table.
  const handler = HANDLERS[request.operation] as Handler<OperationName> | undefined;
  if (!handler) throw new OperationError(CODES.invalid, 'No such operation in a room');
  return handler(request.contents, context);
}

/** An observer only receives (reference 5.30). */
function isForObservers({ operation, contents }: Request): boolean {
  return operation === 'SendFeed' || (operation === 'SDP' && contents.sdp.type === 'answer');
}
