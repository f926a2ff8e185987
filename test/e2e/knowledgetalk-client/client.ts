/**
 * Clients of the protocol as real ones are: the vendor's multi-party app and a third party's sample. They read messages without a guard, have one
 * PeerConnection for each direction or feed, find the place of a picture by `displayId`, and know no trickling. They know nothing of Parley.
 */
import { Board } from './board.ts';
import { type Kind, type Message, Signaling, type SocketIo, type Usage } from './signaling.ts';

/** What a member receives of another, in the one element that plays it. */
export interface Reception {
  readonly videoWidth: number;
  readonly framesPresented: number;
  readonly framesDecoded: number;
  readonly audioPackets: number;
  readonly audioEnergy: number;
}

/** Ports of the two ends of a connection. */
export interface Route {
  readonly from: number;
  readonly to: number;
}

declare global {
  interface Window {
    newKnowledgeTalkClient: (server: string) => KnowledgeTalkClient;
    knowledgeTalk: KnowledgeTalkClient;
  }
}

/** The vendor's app sends its description so long after the first candidate, in milliseconds. */
const CANDIDATES_WAIT = 1_500;

const CAMERA = { audio: true, video: { width: 320, height: 180 } };
const SCREEN = { video: { width: 320, height: 180, frameRate: 5 } };

/** How long a part of a recording is, in milliseconds. */
const PART_LENGTH = 1_000;

/** Makes the client available to the page that loads this script. */
export function offerKnowledgeTalkClient(io: SocketIo, kind: Kind): void {
  window.newKnowledgeTalkClient = (server) => new KnowledgeTalkClient(new Signaling(io, kind, server), kind);
}

class KnowledgeTalkClient {
  readonly signaling: Signaling;
  /** What went wrong: a real client would have thrown there. */
  readonly faults: string[] = [];
  readonly board: Board;
  /** What the members are called, by their ids, as the server has said it. */
  readonly names = new Map<string, string>();
  userId = '';
  roomId = '';
  /** How many are in the room as this client counts: one less with every exit that it is told. */
  count = 0;
  mode: 'Y' | 'N' = 'N';
  /** Answers of the file server to the parts of the recording: bytes that it has. */
  readonly recorded: number[] = [];
  readonly #kind: Kind;
  #isPublishing = false;
  #camera: Promise<MediaStream> | undefined;
  #screen: MediaStream | undefined;
  /** Connections that send, by what they are for. In a call of two of the vendor's app the camera's receives, too. */
  readonly #outgoing = new Map<Usage, RTCPeerConnection>();
  /** Connections that receive, by whose picture they bring. */
  readonly #incoming = new Map<string, RTCPeerConnection>();
  readonly #elements = new Map<string, HTMLElement>();

  constructor(signaling: Signaling, kind: Kind) {
    this.signaling = signaling;
    this.#kind = kind;
    this.board = new Board((stroke) => {
      signaling.say({ signalOp: 'Draw', roomId: this.roomId, ...stroke });
    });
    signaling.onMessage = (name, message) => {
      this.#act(name, message).catch((error: unknown) => this.faults.push(`${name}: ${String(error)}`));
    };
  }

  /** Makes a room and joins it. @returns its number. */
  async create(): Promise<string> {
    await this.signaling.opened;
    const { code, roomId } = await this.signaling.ask({ eventOp: 'CreateRoom' });
    if (code !== '200') throw new Error(`CreateRoom: ${code}`);
    await this.join(roomId);
    return roomId;
  }

