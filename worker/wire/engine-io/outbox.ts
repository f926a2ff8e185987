/**
 * What is on its way to one client. Workers cannot ask a WebSocket how much of what was sent is still waiting, so a client that never reads
 * is invisible. The client is therefore asked again and again to prove that it reads: by its answer to a ping, by its next heartbeat, by
 * fetching the next polling response. No more than a window is handed to the transport without a proof. What does not fit is held back: one reference for each packet, however many clients it is meant for. A client that proves nothing in time is given up.
 */
import type { OutgoingPacket } from './outgoing.ts';

/** Whoever has this share of the limit unread is not sent more than what comes by itself. */
const ROOMY_SHARE = 1 / 2;

/** A proof is asked for each time that this share of the limit was handed over; below it nobody is given up. */
const STEP_SHARE = 1 / 4;

/**
 * A client above the limit is given up when a question is this many milliseconds old. Until then a burst of events may exceed the limit, up to
 * this many times: it may have come before any answer had the time to arrive.
 */
const ANSWER_TIME = 3_000;
const MAX_BURST = 4;

/** A client below the limit is given up when a question is this many milliseconds old; the object cannot fall asleep before. */
const STALL_TIME = 8_000;

/**
 * An answer waits in the client's own queue behind what the client is uploading. Bytes that it uploaded since it was asked are added to
 * the limit, up to this many times the limit.
 */
const MAX_UPLOAD_ALLOWANCE = 3;

/** Something that the client will react to once it has read all that was handed over before. */
interface Question {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Running totals of bytes at that time. */
  readonly handed: number;
  readonly heard: number;
  /** Whether a server behind this one asked, see {@link Session.relayTo}. */
  readonly isRelayed: boolean;
}

export interface OutboxOptions {
  /** How many bytes a client that does not read may cost. */
  readonly limit: number;
  /** How many of these bytes may be handed to the transport; the others are held back. */
  readonly window: number;
  /** Milliseconds between a question and its answer that are normal, because nothing makes the client answer sooner. */
  readonly answerDelay: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #step: number;
  readonly #held: OutgoingPacket[] = [];
  #heldBytes = 0;
  /** Running totals of bytes. */
  #handed = 0;
  #proven = 0;
  #heard = 0;
  #askedUpTo = 0;
  readonly #questions: Question[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#step = options.limit * STEP_SHARE;
  }

  /** The packets that are held back, in order. */
  get held(): readonly OutgoingPacket[] {
    return this.#held;
  }

  /** Bytes that the client may not have read. */
  get bytes(): number {
    return this.#heldBytes + this.#handed - this.#proven;
  }

  get isAsking(): boolean {
    return this.#questions.length > 0;
  }

  /** Whether it is time to ask for a proof, and to call {@link asked}. */
  get wantsProof(): boolean {
    return this.#handed - this.#askedUpTo >= this.#step || (this.#heldBytes >= this.#step && this.#questions.length === 0);
  }

  /** Whether so little is unread that the client can be sent more than what comes by itself, without coming near the limit. */
  get isRoomy(): boolean {
    return this.bytes <= this.#options.limit * ROOMY_SHARE;
  }

  /** Whether the client must be given up at once. */
  get isOverfull(): boolean {
    return this.bytes > MAX_BURST * this.#options.limit;
  }

  /** Whether a packet may be handed to the transport at once, and counts it then. Otherwise it is to be held. */
  passes(packet: OutgoingPacket): boolean {
    if (this.#held.length > 0 || !this.#hasRoomFor(packet, this.#options.window)) return false;
    this.#handed += packet.bytes;
    return true;
  }

  /** Counts a packet that is handed to the transport whatever is held. */
  handOver(packet: OutgoingPacket): void {
    this.#handed += packet.bytes;
  }

  /** Keeps a packet until {@link take} finds room for it. */
  hold(packet: OutgoingPacket): void {
    this.#held.push(packet);
    this.#heldBytes += packet.bytes;
  }

  /** Takes out the packets that may be handed to the transport now. @param room bytes that may be without a proof. */
  take(room = this.#options.window): OutgoingPacket[] {
    let count = 0;
    for (const packet of this.#held) {
      if (!this.#hasRoomFor(packet, room)) break;
      this.#handed += packet.bytes;
      this.#heldBytes -= packet.bytes;
      count++;
    }
    return this.#held.splice(0, count);
  }

  /** A packet that is larger than all room goes alone. */
  #hasRoomFor({ bytes }: OutgoingPacket, room: number): boolean {
    const unproven = this.#handed - this.#proven;
    return unproven + bytes <= room || unproven === 0;
  }

  /** Notes that the client was asked. Answers come in the order of the questions. */
  asked(isRelayed = false): void {
    this.#questions.push({ time: this.#options.now(), handed: this.#handed, heard: this.#heard, isRelayed });
    this.#askedUpTo = this.#handed;
  }

  /** The question that the next answer belongs to. */
  get nextAnswer(): Question | undefined {
    return this.#questions[0];
  }

  /** Notes the answer to the oldest question. Without a question an answer proves nothing. */
  answered(): void {
    const question = this.#questions.shift();
    this.#proven = Math.max(this.#proven, question?.handed ?? 0);
  }

  /** Notes that the client has read all that was handed over before a time. */
  provenBefore(time: number): void {
    while (this.#questions[0] && this.#questions[0].time < time) this.answered();
  }

  /** Names what was handed over so far. */
  get mark(): number {
    return this.#handed;
  }

  /** Notes that the client has read all that was handed over before a {@link mark}. */
  provenUpTo(mark: number): void {
    while (this.#questions[0] && this.#questions[0].handed <= mark) this.answered();
    this.#proven = Math.max(this.#proven, mark);
  }

  /** Notes that the client has read all that was handed over. */
  provenAll(): void {
    this.#questions.length = 0;
    this.#proven = this.#askedUpTo = this.#handed;
  }

  /** Notes bytes that arrive from the client. */
  heard(bytes: number): void {
    this.#heard += bytes;
  }

  /** When a client that proves nothing any more is given up, in milliseconds since the epoch. */
  givesUpAt(): number {
    const [oldest] = this.#questions;
    if (!oldest || this.bytes < this.#step) return Infinity;
    const { limit, answerDelay } = this.#options;
    const allowed = limit + Math.min(this.#heard - oldest.heard, MAX_UPLOAD_ALLOWANCE * limit);
    return oldest.time + (this.bytes > allowed ? ANSWER_TIME + answerDelay : STALL_TIME);
  }
}
