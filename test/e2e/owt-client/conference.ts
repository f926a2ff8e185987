/**
 * The media side of clients of the protocol, in four kinds: the SDK 5.x with one PeerConnection for everything, the SDKs 4.3 and 4.2 with one for each
 * session, and a client that follows the original document to the letter.
 */
import { type Login, type Notice, Signaling, type SocketIo, type StreamInfo } from './signaling.ts';

export type ClientKind = 'sdk-5' | 'sdk-4.3' | 'sdk-4.2' | 'document';

const PROTOCOLS: Readonly<Record<ClientKind, string>> = { 'sdk-5': '1.2', 'sdk-4.3': '1.1', 'sdk-4.2': '1.0', document: '1.2' };

interface Opened {
  readonly id: string;
  readonly transportId: string;
}

export interface PublishOptions {
  readonly audio?: boolean;
  readonly video?: boolean;
  /** Publishes the screen, without sound, instead of camera and microphone. */
  readonly screen?: boolean;
  /** Sends the picture in these layers, lowest first. */
  readonly rids?: readonly string[];
}

export interface SubscribeOptions {
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly rid?: string;
  /** What the picture should be like. */
  readonly parameters?: object;
}

/** A PeerConnection and the server's name for it. */
class Transport {
  readonly peer = new RTCPeerConnection();
  id: string | undefined;
  readonly #candidates: RTCIceCandidate[] = [];
  readonly #send: (id: string, signaling: object) => Promise<unknown>;
  readonly #isFlat: boolean;
  #answered: ((sdp: string) => void) | undefined;

  constructor(send: (id: string, signaling: object) => Promise<unknown>, isFlat: boolean) {
    this.#send = send;
    this.#isFlat = isFlat;
    this.peer.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      if (this.peer.signalingState === 'stable') this.#sendCandidate(candidate);
      else this.#candidates.push(candidate);
    };
  }

  async describe(): Promise<void> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
  }

  /** Sends the offer that was made, and takes the answer. */
  async negotiate(): Promise<void> {
    const answered = new Promise<string>((resolve) => {
      this.#answered = resolve;
    });
    await this.#send(this.id ?? '', { type: 'offer', sdp: this.peer.localDescription?.sdp });
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => {
        reject(new Error('no answer in 10 s'));
      }, 10_000);
    });
    await this.peer.setRemoteDescription({ type: 'answer', sdp: await Promise.race([answered, late]) });
    for (const candidate of this.#candidates.splice(0)) this.#sendCandidate(candidate);
  }

  answer(sdp: string): void {
    this.#answered?.(sdp);
  }

  #sendCandidate({ candidate, sdpMid, sdpMLineIndex }: RTCIceCandidate): void {
    const flat = { type: 'candidate', candidate, sdpMid, sdpMLineIndex: String(sdpMLineIndex) };
    const nested = { type: 'candidate', candidate: { candidate: `a=${candidate}`, sdpMid, sdpMLineIndex } };
    void this.#send(this.id ?? '', this.#isFlat ? flat : nested);
  }
}

interface Session {
  readonly id: string;
  readonly transport: Transport;
  readonly transceivers: readonly RTCRtpTransceiver[];
  readonly element?: HTMLElement;
}

declare global {
  interface Window {
    newOwtClient: (kind: ClientKind) => OwtClient;
    owt: OwtClient;
  }
}

export function offerOwtClient(io: SocketIo): void {
  window.newOwtClient = (kind) => new OwtClient(io, kind);
}

class OwtClient {
  readonly signaling: Signaling;
  /** Where a real client would have thrown or the application would have seen an error. */
  readonly faults: string[] = [];
  readonly streams = new Map<string, StreamInfo>();
  self = '';
  /** Whether it subscribes to whatever appears. */
  subscribesToAll = false;
  /** Changes offers on their way, as a client with a fault of its own would. */
  spoil: ((sdp: string) => string) | undefined;
  readonly #kind: ClientKind;
  readonly #sessions = new Map<string, Session>();
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  readonly #established = new Set<string>();
  /** What was told before anybody waited for it. */
  readonly #early = new Map<string, Notice>();
  readonly #transports: Transport[] = [];
  #main: Transport | undefined;
  #published: Transport | undefined;
  #negotiations: Promise<unknown> = Promise.resolve();

