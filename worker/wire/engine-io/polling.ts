import type { OutgoingPacket } from './outgoing.ts';

/** What a waiting GET is answered with: packets, or a refusal because the session has moved on or ended. */
export type PollAnswer = readonly OutgoingPacket[] | 'refused';

/**
 * The server's half of HTTP long-polling: packets wait for the client's next GET, or a GET waits for the next packet. One of the two
 * is always empty.
 */
export class PollingTransport {
  #packets: OutgoingPacket[] = [];
  #answerPoll: ((answer: PollAnswer) => void) | undefined;

  get isPollWaiting(): boolean {
    return this.#answerPoll !== undefined;
  }

  /** The packets that no GET has fetched yet. */
  get packets(): readonly OutgoingPacket[] {
    return this.#packets;
  }

  /** How many bytes wait to be fetched. */
  get bytes(): number {
    return this.#packets.reduce((total, packet) => total + packet.bytes, 0);
  }

  send(...packets: OutgoingPacket[]): void {
    this.#packets.push(...packets);
    this.#flush();
  }

  /** Waits for packets. The caller makes sure that no other GET is waiting. */
  poll(): Promise<PollAnswer> {
    return new Promise((resolve) => {
      this.#answerPoll = resolve;
      this.#flush();
    });
  }

  /** Takes the packets out, to send them another way. */
  takePackets(): OutgoingPacket[] {
    return this.#packets.splice(0);
  }

  /** Answers a waiting GET with a refusal. */
  refusePoll(): void {
    this.#answer('refused');
  }

  #flush(): void {
    if (this.#answerPoll && this.#packets.length > 0) this.#answer(this.takePackets());
  }

  #answer(answer: PollAnswer): void {
    const answerPoll = this.#answerPoll;
    this.#answerPoll = undefined;
    answerPoll?.(answer);
  }
}