  /** Joins a room, as a member that publishes when the server says so, or as one that only looks on. */
  async join(roomId: string, eventOp: 'RoomJoin' | 'RoomJoinAsObserver' = 'RoomJoin'): Promise<void> {
    await this.signaling.opened;
    this.#isPublishing = eventOp === 'RoomJoin';
    // What the offer needs is opened before the server says that it is time for it.
    if (this.#isPublishing) await this.#openCamera();
    const { code, userId, members } = await this.signaling.ask({ eventOp, roomId });
    if (code !== '200') throw new Error(`${eventOp}: ${code}`);
    Object.assign(this, { userId, roomId });
    this.#know(members);
  }

  /** Leaves the room and stays connected. */
  async leave(): Promise<string | undefined> {
    const { roomId, userId } = this;
    const ids = this.#kind === 'vendor' ? { roomId } : { roomId, userId };
    const { code } = await this.signaling.ask({ eventOp: 'ExitRoom', ...ids });
    for (const usage of ['cam', 'screen'] as const) this.#closeOutgoing(usage);
    for (const place of [...this.#elements.keys()]) this.#forget(place);
    this.#screen = undefined;
    return code;
  }

  /** Shares the screen if nobody else does. @returns the code of the reservation. */
  async shareScreen(): Promise<string | undefined> {
    const { roomId, userId } = this;
    const { code } = await this.signaling.ask({ eventOp: 'SessionReserve', roomId, userId });
    if (code !== '200') return code;
    this.#screen = await navigator.mediaDevices.getDisplayMedia(SCREEN);
    await this.#offer('screen', this.#screen);
    return code;
  }

  async stopScreen(): Promise<void> {
    const { roomId, userId } = this;
    for (const track of this.#screen?.getTracks() ?? []) track.stop();
    this.#screen = undefined;
    this.#closeOutgoing('screen');
    await this.signaling.ask({ eventOp: 'SessionReserveEnd', roomId, userId });
    await this.signaling.ask({ eventOp: 'ScreenShareConferenceEnd', roomId, userId, useMediaSvr: this.count > 2 ? 'Y' : 'N' });
  }

  async startBoard(): Promise<void> {
    await this.signaling.ask({ eventOp: 'WhiteBoardStart', roomId: this.roomId, userId: this.userId });
    document.body.append(this.board.canvas);
  }

  /** Uploads a file and shows everybody its first page. @returns the answer of the file server. */
  async shareFile(bytes: readonly number[], name: string, type: string): Promise<{ code: string; pages: string[] }> {
    const { roomId, userId } = this;
    const { fileServerUrl } = await this.signaling.ask({ eventOp: 'FileShareStart', roomId, userId });
    const body = new FormData();
    body.append('uploadFile', new File([new Uint8Array(bytes)], name, { type }));
    const answer = (await (await fetch(fileServerUrl, { method: 'POST', body })).json()) as { code: string; pages: string[] };
    await this.signaling.ask({ eventOp: 'FileShare', roomId, userId, url: answer.pages[0] });
    return answer;
  }

  /** Records what the own camera and microphone bring, and uploads it part by part. @returns how the file is called. */
  async record(): Promise<string> {
    const { roomId, userId } = this;
    const { code, recordingInfo } = await this.signaling.ask({ eventOp: 'RecordStart', roomId, userId });
    if (code !== '200') throw new Error(`RecordStart: ${code}`);
    const recorder = new MediaRecorder(await this.#openCamera(), { mimeType: `video/${recordingInfo.extension};codecs=vp8,opus` });
    let uploads = Promise.resolve();
    recorder.ondataavailable = ({ data }) => {
      uploads = uploads.then(() => this.#upload(recordingInfo.fileServerUrl, data));
    };
    recorder.start(PART_LENGTH);
    return recordingInfo.fileName;
  }

  /** What arrives at the place of a member's camera or of the shared screen. */
  async reception(place: string): Promise<Reception> {
    const video = this.#elements.get(place)?.querySelector('video');
    const stream = video?.srcObject instanceof MediaStream ? video.srcObject : undefined;
    const found = { videoWidth: video?.videoWidth ?? 0, framesPresented: 0, framesDecoded: 0, audioPackets: 0, audioEnergy: 0 };
    const [picture] = stream?.getVideoTracks() ?? [];
    if (picture) found.framesPresented = window.probe.frames.get(picture) ?? 0;
    const tracks = new Set(stream?.getTracks().map(({ id }) => id));
    for (const peer of [...this.#incoming.values(), ...this.#outgoing.values()]) {
      (await peer.getStats()).forEach((entry: Record<string, unknown>) => {
        if (entry.type !== 'inbound-rtp' || !tracks.has(String(entry.trackIdentifier))) return;
        if (entry.kind === 'video') found.framesDecoded = Number(entry.framesDecoded);
        else Object.assign(found, { audioPackets: Number(entry.packetsReceived), audioEnergy: Number(entry.totalAudioEnergy) });
      });
    }
    return found;
  }

  /** Whose pictures have a place on the page. */
  places(): string[] {
    return [...this.#elements.keys()].sort();
  }

  /** From which port to which its connections go. */
  async routes(): Promise<Route[]> {
    const routes: Route[] = [];
    for (const peer of [...this.#incoming.values(), ...this.#outgoing.values()]) {
      const entries = (await peer.getStats()) as Map<string, Record<string, unknown>>;
      for (const { type, selectedCandidatePairId } of entries.values()) {
        const pair = type === 'transport' ? entries.get(String(selectedCandidatePairId)) : undefined;
        if (pair) routes.push({ from: portOf(entries, pair.localCandidateId), to: portOf(entries, pair.remoteCandidateId) });
      }
    }
    return routes;
  }

  async #act(name: string, message: Message): Promise<void> {
    switch (name) {
      case 'StartSession':
        return this.#startSession(message);
      case 'SDP':
        return this.#describe(message);
      case 'ReceiveFeed':
        this.signaling.acknowledge(name);
        for (const { id: feedId, display } of message.feeds) {
          const usage: Usage = display.includes('_screen') ? 'screen' : 'cam';
          this.signaling.say({ eventOp: 'SendFeed', roomId: this.roomId, feedId, display, usage });
        }
        return;
      case 'Presence':
        this.#notice(message);
        return;
      case 'ScreenShareConferenceEndSvr':
        this.signaling.acknowledge(name);
        this.#forget('screen');
        return;
      case 'WhiteBoardStartSvr':
        document.body.append(this.board.canvas);
        return;
      case 'WhiteBoardStopSvr':
        this.board.canvas.remove();
        return;
      case 'Draw':
        this.board.draw(message.userId, message);
        return;
      case 'FileShareSvr':
        document.body.append(Object.assign(new Image(), { crossOrigin: 'anonymous', id: 'shared-page', src: message.url }));
        return;
    }
  }

  async #startSession({ members, useMediaSvr, changeView, host }: Message): Promise<void> {
    this.signaling.acknowledge('StartSession');
    this.#know(members);
    this.mode = useMediaSvr ?? 'N';
    if (changeView) await this.#endCallOfTwo();
    await this.#offer('cam', await this.#openCamera(), host);
  }

  async #endCallOfTwo(): Promise<void> {
    if (this.#screen) await this.stopScreen();
    this.#closeOutgoing('cam');
    for (const [place, peer] of this.#incoming) {
      peer.close();
      this.#incoming.delete(place);
    }
    this.#remove('screen');
  }

  #notice({ action, userId, who, members }: Message): void {
    if (action === 'join') this.#know(members);
    if (action === 'talking' && who !== this.userId && !this.#elements.has(who)) throw new Error(`nobody called ${who} can talk`);
    if (action !== 'exit') return;
    this.count -= 1;
    this.#forget(userId);
  }

  /** Makes and sends an offer. The sample sends it before it has any candidate. */
  async #offer(usage: Usage, stream: MediaStream, host?: boolean): Promise<void> {
    this.#closeOutgoing(usage);
    const peer = new RTCPeerConnection();
    this.#outgoing.set(usage, peer);
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    if (this.mode === 'N' && usage === 'cam' && this.#kind === 'vendor') this.#showOther(peer);
    const candidates = this.#firstCandidates(peer);
    await peer.setLocalDescription(await peer.createOffer());
    if (this.#kind === 'vendor') await candidates;
    // The call of two may have turned into one of more meanwhile, with an offer of its own.
    if (peer.signalingState === 'closed') return;
    this.#send({ usage, sdp: peer.localDescription, ...(host !== undefined && { host }) });
  }

  #send(fields: object): void {
    this.signaling.say({ eventOp: 'SDP', roomId: this.roomId, userId: this.userId, ...fields });
  }

  async #describe(message: Message): Promise<void> {
    const { code, usage, sdp, useMediaSvr } = message;
    // The vendor's app drops everything with a code, the sample everything without the mode. Neither looks whether there is a description.
    if (this.#kind === 'vendor' ? code !== undefined || !usage : useMediaSvr === undefined) return;
    this.signaling.acknowledge('SDP');
    if (sdp.type === 'answer') await this.#outgoing.get(usage === 'screen' ? 'screen' : 'cam')?.setRemoteDescription(sdp);
    else if (useMediaSvr === 'Y') await this.#receiveFeed(message);
    else await this.#receiveCall(message);
  }

  async #receiveCall({ usage, sdp, userId }: Message): Promise<void> {
    const peer = new RTCPeerConnection();
    const isCamera = usage === 'cam';
    if (isCamera && this.#kind === 'vendor') {
      this.#closeOutgoing('cam');
      this.#outgoing.set('cam', peer);
      const camera = await this.#openCamera();
      for (const track of camera.getTracks()) peer.addTrack(track, camera);
    } else {
      this.#incoming.set(isCamera ? userId : 'screen', peer);
    }
    this.#show(peer, isCamera ? userId : 'screen');
    this.#send({ usage: this.#answerUsage(usage), sdp: await this.#answer(peer, sdp) });
    // The sample has a connection for each direction: whoever was called calls back.
    if (isCamera && this.#kind === 'sample' && !this.#outgoing.has('cam')) await this.#offer('cam', await this.#openCamera());
  }

  async #receiveFeed({ usage, sdp, pluginId, displayId, userId }: Message): Promise<void> {
    const place = usage === 'screen' ? 'screen' : this.#kind === 'sample' && this.count === 2 ? userId : displayId;
    this.#incoming.get(place)?.close();
    const peer = new RTCPeerConnection();
    this.#incoming.set(place, peer);
    this.#show(peer, place);
    if (this.#kind === 'vendor' && this.#isPublishing) {
      const camera = await this.#openCamera();
      for (const track of camera.getTracks()) peer.addTrack(track, camera);
    }
    const extras = this.#kind === 'vendor' ? { host: false, isSfu: true } : {};
    this.#send({ usage: this.#answerUsage(usage), pluginId, sdp: await this.#answer(peer, sdp), ...extras });
  }

  #answerUsage(usage: Usage | undefined): Usage | undefined {
    return this.#kind === 'sample' ? 'cam' : usage;
  }

  async #answer(peer: RTCPeerConnection, offer: RTCSessionDescriptionInit): Promise<RTCSessionDescription | null> {
    await peer.setRemoteDescription(offer);
    const candidates = this.#kind === 'vendor' ? this.#firstCandidates(peer) : gathered(peer);
    await peer.setLocalDescription(await peer.createAnswer());
    await candidates;
    return peer.localDescription;
  }

  #firstCandidates(peer: RTCPeerConnection): Promise<void> {
    return new Promise((resolve) => {
      peer.addEventListener('icecandidate', () => setTimeout(resolve, CANDIDATES_WAIT), { once: true });
    });
  }

  /** Takes the first stream that comes, and looks at no other. */
  #show(peer: RTCPeerConnection, place: string): void {
    const element = place === 'screen' ? this.#add('screen') : this.#elements.get(place);
    const video = element?.querySelector('video');
    if (!video) throw new Error(`no place for the picture of ${place}`);
    peer.addEventListener(
      'track',
      ({ streams: [stream] }) => {
        video.srcObject = stream ?? null;
      },
      { once: true },
    );
  }

  /** In a call of two there is one other. */
  #showOther(peer: RTCPeerConnection): void {
    const other = [...this.#elements.keys()].find((place) => place !== this.userId && place !== 'screen');
    this.#show(peer, other ?? 'nobody');
  }

  #openCamera(): Promise<MediaStream> {
    this.#camera ??= navigator.mediaDevices.getUserMedia(CAMERA);
    return this.#camera;
  }

  /** Places for everybody who is in the room. */
  #know(members: Message['members']): void {
    const ids = Object.keys(members);
    this.count = ids.length;
    for (const userId of ids) this.#add(userId);
    for (const [userId, { NAME }] of Object.entries(members)) this.names.set(userId, NAME);
  }