  constructor(io: SocketIo, kind: ClientKind) {
    this.#kind = kind;
    this.signaling = new Signaling(io);
    this.signaling.onProgress = (notice) => {
      if (notice.status === 'ready' && this.#isOld && this.#established.has(notice.id)) this.faults.push('a session was ready twice');
      if (notice.status === 'ready') this.#established.add(notice.id);
      this.#progress(notice);
    };
    this.signaling.onStream = (notice) => {
      if (notice.status === 'add') this.#know(notice.data as StreamInfo);
      if (notice.status === 'add' && this.subscribesToAll) void this.subscribe(notice.id);
      const { field, value } = notice.data as { readonly field?: string; readonly value?: StreamInfo };
      if (notice.status === 'update' && field === '.' && value) this.#know(value);
      if (notice.status === 'remove') this.streams.delete(notice.id);
    };
  }

  async join(token: string): Promise<Login> {
    const login = await this.signaling.join(token, PROTOCOLS[this.#kind]);
    this.self = login.id;
    for (const stream of login.room.streams) this.#know(stream);
    return login;
  }

  /** Publishes camera and microphone. @returns the ids of the streams, of which the document's client makes one for each track. */
  async publish(options: PublishOptions = {}): Promise<string[]> {
    const { audio = true, video = true, screen = false, rids = [] } = options;
    const media = screen
      ? await navigator.mediaDevices.getDisplayMedia({ video: true })
      : await navigator.mediaDevices.getUserMedia({ audio, video: video ? { width: 640, height: 360 } : false });
    const transport = this.#transportFor('publish');
    const sessions = this.#kind === 'document' ? media.getTracks().map((track) => [track]) : [media.getTracks()];
    const transceivers = sessions.map((tracks) =>
      tracks.map((track) =>
        transport.peer.addTransceiver(track, {
          direction: 'sendonly',
          streams: [media],
          ...(track.kind === 'video' && rids.length > 0 && { sendEncodings: layers(rids) }),
        }),
      ),
    );
    return this.#inTurn(transport, async () => {
      await transport.describe();
      const opened: Opened[] = [];
      for (const ones of transceivers) opened.push(await this.#open('publish', transport, this.#publishBody(ones, transport, screen)));
      return opened.map(({ id }, index) => ({ id, transport, transceivers: transceivers[index] ?? [] }));
    });
  }

  /** Subscribes to a stream and shows it. @returns the ids of the subscriptions. */
  async subscribe(streamId: string, options: SubscribeOptions = {}): Promise<string[]> {
    const { audio = true, video = true } = options;
    const transport = this.#transportFor('subscribe');
    const kinds = [...(audio ? (['audio'] as const) : []), ...(video ? (['video'] as const) : [])];
    const transceivers = kinds.map((kind) => transport.peer.addTransceiver(kind, { direction: 'recvonly' }));
    const groups = this.#kind === 'document' ? transceivers.map((one) => [one]) : [transceivers];
    const element = show(streamId);
    this.#watch(transport.peer, transceivers, element);
    const subscribed = this.#inTurn(transport, async () => {
      await transport.describe();
      const opened: Opened[] = [];
      for (const ones of groups)
        opened.push(await this.#open('subscribe', transport, this.#subscribeBody(ones, streamId, options, transport)));
      return opened.map(({ id }, index) => ({ id, transport, transceivers: groups[index] ?? [], element }));
    });
    subscribed.catch(() => {
      element.remove();
    });
    return subscribed;
  }

  async unpublish(id: string): Promise<void> {
    const session = this.#take(id);
    for (const transceiver of session.transceivers) {
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = 'inactive';
    }
    await this.signaling.request('unpublish', { id });
    if (this.#isOld) session.transport.peer.close();
  }

  /** The sections stay in the connection, still willing to receive. */
  async unsubscribe(id: string): Promise<void> {
    const session = this.#take(id);
    session.element?.remove();
    await this.signaling.request('unsubscribe', { id });
    if (this.#isOld) session.transport.peer.close();
  }

  /** Loses the page's place without a word. */
  closeEverything(): void {
    for (const { peer } of this.#transports) peer.close();
  }

  connectionStates(): string[] {
    return this.#transports.map(({ peer }) => peer.connectionState);
  }

  /** Directions of all sections, as they were negotiated. */
  directions(): (string | null)[] {
    return this.#transports.flatMap(({ peer }) => peer.getTransceivers().map(({ currentDirection }) => currentDirection));
  }

  get #isOld(): boolean {
    return this.#kind === 'sdk-4.3' || this.#kind === 'sdk-4.2';
  }

  /** Each revision reads another shape, and throws where it does not find it. */
  #know(stream: StreamInfo): void {
    const { tracks, video } = stream.media;
    const isRight = {
      'sdk-5': Array.isArray(tracks),
      document: Array.isArray(tracks),
      'sdk-4.3': tracks === undefined && (!video || Array.isArray(video.original)),
      'sdk-4.2': tracks === undefined && (!video || (video.original === undefined && video.format !== undefined)),
    };
    if (!isRight[this.#kind]) this.faults.push(`a stream of another revision: ${JSON.stringify(stream.media)}`);
    this.streams.set(stream.id, stream);
  }

  // ---- Inside --------------------------------------------------------------------------------------------------------------

  #transportFor(what: 'publish' | 'subscribe'): Transport {
    const reused = this.#kind === 'sdk-5' ? this.#main : this.#kind === 'document' && what === 'publish' ? this.#published : undefined;
    if (reused) return reused;
    const transport = new Transport((id, signaling) => this.#soac(id, signaling), this.#kind === 'document');
    this.#transports.push(transport);
    if (this.#kind === 'sdk-5') this.#main = transport;
    if (what === 'publish') this.#published = transport;
    return transport;
  }

  #soac(id: string, signaling: object): Promise<unknown> {
    const spoilt = this.spoil && 'sdp' in signaling ? { ...signaling, sdp: this.spoil(String(signaling.sdp)) } : signaling;
    const address = this.#kind === 'document' ? { transportId: id } : id === '' ? {} : { id };
    return this.signaling.request('soac', { ...address, signaling: spoilt });
  }

  /** One negotiation of a connection after the other. Also what was refused is offered: its sections are there. */
  #inTurn(transport: Transport, open: () => Promise<Session[]>): Promise<string[]> {
    const negotiation = this.#negotiations.then(async () => {
      const opening = await open().then(
        (sessions) => ({ sessions, refusal: undefined }),
        (refusal: unknown) => ({ sessions: [], refusal }),
      );
      for (const session of opening.sessions) this.#sessions.set(session.id, session);
      const ready = opening.sessions.map(({ id }) => this.#ready(id));
      if (opening.refusal !== undefined) {
        await transport.negotiate().catch(() => undefined);
        throw opening.refusal as Error;
      }
      return { ids: opening.sessions.map(({ id }) => id), ready: Promise.all(ready), negotiated: transport.negotiate() };
    });
    this.#negotiations = negotiation.then(({ negotiated }) => negotiated).catch(() => undefined);
    return negotiation.then(async ({ ids, ready, negotiated }) => {
      // A session may fail before the next negotiation can begin.
      await Promise.race([ready, negotiated.then(() => ready)]);
      return ids;
    });
  }

  async #open(event: string, transport: Transport, body: object): Promise<Opened> {
    const opened = (await this.signaling.request(event, body)) as Opened;
    transport.id ??= opened.transportId;
    if (transport.id !== opened.transportId) this.faults.push(`${event}: the transport is ${opened.transportId} and not ${transport.id}`);
    return opened;
  }

  #publishBody(transceivers: readonly RTCRtpTransceiver[], transport: Transport, isScreen: boolean): object {
    const tracks = transceivers.map(({ mid, sender }) => {
      const kind = sender.track?.kind;
      return { type: kind, mid, source: kind === 'audio' ? 'mic' : isScreen ? 'screen-cast' : 'camera' };
    });
    if (this.#kind === 'document') return { media: tracks[0] };
    const attributes = { page: 'test' };
    if (this.#kind === 'sdk-5') return { media: { tracks }, attributes, transport: { id: transport.id, type: 'webrtc' } };
    const has = (kind: string) => tracks.some(({ type }) => type === kind);
    const parameters = { resolution: { width: 640, height: 360 }, framerate: 30 };
    return { media: { audio: has('audio') && { source: 'mic' }, video: has('video') && { source: 'camera', parameters } }, attributes };
  }

  #subscribeBody(
    transceivers: readonly RTCRtpTransceiver[],
    streamId: string,
    { rid, parameters }: SubscribeOptions,
    transport: Transport,
  ): object {
    const layer = this.streams.get(streamId)?.media.tracks?.find((track) => rid !== undefined && track.rid === rid)?.id;
    const tracks = transceivers.map(({ mid, receiver }) => {
      const { kind } = receiver.track;
      return kind === 'audio' ? { type: kind, mid, from: streamId } : { type: kind, mid, from: layer ?? streamId, parameters };
    });
    if (this.#kind === 'document') {
      return { media: { from: streamId, mid: tracks[0]?.mid }, ...(transport.id !== undefined && { transportId: transport.id }) };
    }
    if (this.#kind === 'sdk-5') return { media: { tracks }, transport: { id: transport.id, type: 'webrtc' } };
    const has = (kind: string) => tracks.some(({ type }) => type === kind);
    return {
      media: { audio: has('audio') && { from: streamId }, video: has('video') && { from: streamId, simulcastRid: rid, parameters } },
    };
  }

  /** Shows what arrives in the sections of a subscription. Its tracks must come in one stream of their own. */
  #watch(peer: RTCPeerConnection, transceivers: readonly RTCRtpTransceiver[], element: HTMLElement): void {
    const streams = new Set<string>();
    peer.addEventListener('track', ({ transceiver, track, streams: [stream] }) => {
      if (!transceivers.includes(transceiver)) return;
      if (!stream) this.faults.push('a track came without a stream');
      else streams.add(stream.id);
      if (this.#kind !== 'document' && streams.size > 1) this.faults.push('the tracks of a subscription came in two streams');
      const media = element.querySelector<HTMLMediaElement>(track.kind);
      if (media) media.srcObject = new MediaStream([track]);
    });
  }

  #ready(id: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const early = this.#early.get(id);
      if (early) this.#progress(early);
    });
  }

  #progress(notice: Notice): void {
    const { id, sessionId = this.#kind === 'sdk-5' ? undefined : id, status } = notice;
    if (status === 'soac') {
      const transport = this.#transports.find((one) => one.id === id);
      if (transport) transport.answer((notice.data as { sdp: string }).sdp);
      else this.faults.push('an answer came for no transport');
      return;
    }
    // SDK 5.x knows sessions by `sessionId` only; whatever has none is about the transport.
    if (sessionId === undefined) {
      if (status === 'error') this.faults.push(`transport: ${String(notice.data)}`);
      return;
    }
    const waiting = this.#waiting.get(sessionId);
    if (!waiting) {
      this.#early.set(sessionId, notice);
      return;
    }
    this.#waiting.delete(sessionId);
    if (status === 'ready') waiting.resolve();
    else waiting.reject(new Error(String(notice.data)));
  }

  #take(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new Error(`no session ${id}`);
    this.#sessions.delete(id);
    return session;
  }
}

function layers(rids: readonly string[]): RTCRtpEncodingParameters[] {
  return rids.map((rid, index) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - index) }));
}

/** An element that shows a stream, for the test to look at. */
function show(streamId: string): HTMLElement {
  const element = document.createElement('section');
  element.dataset.stream = streamId;
  for (const kind of ['video', 'audio']) {
    const media = document.createElement(kind) as HTMLMediaElement;
    media.autoplay = true;
    element.append(media);
  }
  document.body.append(element);
  return element;
}
