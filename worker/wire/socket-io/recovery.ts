/**
 * Connection state recovery: a client that lost its connection comes back within a while, keeps its id and its data, and receives what
 * it missed. Clients of the official library do their part since 4.6: they remember the secret `pid` they got at the connection and
 * the offset that the server adds as last argument to each event, and send both when they connect again.
 *
 * The log is kept in memory and written to the storage together, a few seconds later; the object cannot fall asleep before that. Should
 * it die in between, the log has a gap, and nobody may resume over a gap: a mark in the storage tells that some of it was not written.
 */
import type { OutgoingPacket } from '../engine-io/outgoing.ts';
import type { Data } from '../engine-io/packet.ts';
import { randomToken } from '../random.ts';
import type { SocketRecord } from './socket.ts';

export interface RecoverySettings {
  /** Milliseconds within which a client may come back. */
  readonly maxDisconnection: number;
  /** How many bytes of events are kept for clients that may come back. Older ones are given up first. */
  readonly maxLogBytes: number;
}

export const DEFAULT_RECOVERY_SETTINGS: RecoverySettings = { maxDisconnection: 120_000, maxLogBytes: 8_000_000 };

/** The part of a Durable Object's key-value storage that is used. */
export interface RecoveryStorage {
  list(options: { prefix: string }): Iterable<[string, unknown]>;
  put(key: string, value: unknown): void;
  delete(key: string): boolean;
}

/** Whom an event was meant for: all in the namespace but some, or only some. Socket ids. */
export interface Audience {
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

interface LogEntry {
  /** Counts up by one; the offset that clients see is made of it. */
  readonly sequence: number;
  readonly namespace: string;
  readonly audience: Audience;
  readonly messages: readonly Data[];
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly loggedAt: number;
}

interface LostSocket {
  readonly record: SocketRecord;
  /** Milliseconds since the epoch. */
  readonly lostAt: number;
}

/** A place to resume from: sequence numbers are comparable within one life of the log, which ends with a gap. */
interface Position {
  readonly life: string;
  readonly sequence: number;
}

const PREFIX = 'socket.io/recovery/';
const LOG_PREFIX = `${PREFIX}log/`;
const LOST_PREFIX = `${PREFIX}lost/`;
const POSITION_KEY = `${PREFIX}position`;
const GAP_MARK = `${PREFIX}unwritten`;
const WRITE_DELAY = 5_000;
/** A value of the storage may have 2 MB; an event may be a little larger than the largest message. */
const MAX_CHUNK_BYTES = 500_000;
const LIFE_CHARACTERS = 6;

export class Recovery {
  readonly #settings: RecoverySettings;
  readonly #storage: RecoveryStorage;
  readonly #lost = new Map<string, LostSocket>();
  /** What is in the storage, oldest first. */
  readonly #chunks = new Map<string, LogEntry[]>();
  readonly #unwrittenLost = new Set<string>();
  #unwritten: LogEntry[] = [];
  #writesAt = Infinity;
  #bytes = 0;
  #last: Position = { life: randomToken().slice(0, LIFE_CHARACTERS), sequence: 0 };

  constructor(settings: RecoverySettings, storage: RecoveryStorage) {
    this.#settings = settings;
    this.#storage = storage;
    const stored = new Map(Array.from(storage.list({ prefix: PREFIX })));
    if (stored.has(GAP_MARK)) for (const key of stored.keys()) storage.delete(key);
    else for (const [key, value] of stored) this.#load(key, value);
  }

  #load(key: string, value: unknown): void {
    if (key === POSITION_KEY) this.#last = value as Position;
    if (key.startsWith(LOST_PREFIX)) this.#lost.set(key.slice(LOST_PREFIX.length), value as LostSocket);
    if (!key.startsWith(LOG_PREFIX)) return;
    this.#chunks.set(key, value as LogEntry[]);
    this.#bytes += bytesOf(value as LogEntry[]);
  }

  /** The offset of the next event. */
  nextOffset(): string {
    this.#last = { ...this.#last, sequence: this.#last.sequence + 1 };
    return this.lastOffset;
  }

  /** The offset of the last event. A client that connects now and receives nothing resumes from there. */
  get lastOffset(): string {
    return this.#last.life + this.#last.sequence.toString(36);
  }

