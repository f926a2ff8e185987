import { DurableObject } from 'cloudflare:workers';
import type { MediaId, ParticipantId, RoomId } from '../../shared/ids.ts';
import { assertNever } from '../../shared/assert-never.ts';
import type { MediaEvent, MediaEventBatch } from '../../shared/media-api.ts';
import { type Env, PARTICIPANT_HEADER, PIPED_HEADER, PROTOCOL_HEADER, ROOM_HEADER, type RoomGate } from '../platform/env.ts';
import { newAdapters } from '../protocols/index.ts';
import type { Adapter, Admission, Announcement, ConnectionState, LiveRoom, MediaReport, RoomHost } from '../protocols/protocol.ts';
import { Conference } from '../room/conference.ts';
import type { MediaOrder, Notice, RoomEvent } from '../room/events.ts';
import type { Time } from '../room/participant.ts';
import { Collection } from '../room/records.ts';
import { Room, type RoomOutlet } from '../room/room.ts';
import { newRoom, type RoomOptions, type RoomSnapshot } from '../room/snapshot.ts';
import { settingsOf } from '../platform/settings.ts';
import { logger } from '../platform/logger.ts';
import { MediaClient } from '../platform/media-client.ts';
import { upgradeResponse } from '../wire/upgrade-response.ts';
import { Missed, type MissedFrames } from './missed.ts';
import { RoomMedia } from './room-media.ts';
import { Ledger } from './services/ledger.ts';
import { Services } from './services/services.ts';
import { Sessions } from './sessions.ts';
import { RoomStorage } from './storage.ts';

/** After a restart of the edge all sockets are gone; clients have this long to come back, unless their protocol says how long. */
const RESTART_GRACE: Time = 15_000;

/** What the room puts off waits for so long, in milliseconds: what comes meanwhile is stored together. */
const DEFERRAL = 50;

/** No message of any protocol is larger, in characters: room for the longest description, escaped. Larger ones are ignored. */
const MAX_FRAME_LENGTH = 640 * 1024;

/** What a report of the media node about a transport means for the room. A failed one never recovers, but its client may open another. */
const CONNECTION_STATES = { connected: 'connected', disconnected: 'lost', failed: 'lost', closed: 'closed' } as const;

interface RoomWithMedia extends LiveRoom {
  readonly media: RoomMedia;
  readonly services: Services;
  readonly missed: Missed;
  /** The adapters' own records, by protocol and name. */
  readonly records: Map<string, Collection<{ readonly id: string }>>;
}

/**
 * The Durable Object of one room: it holds the sockets, the storage, the alarm and the way to the media node, and lets the protocols' adapters
 * and the room model talk to each other. What is decided is decided there.
 */
