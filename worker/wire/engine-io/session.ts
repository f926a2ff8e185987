import { isLongerThan } from '../byte-length.ts';
import { codecOf } from './codec.ts';
import { heard, isExpired, isPingDue, nextAttention, pingSent, startHeartbeat, type Heartbeat } from './heartbeat.ts';
import { openPacket } from './open-packet.ts';
import { Outbox } from './outbox.ts';
import { OutgoingPacket } from './outgoing.ts';
import type { Data, Frame, FrameSocket, Packet, Revision } from './packet.ts';
import { PollingTransport, type PollAnswer } from './polling.ts';
import { PROMPT_INTERVAL, PromptHeartbeats } from './prompt-heartbeats.ts';
import type { CloseReason, Relay, SessionHost, SessionIdentity, SessionRecord } from './session-host.ts';
import { pingIntervalOf } from './settings.ts';
import { Upgrade } from './upgrade.ts';

/** The WebSocket close code for each reason (RFC 6455, section 7.4). A client of the official library reconnects after every one of them. */
const CLOSE_CODES: Readonly<Record<CloseReason, number>> = {
  'transport close': 1000,
  'transport error': 1002,
  'ping timeout': 1001,
  'parse error': 1002,
  'payload too large': 1009,
  'back pressure': 1013,
  'forced close': 1000,
};

/** How long after its last activity a polling session is saved, should the object fall asleep, in milliseconds. */
const SETTLE_TIME = 5_000;

/** Bytes in one polling response, so that a client on a slow line shows soon that it reads. */
const MAX_POLL_BYTES = 131_072;

/** How often a client of revision 3 for which packets are held is looked after, in milliseconds: the platform does not tell of its heartbeats. */
const HEARTBEAT_CHECK_INTERVAL = 250;

/** How much later a client may read the answer to its heartbeat than that was sent, in milliseconds, for its next heartbeat to prove it. */
const MAX_ROUND_TRIP = 1_000;

const PING = new OutgoingPacket('ping');

/**
 * One client connection of Engine.IO, whatever transport carries it at the moment.
 *
 * Documents: https://github.com/socketio/socket.io/tree/main/docs/engine.io-protocol (v3.md, v4-current.md)
 */
export class Session {
  readonly sid: string;
  readonly revision: Revision;
  readonly base64Only: boolean;
  readonly heartbeat: Heartbeat;
  readonly #host: SessionHost<Session>;
  readonly #outbox: Outbox;
  #socket: FrameSocket | undefined;
  #polling: PollingTransport | undefined;
  #upgrade: Upgrade | undefined;
  #relay: Relay | undefined;
  #pins = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #lingersUntil = Infinity;
  #settlesAt: number | undefined;
  #heartbeatSeenAt = 0;
  readonly #promptHeartbeats: PromptHeartbeats;
  #isCheckingHeartbeats = false;
  /** Those who want to send more when there is room for it. */
  readonly #waitingForRoom: (() => void)[] = [];

  constructor(host: SessionHost<Session>, identity: SessionIdentity, transport: FrameSocket | PollingTransport, record?: SessionRecord) {
    ({ sid: this.sid, revision: this.revision, base64Only: this.base64Only } = identity);
    this.#host = host;
    if (transport instanceof PollingTransport) this.#polling = transport;
    else this.#socket = transport;
    this.#outbox = newOutbox(host, this.revision);
    this.#promptHeartbeats = new PromptHeartbeats(pingIntervalOf(this.revision, host.settings), host.now());
    for (const { type, data } of record?.waiting ?? []) this.#outbox.hold(new OutgoingPacket(type, data));
    this.heartbeat = record ? { ...record.heartbeat } : startHeartbeat(this.revision, host.now(), host.heartbeatSettings);
    if (record?.closing) this.#linger();
  }

