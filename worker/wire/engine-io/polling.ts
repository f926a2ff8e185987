import type { OutgoingPacket } from './outgoing.ts';

/** What a waiting GET is answered with: packets, or a refusal because the session has moved on or ended. */
export type PollAnswer = readonly OutgoingPacket[] | 'refused';

/** The server's half of HTTP long-polling: a GET of the client that waits for packets, or none. */
export class PollingTransport {
  #answerPoll: ((answer: PollAnswer) => void) | undefined;

  get isPollWaiting(): boolean {
    return this.#answerPoll !== undefined;
  }

  /** Waits for packets. The caller makes sure that no other GET is waiting. */
  poll(): Promise<PollAnswer> {
    return new Promise((resolve) => {
      this.#answerPoll = resolve;
    });
  }

  /** Answers a waiting GET. */
  answer(answer: PollAnswer): void {
    const answerPoll = this.#answerPoll;
    this.#answerPoll = undefined;
    answerPoll?.(answer);
  }
}
