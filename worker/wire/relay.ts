/**
 * How a session that one server has opened goes on in another, for as long as it wants: the front door opens the client's session, and
 * when it knows the room, the room's object adopts the session and speaks to the client through a {@link Pipe}. The object sees the
 * same frames as from a client of its own, and needs no code for the difference.
 */
import type { Session } from './engine-io/session.ts';
import type { SessionIdentity } from './engine-io/session-host.ts';
import { Pipe, type PipeSocket } from './pipe.ts';

const HEADER = 'x-relayed-session';

interface RelayedSession {
  readonly identity: SessionIdentity;
  /** The application's part of the session, as its `save` answered it. */
  readonly saved: unknown;
}

/** The request with which the other server is asked to adopt a session. The application's part must be representable as JSON. */
export function relayRequest(url: string, { sid, revision, base64Only }: Session, saved: unknown): Request {
  const state: RelayedSession = { identity: { sid, revision, base64Only }, saved };
  return new Request(url, { headers: { upgrade: 'websocket', [HEADER]: encodeURIComponent(JSON.stringify(state)) } });
}

/**
 * Reads the request of {@link relayRequest}.
 *
 * @throws Error when the request is not one.
 */
export function readRelayRequest(request: Request): RelayedSession {
  const header = request.headers.get(HEADER);
  if (header === null) throw new Error(`a request to adopt a session needs the header ${HEADER}; make it with relayRequest`);
  const { identity, saved } = JSON.parse(decodeURIComponent(header)) as RelayedSession;
  return { identity, saved };
}

export interface RelayEvents {
  /** The other server gives the session back. From here on this server speaks to the client again. */
  released(saved: unknown): void;
}

/**
 * Lets another server speak to the client of a session. The end of the session is the end of the pipe; closing the pipe gives the session
 * back without a state.
 */
export function relaySession(session: Session, inner: PipeSocket | Promise<PipeSocket>, events: RelayEvents): Pipe {
  const unpin = session.pin();
  const pipe = new Pipe({
    inner,
    client: {
      send: (frame) => {
        session.sendFrame(frame);
      },
      close: () => {
        session.close('transport close');
      },
    },
    released: (saved, frames) => {
      events.released(saved);
      for (const frame of frames) session.receiveFrame(frame);
    },
    closed: () => {
      unpin();
      session.relayTo();
    },
  });
  session.relayTo({
    receive: (frame) => {
      pipe.send(frame);
    },
    closed: (reason) => {
      pipe.close(1001, reason);
    },
  });
  return pipe;
}