  #add(place: string): HTMLElement {
    const before = this.#elements.get(place);
    if (before) return before;
    const element = document.createElement('section');
    element.id = place;
    element.append(Object.assign(document.createElement('video'), { autoplay: true, playsInline: true }));
    document.body.append(element);
    this.#elements.set(place, element);
    return element;
  }

  #forget(place: string): void {
    this.#incoming.get(place)?.close();
    this.#incoming.delete(place);
    this.#remove(place);
  }

  #remove(place: string): void {
    this.#elements.get(place)?.remove();
    this.#elements.delete(place);
  }

  #closeOutgoing(usage: Usage): void {
    this.#outgoing.get(usage)?.close();
    this.#outgoing.delete(usage);
  }

  async #upload(fileServerUrl: string, part: Blob): Promise<void> {
    const body = new FormData();
    body.append('record', part);
    const response = await fetch(`${fileServerUrl}&part=${this.recorded.length + 1}`, { method: 'POST', body });
    const { code, received } = (await response.json()) as { code: string; received: number };
    if (code === '200') this.recorded.push(received);
    else this.faults.push(`upload: ${code}`);
  }
}

function gathered(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    peer.addEventListener('icegatheringstatechange', () => {
      if (peer.iceGatheringState === 'complete') resolve();
    });
  });
}

function portOf(entries: Map<string, Record<string, unknown>>, candidateId: unknown): number {
  return Number(entries.get(String(candidateId))?.port);
}
