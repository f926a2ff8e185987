import type { types } from 'mediasoup-client';
import type * as z from 'zod/mini';
import { EnvelopeSchema, results, type Attendance, type ConsumerOffer, type MediaType, type Producers } from './messages.ts';

/** A call that takes longer than this, in milliseconds, is given up. */
const CALL_TIMEOUT = 10_000;

/** Who calls, in which room, and with which right. */
export interface Caller {
  readonly roomName: string;
  readonly userMail: string;
  /** Access token, where the operator asks for one. */
  readonly token: string | undefined;
}

/** Why a call failed: the server said no (with its words as the message), or there was no sensible answer. */
export type CallFailure = 'refused' | 'unauthorized' | 'unreachable' | 'broken';

export class CallError extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CallError';
    this.failure = failure;
  }
}

/** The HTTP half of the protocol, for one attendee of one room. Every call throws a {@link CallError}. */
export class RoomApi {
  readonly caller: Caller;
  readonly #closing = new AbortController();

  constructor(caller: Caller) {
    this.caller = caller;
  }

  /** Gives up every call that is under way, and all later ones. */
  close(): void {
    this.#closing.abort();
  }

  async exists(): Promise<boolean> {
    return (await this.#get('exists', results.exists)).exists;
  }

  async createRoom(): Promise<void> {
    await this.#post('createRoom', {}, results.createRoom);
  }

  async attendees(): Promise<string[]> {
    return (await this.#get('attendees', results.attendees)).map((attendee) => attendee.id);
  }

  createAttendee(): Promise<Attendance> {
    return this.#post('createAttendee', {}, results.createAttendee);
  }

  /** Tells the server this side's DTLS parameters of one of the two transports. */
  async connect(direction: 'send' | 'recv', dtlsParameters: types.DtlsParameters): Promise<void> {
    await this.#post(direction === 'send' ? 'connectSender' : 'connectReceiver', { dtlsParameters }, results.nothing);
  }

  async createProducer(type: MediaType, rtpParameters: types.RtpParameters): Promise<string> {
    return (await this.#post('createProducer', { type, rtpParameters }, results.createProducer)).id;
  }

  producers(): Promise<Producers> {
    return this.#get('producers', results.producers);
  }

  createConsumer(producerMail: string, id: string, rtpCapabilities: types.RtpCapabilities): Promise<ConsumerOffer> {
    return this.#post('createConsumer', { producerMail, id, rtpCapabilities }, results.createConsumer);
  }

  #get<Schema extends z.ZodMiniType>(operation: string, schema: Schema): Promise<z.output<Schema>> {
    return this.#call(`${operation}?roomName=${encodeURIComponent(this.caller.roomName)}`, {}, schema);
  }

  #post<Schema extends z.ZodMiniType>(operation: string, parameters: object, schema: Schema): Promise<z.output<Schema>> {
    const { roomName, userMail } = this.caller;
    const body = JSON.stringify({ roomName, userMail, ...parameters });
    return this.#call(operation, { method: 'POST', body, headers: { 'content-type': 'application/json' } }, schema);
  }

  async #call<Schema extends z.ZodMiniType>(path: string, init: RequestInit, schema: Schema): Promise<z.output<Schema>> {
    const parsed = schema.safeParse(resultIn(await this.#fetch(path, init)));
    if (!parsed.success) throw new CallError('broken', 'The server gave an answer that this page does not understand.');
    return parsed.data;
  }

  async #fetch(path: string, init: RequestInit): Promise<unknown> {
    const headers = new Headers(init.headers);
    if (this.caller.token) headers.set('authorization', `Bearer ${this.caller.token}`);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(CALL_TIMEOUT)]);
    const response = await fetch(`/api/media/rooms/${path}`, { ...init, headers, signal }).catch((cause: unknown) => {
      throw new CallError('unreachable', 'The server cannot be reached.', { cause });
    });
    if (response.status === 401 || response.status === 403) {
      throw new CallError('unauthorized', 'The server does not let you in: the access token is missing, wrong or too old.');
    }
    return response.json().catch((cause: unknown) => {
      throw new CallError('broken', `The server has a problem (HTTP ${response.status}).`, { cause });
    });
  }
}

function resultIn(body: unknown): unknown {
  const envelope = EnvelopeSchema.safeParse(body).data;
  if (!envelope) throw new CallError('broken', 'The server gave an answer that this page does not understand.');
  if (envelope.status === 'failed') {
    throw new CallError('refused', typeof envelope.result === 'string' ? envelope.result : 'The server refused without giving a reason.');
  }
  return envelope.result;
}
