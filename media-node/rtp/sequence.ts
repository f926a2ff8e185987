import type { RtpPacket } from './packet.ts';

interface Arrived extends RtpPacket {
  readonly at: number;
}

/** What belongs together in a stream: the packets of one picture, or one packet of sound. */
export interface Unit {
  readonly timestamp: number;
  readonly payloads: readonly Buffer[];
  /** When its first packet arrived, in milliseconds. */
  readonly at: number;
}

interface SequenceOptions {
  /** Whether a decoder can begin with the unit that begins with this payload. */
  isStart(payload: Buffer): boolean;
  /** How long a packet that is missing may still come, in milliseconds. */
  readonly patience: number;
  /** Packets were lost: nothing more comes before the next unit with which a decoder can begin. */
  onLoss(): void;
}

const HALF = 0x8000;
const WHOLE = 0x10000;
const MAX_WAITING = 4_096;

/** Puts packets in order and together. */
export class Sequence {
  readonly #options: SequenceOptions;
  readonly #waiting = new Map<number, Arrived>();
  #newest: number | undefined;
  /** The packet with which the next unit begins; `undefined` before a start and after a loss. */
  #next: number | undefined;

  constructor(options: SequenceOptions) {
    this.#options = options;
  }

  /** @param at when it arrived, in milliseconds. @returns the units that are complete now, in order. */
  add(packet: RtpPacket, at: number): Unit[] {
    const number = this.#unwrap(packet.sequenceNumber);
    if (this.#next === undefined && this.#options.isStart(packet.payload)) this.#next = number;
    if (this.#next === undefined || number < this.#next || this.#waiting.has(number)) return [];
    this.#waiting.set(number, { ...packet, at });
    const units = this.#take();
    const missing = this.#firstMissing();
    if (!this.#isLost(missing, at)) return units;
    this.#giveUp(missing);
    return [...units, ...this.#take()];
  }

  #unwrap(sequenceNumber: number): number {
    const newest = this.#newest ?? sequenceNumber;
    const number = newest + ((sequenceNumber - (newest % WHOLE) + WHOLE + HALF) % WHOLE) - HALF;
    this.#newest = Math.max(newest, number);
    return number;
  }

  #take(): Unit[] {
    const units: Unit[] = [];
    for (let unit = this.#unit(); unit !== undefined; unit = this.#unit()) {
      if (unit.payloads.length > 0) units.push(unit);
    }
    return units;
  }

  #unit(): Unit | undefined {
    if (this.#next === undefined) return undefined;
    const packets: Arrived[] = [];
    for (let number = this.#next; ; number += 1) {
      const packet = this.#waiting.get(number);
      if (packet === undefined) return undefined;
      const [first = packet] = packets;
      // Senders that set no marker begin the next picture with another timestamp.
      if (packet.timestamp !== first.timestamp) break;
      packets.push(packet);
      if (packet.marker || packet.payload.length === 0) break;
    }
    const [first] = packets;
    if (first === undefined) return undefined;
    for (const index of packets.keys()) this.#waiting.delete(this.#next + index);
    this.#next += packets.length;
    const payloads = packets.map(({ payload }) => payload).filter(({ length }) => length > 0);
    return { timestamp: first.timestamp, at: first.at, payloads };
  }

  #firstMissing(): number {
    let number = this.#next ?? 0;
    while (this.#waiting.has(number)) number += 1;
    return number;
  }

  /** What is behind the gap has waited long enough. */
  #isLost(missing: number, now: number): boolean {
    if (this.#waiting.size > MAX_WAITING) return true;
    for (const [number, { at }] of this.#waiting) {
      if (number > missing && now - at > this.#options.patience) return true;
    }
    return false;
  }

  /** Goes on with the first unit after the gap with which a decoder can begin. */
  #giveUp(missing: number): void {
    const numbers = [...this.#waiting.keys()].sort((a, b) => a - b);
    const isStart = (number: number) => this.#options.isStart(this.#waiting.get(number)?.payload ?? Buffer.alloc(0));
    const start = numbers.find((number) => number > missing && isStart(number));
    for (const number of numbers) {
      if (start === undefined || number < start) this.#waiting.delete(number);
    }
    this.#next = start;
    if (start === undefined) this.#options.onLoss();
  }
}
