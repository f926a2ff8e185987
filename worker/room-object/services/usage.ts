import { type ParticipantId, type RoomId, tenantOf } from '../../../shared/ids.ts';
import type { RoomUsage } from '../../protocols/services.ts';
import type { Time } from '../../room/participant.ts';
import { Collection, type RecordStore } from '../../room/records.ts';
import type { Topology } from '../../room/snapshot.ts';
import type { CallRecord } from '../../usage/store.ts';
import type { Ledger } from './ledger.ts';

/** A stay or a call that is going on. What it has counted is counted up to `countedUntil`. */
export interface OpenRecord extends CallRecord {
  readonly countedUntil: Time;
}

interface Place {
  readonly room: RoomId;
  readonly life: string;
}

/**
 * Keeps the call records of a room: one for each stay, one for each call within it. What is going on is kept among the room's records, so that
 * it survives what the room survives.
 */
export class Usage implements RoomUsage {
  readonly #place: Place;
  readonly #open: Collection<OpenRecord>;
  readonly #ledger: Ledger;
  #topology: Topology;

  constructor(place: Place, topology: Topology, { store, open }: { store: RecordStore; open: readonly OpenRecord[] }, ledger: Ledger) {
    this.#place = place;
    this.#topology = topology;
    this.#open = new Collection('usage', store, open);
    this.#ledger = ledger;
  }

  /** A participant has come. */
  joined(participant: ParticipantId, name: string | null): void {
    this.#begin('stay', participant, name);
  }

  /** A participant is called otherwise from now on: that is the name in its records. */
  renamed(participant: ParticipantId, name: string): void {
    for (const record of this.#of(participant)) this.#open.set({ ...record, name });
  }

  /** A participant is gone, and out of its call. */
  left(participant: ParticipantId): void {
    for (const record of this.#of(participant)) this.#end(record);
  }

  /** From now on media takes another path, for everybody. */
  topologyChanged(topology: Topology): void {
    const now = Date.now();
    for (const record of this.#open.values()) this.#open.set(this.#counted(record, now));
    this.#topology = topology;
  }

  callStarted(participant: ParticipantId): void {
    const [stay, call] = [this.#find('stay', participant), this.#find('call', participant)];
    if (stay && !call) this.#begin('call', participant, stay.name);
  }

  callEnded(participant: ParticipantId): void {
    const call = this.#find('call', participant);
    if (call) this.#end(call);
  }

  /** The room is over, and with it everything that is going on. */
  end(): void {
    for (const record of this.#open.values()) this.#end(record);
  }

  #begin(kind: CallRecord['kind'], participant: ParticipantId, name: string | null): void {
    const now = Date.now();
    const { room, life } = this.#place;
    const record: OpenRecord = {
      id: crypto.randomUUID(),
      kind,
      tenant: tenantOf(room),
      room,
      life,
      participant,
      name,
      startedAt: now,
      endedAt: null,
      directMs: 0,
      routedMs: 0,
      countedUntil: now,
    };
    this.#open.set(record);
    this.#ledger.writeCall(record);
  }

  #end(record: OpenRecord): void {
    const now = Date.now();
    this.#open.delete(record.id);
    this.#ledger.writeCall({ ...this.#counted(record, now), endedAt: now });
  }

  #counted(record: OpenRecord, now: Time): OpenRecord {
    const span = now - record.countedUntil;
    const counted = { ...record, countedUntil: now };
    return this.#topology === 'direct'
      ? { ...counted, directMs: record.directMs + span }
      : { ...counted, routedMs: record.routedMs + span };
  }

  #of(participant: ParticipantId): OpenRecord[] {
    return this.#open.filter((record) => record.participant === participant);
  }

  #find(kind: CallRecord['kind'], participant: ParticipantId): OpenRecord | undefined {
    return this.#of(participant).find((record) => record.kind === kind);
  }
}
