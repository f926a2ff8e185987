/**
 * A client of the group-call protocol as the public web clients are: `kurento-utils` for media, SockJS or a plain WebSocket for messages, one
 * PeerConnection for its own media and one for each other member, and a table of members that it reads without a guard. It knows nothing of Parley.
 */
import type { KurentoUtils, PeerClass, PeerOptions, WebRtcPeer } from 'kurento-utils-7.3';
import SockJS from 'sockjs-client';

interface Channel {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
}

interface Member {
  readonly userId: string;
  video: boolean;
  audio: boolean;
  readonly element: HTMLVideoElement;
  peer?: WebRtcPeer;
  offeredAt?: number;
}

/** What a member receives of another. */
export interface Reception {
  readonly videoWidth: number;
  readonly framesDecoded: number;
  readonly audioPackets: number;
  readonly audioEnergy: number;
}

interface ServerMessage {
  readonly id: string;
  readonly userId: string;
  readonly member: { userId: string; video: boolean; audio: boolean };
  readonly members: { userId: string; video: boolean; audio: boolean }[];
  readonly sdpAnswer: string;
  readonly candidate: RTCIceCandidateInit;
  readonly video: boolean;
  readonly audio: boolean;
}

declare global {
  interface Window {
    newKurentoClient: (edge: string, line: 'sockjs' | 'raw', roomId: string, userId: number) => KurentoClient;
    kurentoClient: KurentoClient;
  }
}

/** Makes the client available to the page that loads this bundle. */
export function offerKurentoClient(library: KurentoUtils): void {
  window.newKurentoClient = (edge, line, roomId, userId) => new KurentoClient(library, channelTo(edge, line), roomId, userId);
}

function channelTo(edge: string, line: 'sockjs' | 'raw'): Channel {
  return line === 'sockjs' ? (new SockJS(`${edge}/rtc`) as Channel) : (new WebSocket(`${edge.replace('http', 'ws')}/socket`) as Channel);
}

class KurentoClient {
  /** What went wrong: a real client would have thrown there. */
  readonly faults: string[] = [];
  /** Every message but candidates, as `id userId value`. */
  readonly log: string[] = [];
  /** How long each answer took, in milliseconds. */
  readonly answerTimes: number[] = [];
  readonly #library: KurentoUtils;
  readonly #channel: Channel;
  readonly #roomId: string;
  readonly #self: string;
  readonly #userId: number;
  readonly #opened: Promise<void>;
  readonly #members = new Map<string, Member>();