  /** A session as it was before the object slept. */
  static restore(host: SessionHost<Session>, record: SessionRecord, socket: FrameSocket | undefined): Session {
    return new Session(host, record, socket ?? new PollingTransport(), record);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get socket(): FrameSocket | undefined {
    return this.#socket;
  }

  get polling(): PollingTransport | undefined {
    return this.#polling;
  }

  get upgrade(): Upgrade | undefined {
    return this.#upgrade;
  }

  /** The application's part of the session has changed and is worth saving. */
  changed(): void {
    this.#host.changed(this);
  }

  /**
   * The session depends on something that lives in memory only, such as a pipe, until the answered function is called. Should the memory
   * be lost before, the session is not brought back but closed, and its client connects again.
   */
  pin(): () => void {
    this.#pins++;
    this.changed();
    return () => {
      this.#pins--;
      this.changed();
    };
  }

  record(): SessionRecord {
    const { sid, revision, base64Only, heartbeat } = this;
    const pinned = this.#pins > 0;
    // What is held for a WebSocket is sent or given up before the object can fall asleep.
    const held = this.polling ? this.#outbox.held : [];
    const waiting = held.map(({ type, data }) => (data === undefined ? { type } : { type, data }));
    const transport = this.polling ? 'polling' : 'websocket';
    return { sid, revision, base64Only, heartbeat: { ...heartbeat }, transport, waiting, closing: this.#state === 'closing', pinned };
  }

  /** Sends a message. A session that is not open any more drops it. */
  send(data: Data): void {
    this.sendPacket(new OutgoingPacket('message', data));
  }

  /** Sends a packet that may be shared with other sessions. */
  sendPacket(packet: OutgoingPacket): void {
    if (this.#state !== 'open') return;
    if (this.#socket && this.#outbox.passes(packet)) this.#transmit(packet);
    else this.#hold(packet);
    if (this.#outbox.wantsProof) this.#askForProof();
  }

  /**
   * For whoever has much to send, and can wait: calls back when the client has read most of what it was sent, at once where it has already, and
   * never when the session ends before. What is sent then should be no more than half of the limit.
   */
  whenRoomy(callback: () => void): void {
    this.#waitingForRoom.push(callback);
    this.#release();
  }

  #hold(packet: OutgoingPacket): void {
    this.#outbox.hold(packet);
    if (this.#outbox.isOverfull) this.close('back pressure');
    else this.#release();
  }

  /** Sends what was held back, as far as there is room for it. */
  #release(): void {
    if (this.polling) this.#answerPoll(this.polling);
    else for (const packet of this.#outbox.take()) this.#transmit(packet);
    if (this.#outbox.wantsProof) this.#askForProof();
    if (this.isOpen && this.#outbox.isRoomy) for (const callback of this.#waitingForRoom.splice(0)) callback();
    if (this.#dependsOnHeartbeats) this.#awaitHeartbeat();
    this.#host.needsAttentionAt(this.#outbox.givesUpAt());
  }

  /** Whether anything waits for a client whose heartbeats alone prove that it reads. */
  get #dependsOnHeartbeats(): boolean {
    return this.revision === 3 && this.socket !== undefined && (this.#outbox.held.length > 0 || this.#waitingForRoom.length > 0);
  }

  /** Passes a frame of another server on to the client, see {@link relayTo}. */
  sendFrame(frame: Frame): void {
    const packet = codecOf(this.revision).decodeFrame(frame);
    if (!packet) return;
    const outgoing = new OutgoingPacket(packet.type, packet.data);
    const isPing = packet.type === 'ping';
    if (isPing || packet.type === 'pong') this.#sendAtOnce(outgoing);
    else this.sendPacket(outgoing);
    if (isPing) this.#outbox.asked(true);
  }

  /** From now on the client speaks to a server behind this one, in the frames of its revision; without an argument, to this one again. */
  relayTo(relay?: Relay): void {
    this.#relay = relay;
    const settings = this.#host.heartbeatSettings;
    Object.assign(this.heartbeat, startHeartbeat(this.revision, this.#host.now(), settings), { answerDueAt: undefined });
    this.#host.needsAttentionAt(this.nextAttention());
  }

  /** Handles one WebSocket message of the session's own socket. */
  receiveFrame(frame: Frame): void {
    if (isLongerThan(frame, this.#host.settings.maxPayload)) {
      this.close('payload too large');
      return;
    }
    const packet = codecOf(this.revision).decodeFrame(frame);
    if (packet) this.receive(packet, typeof frame === 'string' ? frame.length : frame.byteLength);
    else this.close('parse error');
  }

  /** Handles the packets of one polling body. */
  receivePayload(packets: readonly Packet[], bytes: number): void {
    const share = bytes / packets.length;
    for (const packet of packets) this.receive(packet, share);
  }

  /** @param bytes about how large it was on its way. */
  receive(packet: Packet, bytes: number): void {
    if (this.#state !== 'open') return;
    heard(this.heartbeat, this.#host.now());
    this.#outbox.heard(bytes);
    if (this.revision === 3 && packet.type === 'ping') this.#noteHeartbeat(this.#host.now());
    if (!this.#relay || this.#isOwnAnswer(packet)) this.#handle(packet);
    else this.#relay.receive(codecOf(this.revision).encodeFrame(packet, this.base64Only));
  }

  /** Whether a client that speaks to a server behind this one answers a question that this one has asked. */
  #isOwnAnswer({ type }: Packet): boolean {
    if (this.revision === 3 || type !== 'pong') return false;
    const isOwn = this.#outbox.nextAnswer?.isRelayed === false;
    // The other server hears of its own; here they prove just as much.
    if (!isOwn) this.#provenByAnswer();
    return isOwn;
  }

  #handle(packet: Packet): void {
    switch (packet.type) {
      case 'ping':
        this.#handlePing(packet);
        break;
      case 'pong':
        this.#handlePong();
        break;
      case 'message':
        this.#host.received(this, packet.data ?? '');
        break;
      case 'close':
        this.close('transport close');
        break;
      case 'open':
      case 'upgrade':
      case 'noop':
        // Only a server sends the first, and the others mean something only while a session changes its transport.
        break;
    }
  }

  #handlePing({ data }: Packet): void {
    if (this.revision === 4) {
      this.close('transport error');
      return;
    }
    const now = this.#host.now();
    const mark = this.#promptHeartbeats.heard(now);
    this.#promptHeartbeats.answered(now);
    if (mark === undefined) this.#sendAtOnce(new OutgoingPacket('pong', data));
    else this.#provenPromptly(mark);
  }

  /** Something waits until a client of revision 3 proves that it reads. */
  #awaitHeartbeat(): void {
    if (!this.#host.hearsHeartbeats || this.#relay) this.#checkHeartbeats();
    else if (!this.#promptHeartbeats.isAsked) this.#askForHeartbeat();
  }

  #askForHeartbeat(): void {
    this.#promptHeartbeats.asked(this.#outbox.mark);
    this.#sendAtOnce(openPacket(this, this.#host.settings, PROMPT_INTERVAL));
  }

  /** What answers a prompt heartbeat sets the client's timer again: for the next prompt one, where it is needed, or for the usual ones. */
  #provenPromptly(mark: number): void {
    this.#outbox.provenUpTo(mark);
    this.#release();
    if (this.#promptHeartbeats.isAsked) return;
    this.#sendAtOnce(openPacket(this, this.#host.settings));
  }

  #handlePong(): void {
    if (this.revision === 3) {
      this.close('transport error');
      return;
    }
    this.#provenByAnswer();
    if (this.heartbeat.answerDueAt === undefined) return;
    this.heartbeat.answerDueAt = undefined;
    this.#host.changed(this);
    this.#host.needsAttentionAt(this.heartbeat.pingDueAt);
  }

  #provenByAnswer(): void {
    this.#outbox.answered();
    this.#release();
  }

  /** Waits for packets, as a polling GET does. A second GET while one is waiting ends the session. */
  async poll(signal?: AbortSignal): Promise<PollAnswer> {
    const polling = this.polling;
    if (!polling || this.#state === 'closed') return 'refused';
    if (polling.isPollWaiting) {
      this.close('transport error');
      return 'refused';
    }
    // Whoever asks for the next response has received the last one.
    this.#outbox.provenAll();
    signal?.addEventListener('abort', () => {
      this.#handlePollCut(polling);
    });
    if (this.#upgrade) this.#endPollSoon(polling);
    this.#settle();
    const answered = polling.poll();
    this.#release();
    const answer = await answered;
    this.#pollAnswered();
    return answer;
  }

  #answerPoll(polling: PollingTransport): void {
    if (this.#state === 'open') this.#settle();
    if (!polling.isPollWaiting) return;
    const packets = this.#outbox.take(MAX_POLL_BYTES);
    if (packets.length > 0) polling.answer(packets);
  }

  #pollAnswered(): void {
    if (this.#state === 'closing' && this.#outbox.held.length === 0) this.#finish();
    else if (this.#state === 'open' && this.polling) this.#settle();
  }

  #handlePollCut(polling: PollingTransport): void {
    if (polling.isPollWaiting) this.close('transport error');
  }

  /** A second transport knocks: a WebSocket that wants to take over from polling. */
  startUpgrade(socket: FrameSocket): void {
    this.#upgrade = new Upgrade(socket, this.revision, this.#host.now() + this.#host.settings.upgradeTimeout, {
      probed: () => {
        if (this.polling) this.#endPollSoon(this.polling);
      },
      completed: () => {
        this.#completeUpgrade(socket);
      },
      failed: () => {
        this.#upgrade = undefined;
      },
    });
    this.#host.needsAttentionAt(this.#upgrade.endsAt);
  }

  /**
   * The client sends its last words by polling before it switches, and it waits for its GET to end. A short delay lets packets that
   * are about to be sent use that GET.
   */
  #endPollSoon(polling: PollingTransport): void {
    this.#host.after(100, () => {
      if (this.#upgrade?.isProbed) polling.answer([new OutgoingPacket('noop')]);
    });
  }

  #completeUpgrade(socket: FrameSocket): void {
    const polling = this.polling;
    this.#upgrade = undefined;
    this.#socket = socket;
    this.#polling = undefined;
    this.#settlesAt = undefined;
    this.#host.changed(this);
    polling?.answer('refused');
    // The client has fetched the last response before it switched.
    this.#outbox.provenAll();
    this.#release();
  }

  /** The session's own socket is gone. */
  socketClosed(): void {
    this.close('transport close');
  }

  /** Ends the session. What a polling client has not fetched yet waits for its next GET for a while. */
  close(reason: CloseReason): void {
    if (this.#state !== 'open') return;
    const polling = this.polling;
    if (polling) this.#bidFarewell(reason, polling);
    this.#state = 'closing';
    this.#upgrade?.abort();
    const hasUnfetched = polling !== undefined && this.#outbox.held.length > 0;
    if (hasUnfetched && (reason === 'forced close' || reason === 'transport close')) this.#linger();
    else this.#finish(reason);
    this.#relay?.closed(reason);
    this.#host.closed(this, reason);
  }

  /** Tells a polling client that its session ends. A client that closes by itself is only released from its GET. */
  #bidFarewell(reason: CloseReason, polling: PollingTransport): void {
    if (reason === 'transport close') this.#outbox.hold(new OutgoingPacket('noop'));
    else if (reason === 'forced close' || polling.isPollWaiting) this.#outbox.hold(new OutgoingPacket('close'));
    this.#answerPoll(polling);
  }

  /** Lets go of the client without a word: another server speaks to it from now on. */
  detach(): void {
    this.#state = 'closed';
    this.#host.changed(this);
  }

  #linger(): void {
    this.#state = 'closing';
    this.#lingersUntil = this.#host.now() + this.#host.settings.pingTimeout;
    this.#settle();
    this.#host.needsAttentionAt(this.#lingersUntil);
  }

  #finish(reason: CloseReason = 'transport close'): void {
    this.#state = 'closed';
    this.polling?.answer('refused');
    try {
      this.socket?.close(CLOSE_CODES[reason], reason);
    } catch {
      // The socket was closed before; there is nothing left to tell the client.
    }
    this.#host.changed(this);
  }

  /** Does what is due by now: pings, timeouts, saving. Answers when to come back, in milliseconds since the epoch. */
  attend(now: number): number {
    this.#noteHeartbeats();
    const settings = this.#host.heartbeatSettings;
    if (this.#outbox.wantsProof) this.#askForProof();
    if (now >= this.#lingersUntil) this.#finish();
    if (this.#upgrade && now >= this.#upgrade.endsAt) this.#upgrade.abort();
    if (this.isOpen && now >= this.#outbox.givesUpAt()) this.close('back pressure');
    if (this.#keepsHeartbeat && isExpired(this.heartbeat, now, settings)) this.close('ping timeout');
    if (this.#keepsHeartbeat && isPingDue(this.heartbeat, now)) this.#ping();
    if (now >= (this.#settlesAt ?? Infinity)) this.#settled();
    return this.nextAttention();
  }

  /** The server behind a relay keeps the heartbeat of the whole way. */
  get #keepsHeartbeat(): boolean {
    return this.isOpen && !this.#relay;
  }

  /** When it has to be attended to at the latest, in milliseconds since the epoch. */
  nextAttention(): number {
    if (this.#state === 'closed') return Infinity;
    const heartbeat = this.#keepsHeartbeat ? nextAttention(this.heartbeat, this.#host.heartbeatSettings) : Infinity;
    const transport = Math.min(this.#upgrade?.endsAt ?? Infinity, this.#settlesAt ?? Infinity);
    return Math.min(heartbeat, transport, this.#lingersUntil, this.#outbox.givesUpAt());
  }

  /** In revision 3 the platform answers heartbeats without waking the object; their times tell that the client is alive and reads. */
  #noteHeartbeats(): void {
    if (this.revision === 3 && this.socket) this.#noteHeartbeat(this.#host.heartbeatSeenAt(this.socket) ?? 0);
  }

  /** A client sends a heartbeat when an interval has passed since it read the answer to the one before. */
  #noteHeartbeat(seenAt: number): void {
    if (seenAt <= this.#heartbeatSeenAt) return;
    const answerRead = seenAt - pingIntervalOf(3, this.#host.settings) - MAX_ROUND_TRIP;
    this.#outbox.provenBefore(Math.max(this.#heartbeatSeenAt, answerRead));
    this.#heartbeatSeenAt = seenAt;
    heard(this.heartbeat, seenAt);
    this.#release();
  }

  #checkHeartbeats(): void {
    if (this.#isCheckingHeartbeats) return;
    this.#isCheckingHeartbeats = true;
    this.#noteHeartbeats();
    this.#host.after(HEARTBEAT_CHECK_INTERVAL, () => {
      this.#isCheckingHeartbeats = false;
      if (this.isOpen && this.#dependsOnHeartbeats) this.#checkHeartbeats();
    });
  }

  #askForProof(): void {
    if (this.#state !== 'open') return;
    if (this.revision === 4 && this.socket) this.#sendAtOnce(PING);
    this.#outbox.asked();
    this.#noteHeartbeats();
    this.#host.needsAttentionAt(this.#outbox.givesUpAt());
  }

  #ping(): void {
    const now = this.#host.now();
    this.#sendAtOnce(PING);
    this.#outbox.asked();
    pingSent(this.heartbeat, now, this.#host.heartbeatSettings);
    this.#host.changed(this);
    this.#host.needsAttentionAt(this.nextAttention());
  }

  /** A heartbeat does not wait for room: it is what makes room. */
  #sendAtOnce(packet: OutgoingPacket): void {
    if (!this.socket) {
      this.sendPacket(packet);
      return;
    }
    this.#outbox.handOver(packet);
    this.#transmit(packet);
    if (this.#outbox.isOverfull) this.close('back pressure');
  }

  #transmit(packet: OutgoingPacket): void {
    try {
      this.#socket?.send(packet.frame(this.revision, this.base64Only));
    } catch {
      // The socket is closing; its close event ends the session.
    }
  }

  /** A polling session that saw activity is not saved as it is now; it will be once it has been quiet for a while. */
  #settle(): void {
    this.#settlesAt = this.#host.now() + SETTLE_TIME;
    this.#host.changed(this);
    this.#host.needsAttentionAt(this.#settlesAt);
  }

  #settled(): void {
    this.#settlesAt = undefined;
    this.#host.changed(this);
  }

  /**
   * Whether the state of a polling session is worth storing: it has been quiet and no request keeps the object awake. Until then a
   * stored record would only be a wrong one.
   */
  get isSettled(): boolean {
    return this.#settlesAt === undefined && this.polling?.isPollWaiting !== true;
  }
}

/** A client of revision 4 answers a ping at once. One of revision 3 proves that it reads by its next heartbeats only, and has more under way until then. */
function newOutbox(host: SessionHost<Session>, revision: Revision): Outbox {
  const limit = host.settings.sendLimit;
  const now = (): number => host.now();
  return revision === 4
    ? new Outbox({ limit, window: limit / 2, answerDelay: 0, now })
    : new Outbox({ limit, window: limit, answerDelay: pingIntervalOf(3, host.settings) + MAX_ROUND_TRIP, now });
}
