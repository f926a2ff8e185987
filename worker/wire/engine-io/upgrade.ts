import { codecOf } from './codec.ts';
import type { Frame, FrameSocket, Packet, Revision } from './packet.ts';

export interface UpgradeEvents {
  /** The client has tried the new transport and found that it works. */
  probed(): void;
  completed(): void;
  failed(): void;
}

/** A WebSocket on probation: it carries `2probe`, `3probe` and `5`, and nothing else, before it replaces polling. */
export class Upgrade {
  readonly socket: FrameSocket;
  /** When the client is out of time, in milliseconds since the epoch. */
  readonly endsAt: number;
  readonly #revision: Revision;
  readonly #events: UpgradeEvents;
  #isProbed = false;

  constructor(socket: FrameSocket, revision: Revision, endsAt: number, events: UpgradeEvents) {
    this.socket = socket;
    this.endsAt = endsAt;
    this.#revision = revision;
    this.#events = events;
  }

  get isProbed(): boolean {
    return this.#isProbed;
  }

  /** Handles one message of the new socket. Anything but the two packets of an upgrade ends the attempt, not the session. */
  receiveFrame(frame: Frame): void {
    const packet = codecOf(this.#revision).decodeFrame(frame);
    if (packet?.type === 'ping' && packet.data === 'probe') this.#answerProbe();
    else if (packet?.type === 'upgrade') this.#events.completed();
    else this.abort();
  }

  #answerProbe(): void {
    const answer: Packet = { type: 'pong', data: 'probe' };
    this.#isProbed = true;
    this.socket.send(codecOf(this.#revision).encodeFrame(answer, true));
    this.#events.probed();
  }

  /** Gives the attempt up; polling goes on. */
  abort(): void {
    this.#events.failed();
    try {
      this.socket.close(1000, 'upgrade failed');
    } catch {
      // It was closed before.
    }
  }
}
