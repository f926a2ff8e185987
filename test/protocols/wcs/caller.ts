import { once } from 'node:events';
import type { MediaStreamTrack } from 'werift';
import { type ClientOptions, WebSocket } from 'ws';
import { eventually } from '../../harness/eventually.ts';
import { Peer } from '../../harness/peer.ts';

/** A message of the server. */
export interface Message {
  readonly message: string;
  readonly data: readonly unknown[];
}

/** The fields of a status event; every test knows which ones it looks at. */
export type StatusEvent = Readonly<Record<string, unknown>> & {
  readonly mediaSessionId: string;
  readonly status: string;
  readonly info?: string;
};

export interface CallerOptions {
  /** Path and query of the socket. */
  readonly path?: string;
  /** Fields of `connection`; no such message at all where it is `null`. */
  readonly connection?: object | null;
}

/** A client of the protocol with PeerConnections that connect, and send nothing unless there is something in `tracks`. */
export class Caller {
  /** What came and has not been looked at. */
  readonly messages: Message[] = [];
  /** How the server closed the socket, or the client's own close. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** What it sends in streams that it publishes from now on: audio and video. */
  tracks: readonly MediaStreamTrack[] = [];
  readonly #socket: WebSocket;
  readonly #peers = new Map<string, Peer>();

  /** Opens the socket, introduces itself and waits for the answer. */
  static async open(edgeUrl: string, { path = '/wcs', connection = {} }: CallerOptions = {}): Promise<Caller> {
    // The local runtime leaves the TCP connection open after a close that was not an answer to the client.
    const options: ClientOptions = Object.assign<ClientOptions, object>({}, { closeTimeout: 100 });
    const caller = new Caller(new WebSocket(edgeUrl.replace(/^http/u, 'ws') + path, options));
    await once(caller.#socket, 'open');
    if (connection === null) return caller;
    caller.say('connection', { appKey: 'defaultApp', mediaProviders: ['WebRTC'], clientVersion: '2.0', custom: {}, ...connection });
    return caller;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message);
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => undefined);
  }

  /** Sends a message with its arguments. */
  say(message: string, ...data: unknown[]): void {
    this.raw(JSON.stringify({ message, data }));
  }

  raw(text: string): void {
    this.#socket.send(text);
  }

  /** Waits for a message, and takes it out. @returns its arguments. */
  async next(message: string, fits: (data: readonly unknown[]) => boolean = () => true): Promise<readonly unknown[]> {
    let found: Message | undefined;
    await eventually(
      `${message} comes`,
      () => {
        const index = this.messages.findIndex((one) => one.message === message && fits(one.data));
        found = index === -1 ? undefined : this.messages.splice(index, 1)[0];
        return found !== undefined;
      },
      20_000,
    );
    return found?.data ?? [];
  }

  /** Waits for the next status event of a stream. */
  async status(mediaSessionId: string | null): Promise<StatusEvent> {
    const [event] = await this.next('notifyStreamStatusEvent', ([one]) => (one as StatusEvent).mediaSessionId === mediaSessionId);
    return event as StatusEvent;
  }

  /** Waits for the next news of a room. */
  async news(name: string): Promise<Readonly<Record<string, unknown>>> {
    const [event] = await this.next('OnDataEvent', ([one]) => (one as { payload: { name: string } }).payload.name === name);
    return (event as { payload: Record<string, unknown> }).payload;
  }

  /** Says a command of the Room API, or any other data. @returns the answer. */
  async operate(payload: unknown): Promise<Readonly<Record<string, unknown>>> {
    const operationId = crypto.randomUUID();
    this.say('sendData', { operationId, payload });
    const [answer] = await this.next('DataStatusEvent', ([one]) => (one as { operationId: string }).operationId === operationId);
    return answer as Record<string, unknown>;
  }

  join(name: string, options: object = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.operate({ command: 'join', options: { name, ...options } });
  }

  /** Offers as a publisher or player, and sets the answer; the status event comes after that. @returns the stream's id. */
  async stream(kind: 'publish' | 'play', name: string, fields: object = {}, mediaSessionId: string = crypto.randomUUID()): Promise<string> {
    const peer = new Peer();
    this.#peers.set(mediaSessionId, peer);
    const direction = kind === 'publish' ? 'sendonly' : 'recvonly';
    const sent = kind === 'publish' && this.tracks.length > 0 ? this.tracks : (['audio', 'video'] as const);
    const sdp = await peer.offer(direction, sent);
    this.say(`${kind}Stream`, { ...requestOf(kind, name, mediaSessionId, sdp), ...fields });
    const [, answer, isInitiator] = await this.next('setRemoteSDP', ([id]) => id === mediaSessionId);
    if (isInitiator !== true) throw new Error('the third argument is not true');
    await peer.take(String(answer));
    return mediaSessionId;
  }

  /** Publishes and waits until it is PUBLISHING. */
  async publish(name: string, fields: object = {}): Promise<string> {
    const id = await this.stream('publish', name, fields);
    const { status } = await this.status(id);
    if (status !== 'PUBLISHING') throw new Error(`the stream is ${status}`);
    return id;
  }

  /** Plays and waits until it is PLAYING. */
  async play(name: string, fields: object = {}): Promise<string> {
    const id = await this.stream('play', name, fields);
    const { status } = await this.status(id);
    if (status !== 'PLAYING') throw new Error(`the stream is ${status}`);
    return id;
  }

  /** Waits until everything that was said has been dealt with, by the room too. @returns what came before, but pings and rates. */
  async settled(): Promise<Message[]> {
    const id = crypto.randomUUID();
    this.say('availableStream', { mediaSessionId: id, name: 'nothing of this name' });
    await this.next('availableStream', ([one]) => (one as { id: string }).id === id);
    return this.messages.splice(0).filter(({ message }) => message !== 'ping' && !message.endsWith('VideoRate'));
  }

  /** Closes the PeerConnection of a stream, as clients do that stop it. */
  async hangUp(mediaSessionId: string): Promise<void> {
    await this.#peers.get(mediaSessionId)?.close();
  }

  close(): void {
    for (const peer of this.#peers.values()) void peer.close();
    this.#socket.close();
  }

  /** Cuts the line without a word. */
  cut(): void {
    for (const peer of this.#peers.values()) void peer.close();
    this.#socket.terminate();
  }
}

/** A request as the SDK writes it. */
export function requestOf(kind: 'publish' | 'play', name: string, mediaSessionId: string, sdp: string): object {
  const published = kind === 'publish';
  const limits = { bitrate: 0, minBitrate: 0, maxBitrate: 0 };
  const common = { mediaSessionId, name, published, hasVideo: true, hasAudio: true, status: 'PENDING', record: false };
  return { ...common, mediaProvider: 'WebRTC', sdp, ...limits, ...(published ? {} : { quality: 0, width: 0, height: 0 }) };
}
