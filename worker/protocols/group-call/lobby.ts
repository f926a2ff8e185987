import { logger } from '../../platform/logger.ts';
import { assertNever } from '../../../shared/assert-never.ts';
import { Pipe, type PipeSocket } from '../../wire/pipe.ts';
import type { MessageListener, MessageSocket } from '../../wire/message-socket.ts';
import type { Closing, Door, Upgrade } from '../protocol.ts';
import { ROOM_FULL, TAKEN_OVER, UNAUTHORIZED } from './errors.ts';
import type { ClientMessage, ServerMessage } from './messages.ts';
import { admittanceQuery, parseMessage } from './parse.ts';

type Join = Extract<ClientMessage, { id: 'joinRoom' }>;

/** Ends a pipe whose room refused the client. */
class NotAdmitted extends Error {}

/**
 * A client at the front door. It names its room in `joinRoom`; from then on its frames are piped into that room, until it says `leaveRoom`, joins
 * another or is gone. Its socket stays open in between.
 */
export class Visitor implements MessageListener {
  readonly #client: MessageSocket;
  readonly #upgrade: Upgrade;
  readonly #door: Door;
  /** The way into the room; frames of the client wait in it while it is being opened. */
  #pipe: Pipe | undefined;

  constructor(client: MessageSocket, upgrade: Upgrade, door: Door) {
    this.#client = client;
    this.#upgrade = upgrade;
    this.#door = door;
  }

  message(text: string): void {
    const parsed = parseMessage(text);
    if (!parsed.ok) {
      passOver(parsed.problem);
      return;
    }
    const { message } = parsed;
    switch (message.id) {
      case 'joinRoom':
        this.#leave();
        this.#join(message);
        return;
      case 'leaveRoom':
        this.#leave();
        return;
      case 'receiveVideoFrom':
      case 'onIceCandidate':
      case 'videoStateFrom':
      case 'audioStateFrom':
        if (this.#pipe) this.#pipe.send(text);
        else passOver(`${message.id} outside of a room`);
        return;
      default:
        assertNever(message);
    }
  }

  closed(code: number, reason: string): void {
    this.#pipe?.close(code, reason);
    this.#pipe = undefined;
  }

  #join(join: Join): void {
    const pipe: Pipe = new Pipe({
      hasLines: true,
      inner: this.#enter(join).catch((error: unknown) => {
        if (error instanceof NotAdmitted) this.#detach(pipe);
        else logger.error('group-call: a room cannot be reached', { room: join.room, error: String(error) });
        throw error;
      }),
      client: {
        send: (frame) => {
          if (typeof frame === 'string') this.#client.send(frame);
        },
        close: (code, reason) => {
          this.#ended(pipe, { code, reason });
        },
      },
    });
    this.#pipe = pipe;
  }

  #leave(): void {
    this.#pipe?.close(1000, 'left');
    this.#pipe = undefined;
  }

  async #enter(join: Join): Promise<PipeSocket> {
    const { room, roomId, userId, token } = join;
    if (!(await this.#door.permits(this.#upgrade.request, { room, participant: userId }, token))) {
      this.#client.close(UNAUTHORIZED.code, UNAUTHORIZED.reason);
      throw new NotAdmitted();
    }
    const entering = await this.#door.enter(room, admittanceQuery(join));
    if (entering.admitted) return entering.socket;
    if (entering.status === ROOM_FULL) this.#tell({ id: 'limitJoinAnswer', roomId });
    logger.warn('group-call: a newcomer was refused', { room, status: entering.status });
    throw new NotAdmitted();
  }

  /** The room has ended the session. */
  #ended(pipe: Pipe, { code, reason }: Closing): void {
    if (pipe !== this.#pipe) return;
    this.#pipe = undefined;
    if (code !== TAKEN_OVER) this.#client.close(code, reason);
  }

  #detach(pipe: Pipe): void {
    if (pipe === this.#pipe) this.#pipe = undefined;
  }

  #tell(message: ServerMessage): void {
    this.#client.send(JSON.stringify(message));
  }
}

/** The protocol has no word for what is wrong with a message. */
function passOver(problem: string): void {
  logger.warn('group-call: a message was passed over', { problem });
}