  /** Keeps the last event for those who will miss it. Answers when {@link attend} is due, in milliseconds since the epoch. */
  log(namespace: string, audience: Audience, packets: readonly OutgoingPacket[], now: number): number {
    const messages = packets.flatMap(({ data }) => (data === undefined ? [] : [data]));
    const entry = { sequence: this.#last.sequence, namespace, audience, messages, bytes: bytesOf(packets), loggedAt: now };
    this.#unwritten.push(entry);
    this.#bytes += entry.bytes;
    const due = this.#writeSoon(now);
    if (this.#bytes > this.#settings.maxLogBytes) this.attend(due);
    return due;
  }

  /** Keeps the place of a client that was lost. Answers when {@link attend} is due, in milliseconds since the epoch. */
  lose(record: SocketRecord, now: number): number {
    if (record.pid === undefined) return Infinity;
    this.#lost.set(record.pid, { record, lostAt: now });
    this.#unwrittenLost.add(record.pid);
    return this.#writeSoon(now);
  }

  /**
   * Gives a client its place back, with the messages that it missed; `undefined` when that is not possible any more.
   *
   * @param offset the offset of the last event that the client received, if any.
   */
  resume(namespace: string, pid: string, offset: string | undefined, now: number): { record: SocketRecord; missed: Data[] } | undefined {
    const lost = this.#lost.get(pid);
    if (lost?.record.namespace !== namespace || now - lost.lostAt > this.#settings.maxDisconnection) return undefined;
    const missed = this.#entriesAfter(offset ?? lost.record.since ?? '');
    if (!missed) return undefined;
    this.#forgetLost(pid);
    const relevant = missed.filter((entry) => entry.namespace === namespace && isMeantFor(lost.record.id, entry.audience));
    return { record: lost.record, missed: relevant.flatMap(({ messages }) => messages) };
  }

  /** Writes what is due, forgets what is too old. Answers when to come back, in milliseconds since the epoch. */
  attend(now: number): number {
    if (now >= this.#writesAt) this.#write();
    const forgottenBefore = now - this.#settings.maxDisconnection;
    for (const [pid, { lostAt }] of this.#lost) if (lostAt < forgottenBefore) this.#forgetLost(pid);
    this.#shorten(forgottenBefore);
    const isKeeping = this.#lost.size > 0 || this.#chunks.size > 0;
    return Math.min(this.#writesAt, isKeeping ? now + this.#settings.maxDisconnection : Infinity);
  }

  #writeSoon(now: number): number {
    if (this.#writesAt === Infinity) {
      this.#storage.put(GAP_MARK, true);
      this.#writesAt = now + WRITE_DELAY;
    }
    return this.#writesAt;
  }

  #write(): void {
    this.#writesAt = Infinity;
    for (const chunk of chunksOf(this.#unwritten)) {
      const key = LOG_PREFIX + String(chunk[0]?.sequence).padStart(16, '0');
      this.#storage.put(key, chunk);
      this.#chunks.set(key, chunk);
    }
    this.#unwritten = [];
    for (const pid of this.#unwrittenLost) this.#storage.put(LOST_PREFIX + pid, this.#lost.get(pid));
    this.#unwrittenLost.clear();
    this.#storage.put(POSITION_KEY, this.#last);
    this.#storage.delete(GAP_MARK);
  }

  /** Forgets chunks that ended before a time, and the oldest ones while there are too many bytes. */
  #shorten(before: number): void {
    for (const [key, entries] of this.#chunks) {
      if (this.#bytes <= this.#settings.maxLogBytes && (entries.at(-1)?.loggedAt ?? 0) >= before) return;
      this.#chunks.delete(key);
      this.#storage.delete(key);
      this.#bytes -= bytesOf(entries);
    }
  }

  #forgetLost(pid: string): void {
    this.#lost.delete(pid);
    if (!this.#unwrittenLost.delete(pid)) this.#storage.delete(LOST_PREFIX + pid);
  }

  /** The events after an offset, or `undefined` when the log does not reach back that far. */
  #entriesAfter(offset: string): LogEntry[] | undefined {
    const sequence = Number.parseInt(offset.slice(LIFE_CHARACTERS), 36);
    const entries = [...this.#chunks.values(), this.#unwritten].flat();
    const oldest = entries[0]?.sequence ?? this.#last.sequence + 1;
    const isKept = offset.startsWith(this.#last.life) && sequence >= oldest - 1 && sequence <= this.#last.sequence;
    return isKept ? entries.filter((entry) => entry.sequence > sequence) : undefined;
  }
}

function isMeantFor(id: string, { only, except }: Audience): boolean {
  return (only?.includes(id) ?? true) && !(except?.includes(id) ?? false);
}

function bytesOf(entries: readonly { readonly bytes: number }[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}

function chunksOf(entries: readonly LogEntry[]): LogEntry[][] {
  const chunks: LogEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    if (entry.bytes > room) {
      chunks.push([]);
      room = MAX_CHUNK_BYTES;
    }
    chunks.at(-1)?.push(entry);
    room -= entry.bytes;
  }
  return chunks;
}