export class RoomObject extends DurableObject<Env> implements RoomGate {
  readonly #storage: RoomStorage;
  readonly #sessions: Sessions;
  readonly #adapters: ReadonlyMap<string, Adapter>;
  readonly #ledger: Ledger;
  /** For adapters that act in a room which is there, by protocol. */
  readonly #hosts: ReadonlyMap<string, RoomHost>;
  #live: RoomWithMedia | undefined;
  #alarmAt: Time | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#storage = new RoomStorage(context.storage.sql);
    this.#sessions = new Sessions(context);
    this.#ledger = new Ledger(context.storage.sql, env, () => {
      // The change that it belongs to goes on.
      queueMicrotask(() => {
        context.waitUntil(this.#setAlarm());
      });
    });
    const settings = settingsOf(env);
    this.#adapters = newAdapters({ groupCallCapacity: settings.GROUP_CALL_CAPACITY, wcsRtpTimeout: settings.WCS_RTP_TIMEOUT });
    const snapshot = this.#storage.load();
    if (snapshot) this.#live = this.#wakeUp(snapshot);
    this.#hosts = new Map([...this.#adapters.keys()].map((protocol) => [protocol, this.#hostOf(protocol, undefined)]));
  }

  /** A call of a protocol's HTTP API. */
  async call(roomId: RoomId, protocol: string, request: object): Promise<string> {
    const adapter = this.#adapterOf(protocol);
    if (!adapter.call) throw new Error(`${protocol} has no HTTP API`);
    try {
      return await adapter.call(request, this.#hostOf(protocol, roomId));
    } finally {
      await this.#settle();
    }
  }

  /** Events of the media node. Each is applied once, however often it is delivered. */
  async takeMediaEvents({ generation, first, events }: MediaEventBatch): Promise<boolean> {
    const fresh = this.#live?.media.newEvents(generation, first, events.length);
    if (fresh === undefined) return false;
    for (const event of events.slice(events.length - fresh)) this.#applyMediaEvent(event);
    await this.#settle();
    return true;
  }

  /** Whether the room still has this life: neither did it end, nor was it made again. */
  isLiving(life: string): boolean {
    return this.#live?.services.life === life;
  }

  /** A WebSocket upgrade that the front door has found this room for. */
  override async fetch(request: Request): Promise<Response> {
    const protocol = request.headers.get(PROTOCOL_HEADER) ?? '';
    const room = decodeURIComponent(request.headers.get(ROOM_HEADER) ?? '');
    const participant = decodeURIComponent(request.headers.get(PARTICIPANT_HEADER) ?? '');
    const id = crypto.randomUUID();
    const claim = participant === '' ? { room } : { room, participant };
    const [adapter, url, host] = [this.#adapterOf(protocol), new URL(request.url), this.#hostOf(protocol, room)];
    const admission = (await adapter.prepare?.(claim, url, host)) ?? (await adapter.admit(claim, url, id, host));
    if (!admission.admitted) {
      await this.#settle();
      return new Response(admission.message, { status: admission.status });
    }

    const { participantId, data } = admission;
    this.#closeSessionsOf(participantId, this.#adapterOf(protocol).farewell('replaced'));
    const { 0: client, 1: server } = new WebSocketPair();
    const opened = this.#sessions.accept(server, {
      id,
      participantId,
      protocol,
      isPiped: request.headers.get(PIPED_HEADER) === 'yes',
      data,
    });
    for (const frame of [...(admission.greeting ?? []), ...(this.#live?.missed.take(participantId) ?? [])]) opened.send(frame);
    await this.#settle();
    return upgradeResponse(client, { headers: subprotocolHeader(request, admission) });
  }

  override async webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): Promise<void> {
    const session = this.#sessions.of(socket);
    if (!session) return;
    session.heard();
    const length = typeof frame === 'string' ? frame.length : frame.byteLength;
    if (length > MAX_FRAME_LENGTH) return;
    const work = this.#adapterOf(session.protocol).receive(frame, session, this.#hostFor(session.protocol));
    await this.#settle();
    if (work) this.ctx.waitUntil(work.finally(() => this.#settle()));
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    const session = this.#sessions.of(socket);
    this.#sessions.forget(socket);
    closeQuietly(socket);
    if (!session) return;
    this.#adapterOf(session.protocol).closed(code, session, this.#hostFor(session.protocol));
    this.#beginToMiss(session.participantId);
    await this.#settle();
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1006);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    const now = Date.now();
    this.#live?.room.sweep(now);
    if (!this.#live) this.#storage.forgetSpent(now);
    await Promise.all([this.#live?.media.renew(now), this.#ledger.carryOut(now)]);
    await this.#settle();
  }

  // ---- Inside --------------------------------------------------------------------------------------------------------------

  #assemble(snapshot: RoomSnapshot): RoomWithMedia {
    const settings = settingsOf(this.env);
    const missed = new Missed(this.#storage.all<MissedFrames>('missed'), this.#storage);
    const outlet: RoomOutlet = {
      event: (event) => {
        this.#publish(event);
        services.follow(event);
      },
      notice: (notice) => {
        this.#notify(notice);
      },
      order: (order) => {
        this.#carryOut(order);
      },
      defer: (task) => {
        setTimeout(task, DEFERRAL);
      },
      gone: (participantId, reason) => {
        missed.take(participantId);
        for (const session of this.#sessionsOf(participantId)) session.close(this.#adapterOf(session.protocol).farewell(reason));
      },
    };
    const room = new Room(snapshot, { capacity: settings.ROOM_CAPACITY }, this.#storage, outlet);
    const client = new MediaClient(settings.MEDIA_NODE_URL, settings.MEDIA_NODE_SECRET);
    const media = new RoomMedia(room.id, client, this.#storage, () => {
      room.mediaLost(Date.now());
    });
    const services = new Services(room, media, this.#storage, settings, this.#ledger);
    return { room, media, services, conference: new Conference(room, media), missed, records: new Map() };
  }

  /** Hibernation keeps the sockets; a restart of the edge loses them without a word. */
  #wakeUp(snapshot: RoomSnapshot): RoomWithMedia {
    const live = this.#assemble(snapshot);
    const connected = new Set(this.#sessions.all().map((session) => session.id));
    for (const { id, presence, origin } of snapshot.participants) {
      if (presence.state === 'present' && !connected.has(presence.session)) {
        const grace = (origin === undefined ? undefined : this.#adapterOf(origin).absence) ?? RESTART_GRACE;
        live.room.loseSession(id, presence.session, Date.now() + grace);
        this.#beginToMiss(id, live);
      }
    }
    return live;
  }

  /** A member that is away and may come back misses from now on what it is told. */
  #beginToMiss(participantId: ParticipantId, live = this.#live): void {
    const { origin, presence } = live?.room.participant(participantId) ?? {};
    if (origin === undefined || presence?.state !== 'away') return;
    if (this.#adapterOf(origin).absence !== undefined) live?.missed.begin(participantId, origin);
  }

  #keepMissed(participantId: ParticipantId, frame: string): void {
    if (this.#live?.missed.add(participantId, frame) === false) this.#live.room.leave(participantId, 'vanished');
  }

  /** @param roomId the room's name, needed to make it; a room that is there knows its own. */
  #hostOf(protocol: string, roomId: RoomId | undefined): RoomHost {
    return {
      live: () => this.#live,
      create: (options) => roomId !== undefined && this.#create(roomId, options),
      sendTo: (participantId, frame) => {
        for (const session of this.#sessionsOf(participantId)) session.send(frame);
        this.#keepMissed(participantId, frame);
      },
      records: (name) => this.#records(`${protocol} ${name}`),
      spend: (id, until) => this.#storage.spend(`${protocol} ${id}`, until),
      now: () => Date.now(),
    };
  }

  #hostFor(protocol: string): RoomHost {
    const host = this.#hosts.get(protocol);
    if (!host) throw new Error(`no protocol is named ${protocol}`);
    return host;
  }

  /** Records of an adapter, which were written by it, so their type is known to it. */
  #records<Item extends { readonly id: string }>(name: string): Collection<Item> {
    if (!this.#live) throw new Error('there is no room to keep records of');
    const known = this.#live.records.get(name);
    const records = known ?? new Collection(name, this.#storage, this.#storage.all(name));
    this.#live.records.set(name, records);
    return records as unknown as Collection<Item>;
  }

  #create(roomId: RoomId, options?: RoomOptions): boolean {
    if (this.#live) return false;
    this.#live = this.#assemble(newRoom(roomId, Date.now(), options));
    this.#live.room.save();
    return true;
  }

  #adapterOf(protocol: string): Adapter {
    const adapter = this.#adapters.get(protocol);
    if (!adapter) throw new Error(`no protocol is named ${protocol}`);
    return adapter;
  }

  /** Tells an event to the members. A protocol's frames are made once, however many sessions get them. */
  #publish(event: RoomEvent): void {
    const isOther = (participantId: ParticipantId) => participantId !== event.participantId;
    const announcements = new Map<string, readonly Announcement[]>();
    const tell = (protocol: string, participantId: ParticipantId, send: (frame: string) => void): void => {
      const told = announcements.get(protocol) ?? this.#adapterOf(protocol).present(event, this.#hostFor(protocol));
      announcements.set(protocol, told);
      for (const { frame, audience = isOther } of told) if (audience(participantId)) send(frame);
    };
    for (const session of this.#sessions.all()) {
      tell(session.protocol, session.participantId, (frame) => {
        session.send(frame);
      });
    }
    for (const { id, protocol } of this.#live?.missed.all() ?? []) {
      tell(protocol, id, (frame) => {
        this.#keepMissed(id, frame);
      });
    }
  }

  #notify(notice: Notice): void {
    for (const session of this.#sessionsOf(notice.participantId)) {
      const { protocol } = session;
      this.#adapterOf(protocol).notify?.(notice, session, this.#hostFor(protocol));
    }
  }

  #carryOut(order: MediaOrder): void {
    this.#live?.conference.carryOut(order).catch((error: unknown) => {
      logger.warn('media order failed', { order: order.type, error: String(error) });
    });
  }

  #applyMediaEvent(event: MediaEvent): void {
    if (!this.#live) return;
    const { room, media, services } = this.#live;
    switch (event.type) {
      case 'transport-state':
        this.#connectionChanged(room, event.transport, CONNECTION_STATES[event.state]);
        return;
      case 'producer-closed':
        room.publicationEnded(event.producer);
        return;
      case 'audio-levels':
        room.audibleChanged(event.levels.map((level) => level.producer));
        return;
      case 'video-format':
        room.pictureSized(event.producer, { width: event.width, height: event.height }, event.layer);
        this.#report(event);
        return;
      case 'statistics':
      case 'media-missing':
        this.#report(event);
        return;
      case 'recording-finished':
        services.recordings.finished(event.recording);
        return;
      case 'room-closed':
        logger.warn('media lost', { room: room.id, cause: event.cause });
        media.lost();
        return;
      default:
        assertNever(event);
    }
  }

  #report(report: MediaReport): void {
    for (const [protocol, adapter] of this.#adapters) adapter.mediaReported?.(report, this.#hostFor(protocol));
  }

  #connectionChanged(room: Room, id: MediaId, state: ConnectionState): void {
    const connection = room.connection(id);
    room.connectionChanged(id, state, Date.now());
    const { origin } = (connection && room.participant(connection.participantId)) ?? {};
    if (connection && origin !== undefined) this.#adapterOf(origin).connectionChanged?.(connection, state, this.#hostFor(origin));
  }

  #sessionsOf(participantId: ParticipantId) {
    return this.#sessions.all().filter((session) => session.participantId === participantId);
  }

  #closeSessionsOf(participantId: ParticipantId, closing: { code: number; reason: string }): void {
    for (const session of this.#sessionsOf(participantId)) session.close(closing);
  }

  /** After everything that may have changed the room: end it when it is over, and wake up when something is due. */
  async #settle(): Promise<void> {
    if (this.#live?.room.isOver(Date.now()) === true) await this.#end(this.#live);
    await this.#setAlarm();
  }

  async #setAlarm(): Promise<void> {
    const deadlines = this.#deadlines().filter((time) => time !== null);
    const due = deadlines.length > 0 ? Math.min(...deadlines) : null;
    if (due === null || due === this.#alarmAt) return;
    this.#alarmAt = due;
    await this.ctx.storage.setAlarm(due);
  }

  async #end({ media, services }: RoomWithMedia): Promise<void> {
    this.#live = undefined;
    const closing = media.close();
    services.end();
    this.#storage.clear();
    this.#alarmAt = null;
    await Promise.all([closing, this.ctx.storage.deleteAlarm()]);
  }

  /** What was used once is remembered as long as it matters, also without a room. */
  #deadlines(): (Time | null)[] {
    const ledger = this.#ledger.nextDue();
    if (!this.#live) return [this.#storage.spentUntil(), ledger];
    return [this.#live.room.nextDeadline(), this.#live.media.renewAt, ledger];
  }
}

/** A client that asked for a sub-protocol fails the handshake if none is selected. */
function subprotocolHeader(request: Request, { subprotocol }: Extract<Admission, { admitted: true }>): Headers {
  const requested = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/u) ?? [];
  const headers = new Headers();
  if (subprotocol !== undefined && requested.includes(subprotocol)) headers.set('sec-websocket-protocol', subprotocol);
  return headers;
}

/** Completes the closing handshake; the platform throws when there is nothing left to complete. */
function closeQuietly(socket: WebSocket): void {
  try {
    socket.close();
  } catch {
    // Already closed on both sides.
  }
}