  constructor(library: KurentoUtils, channel: Channel, roomId: string, userId: number) {
    this.#library = library;
    this.#channel = channel;
    this.#roomId = roomId;
    this.#userId = userId;
    this.#self = String(userId);
    this.#opened = new Promise((resolve) => {
      channel.onopen = () => {
        resolve();
      };
    });
  }

  /** Joins the room, and publishes unless it is to do so later. */
  async join(publishes: boolean): Promise<void> {
    await this.#opened;
    const entered = new Promise<void>((resolve) => {
      this.#channel.onmessage = ({ data }) => {
        this.#handle(JSON.parse(data) as ServerMessage);
        resolve();
      };
    });
    this.#say({ id: 'joinRoom', token: 't', userId: this.#userId, communityId: 0, roomId: this.#roomId, video: true, audio: true });
    await entered;
    if (publishes) this.publish();
  }

  /** Opens camera and microphone and offers them; once more in place of what was offered before. */
  publish(): void {
    const self = this.#know({ userId: this.#self, video: true, audio: true });
    self.peer?.dispose();
    const { WebRtcPeerSendonly } = this.#library.WebRtcPeer;
    self.peer = this.#offer(WebRtcPeerSendonly, self, { localVideo: self.element, mediaConstraints: { audio: true, video: true } });
  }

  setState(kind: 'video' | 'audio', on: boolean): void {
    // Public web clients send words.
    this.#say({ id: `${kind}StateFrom`, userId: this.#userId, [kind]: String(on) });
  }

  leave(): void {
    this.#say({ id: 'leaveRoom' });
    for (const userId of [...this.#members.keys()]) this.#forget(userId);
    this.#channel.close();
  }

  async reception(userId: string): Promise<Reception> {
    const member = this.#members.get(userId);
    const found = { framesDecoded: 0, audioPackets: 0, audioEnergy: 0 };
    (await member?.peer?.peerConnection.getStats())?.forEach((entry: Record<string, unknown>) => {
      if (entry.type !== 'inbound-rtp') return;
      if (entry.kind === 'video') found.framesDecoded = Number(entry.framesDecoded);
      else Object.assign(found, { audioPackets: Number(entry.packetsReceived), audioEnergy: Number(entry.totalAudioEnergy) });
    });
    return { videoWidth: member?.element.videoWidth ?? 0, ...found };
  }

  /** How many of the others it has seen so far. */
  async seen(): Promise<number> {
    const receptions = await Promise.all([...this.#members.keys()].map((userId) => this.reception(userId)));
    return receptions.filter(({ framesDecoded }) => framesDecoded > 0).length;
  }

  /** The others as this client shows them: `userId video audio`. */
  shown(): string[] {
    const others = [...this.#members.values()].filter(({ userId }) => userId !== this.#self);
    return others.map(({ userId, video, audio }) => `${userId} ${video} ${audio}`);
  }

  #say(message: object): void {
    this.#channel.send(JSON.stringify(message));
  }

  #handle(message: ServerMessage): void {
    const { id, userId } = message;
    if (id !== 'iceCandidate' && id !== 'receiveVideoAnswer') this.log.push([id, userId as string | undefined].filter(Boolean).join(' '));
    try {
      this.#act(message);
    } catch (error) {
      this.faults.push(`${id}: ${String(error)}`);
    }
  }

  #act(message: ServerMessage): void {
    const { id, userId } = message;
    switch (id) {
      case 'existingParticipants':
        for (const one of message.members) this.#view(one);
        break;
      case 'newParticipantArrived':
        this.#view(message.member);
        break;
      case 'receiveVideoAnswer':
        this.answerTimes.push(performance.now() - (this.#member(userId).offeredAt ?? Number.NaN));
        this.#peerOf(userId).processAnswer(message.sdpAnswer, (error) => {
          this.#note('processAnswer', error);
        });
        break;
      case 'iceCandidate':
        this.#peerOf(userId).addIceCandidate(message.candidate, (error) => {
          this.#note('addIceCandidate', error);
        });
        break;
      case 'participantLeft':
        this.#forget(userId);
        break;
      case 'videoStateAnswer':
        this.#member(userId).video = message.video;
        break;
      case 'audioStateAnswer':
        this.#member(userId).audio = message.audio;
        break;
    }
  }

  #view(one: { userId: string; video: boolean; audio: boolean }): void {
    const member = this.#know(one);
    member.peer = this.#offer(this.#library.WebRtcPeer.WebRtcPeerRecvonly, member, { remoteVideo: member.element });
  }

  #offer(kind: PeerClass, member: Member, options: Omit<PeerOptions, 'onicecandidate'>): WebRtcPeer {
    const { userId } = member;
    const onicecandidate = (candidate: RTCIceCandidate): void => {
      this.#say({ id: 'onIceCandidate', userId, candidate });
    };
    const peer: WebRtcPeer = new kind({ ...options, onicecandidate, configuration: { iceServers: [] } }, (error) => {
      this.#note('peer', error);
      peer.generateOffer((failure, sdpOffer) => {
        this.#note('offer', failure);
        member.offeredAt = performance.now();
        this.#say({ id: 'receiveVideoFrom', userId, sdpOffer });
      });
    });
    return peer;
  }

  #know({ userId, video, audio }: { userId: string; video: boolean; audio: boolean }): Member {
    const known = this.#members.get(userId);
    if (known) return known;
    const element = document.createElement('video');
    Object.assign(element, { autoplay: true, muted: userId === this.#self });
    element.dataset.user = userId;
    document.body.append(element);
    const member: Member = { userId, video, audio, element };
    this.#members.set(userId, member);
    return member;
  }

  #forget(userId: string): void {
    const { element, peer } = this.#member(userId);
    peer?.dispose();
    element.remove();
    this.#members.delete(userId);
  }

  #member(userId: string): Member {
    const member = this.#members.get(userId);
    if (!member) throw new Error(`unknown member ${userId}`);
    return member;
  }

  #peerOf(userId: string): WebRtcPeer {
    const { peer } = this.#member(userId);
    if (!peer) throw new Error(`no connection for ${userId}`);
    return peer;
  }

  #note(what: string, error: Error | null | undefined): void {
    if (error) this.faults.push(`${what}: ${error.message}`);
  }
}
