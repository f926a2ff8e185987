/** What members tell each other without media. */
import type { MediaKind } from '../../../shared/rtp.ts';
import { type Answer, type Context, tellOthers, withRemark } from './context.ts';
import { userIdOf } from './identity.ts';
import type { Contents } from './messages.ts';
import { presence } from './announcements.ts';

export function chat({ message }: Contents['Chat'], { room, session, host }: Context): Answer {
  room.say(session.participantId, message, host.now());
  return undefined;
}

export function changeName({ name }: Contents['ChangeName'], { room, session }: Context): Answer {
  room.rename(session.participantId, name);
  return undefined;
}

export function setVideo(contents: Contents['SetVideo'], context: Context): Answer {
  return declare('video', contents, context);
}

export function setAudio(contents: Contents['SetAudio'], context: Context): Answer {
  return declare('audio', contents, context);
}

/** True is off (reference 10.2). The client mutes its media itself. */
function declare(kind: MediaKind, { status, reqDate }: Contents['SetVideo'], { room, session, memory }: Context): Answer {
  withRemark(memory, reqDate === undefined ? {} : { reqDate }, () => {
    room.declare(session.participantId, kind, !status);
  });
  return undefined;
}

export function setBlur({ status }: Contents['SetBlur'], { room, session }: Context): Answer {
  room.setBlurred(session.participantId, status);
  return undefined;
}

/** Beginning and end of a call within a stay: some services bill by them. */
export function startCall(_contents: Contents['StartCall'], context: Context): Answer {
  context.live.services.usage.callStarted(context.session.participantId);
  tellOthers(context, presence('startCall', userIdOf(context.room.require(context.session.participantId))));
  return {};
}

export function endCall(_contents: Contents['EndCall'], context: Context): Answer {
  context.live.services.usage.callEnded(context.session.participantId);
  tellOthers(context, presence('endCall', userIdOf(context.room.require(context.session.participantId))));
  return {};
}
