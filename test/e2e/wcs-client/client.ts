/** A page as the vendor's examples are: the unmodified WebSDK, and what it calls back is written down. It knows nothing of Parley. */
import { byWayOf, withoutUdp } from '../../harness/by-way-of.ts';
import type { Sdk, SdkSession, SdkStream } from 'websdk-2.0.276';
import type { RoomApi, SdkParticipant, SdkRoom, SdkRoomSession } from 'websdk-2.0.276/src/room-module';

/** What arrives of a stream that is played. */
export interface Reception {
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly framesDecoded: number;
  readonly audioPackets: number;
  readonly audioEnergy: number;
}

/** What the SDK says of a stream. */
export interface StreamState {
  readonly status: string;
  readonly info: string | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly audioMuted: boolean | undefined;
  readonly videoMuted: boolean | undefined;
  /** What the stream needs and what its line carries, in bit/s; -1 as long as nobody has complained. */
  readonly bandwidth: { readonly needed: number; readonly available: number };
}

export interface PublishOptions {
  /** Instead of the camera, a picture that needs all the bits that it can get. */
  readonly noise?: boolean;
  readonly constraints?: object;
  readonly record?: boolean;
  readonly stripCodecs?: string;
  /** The port by which media comes, in place of the server's own. */
  readonly line?: number;
  /** Whether no UDP gets through. */
  readonly onlyTcp?: boolean;
}

export interface SessionOptions {
  readonly custom?: object;
  readonly keepAlive?: boolean;
  readonly authToken?: string;
}

/** Moments of a stream, in milliseconds of the page's clock. */
export interface Times {
  /** When the SDK sent its request, which is after it has opened the camera. */
  sent?: number;
  /** When it was PUBLISHING or PLAYING. */
  reached?: number;
  firstFrame?: number;
}

interface Held {
  readonly stream: SdkStream;
  readonly display: HTMLElement;
  /** Statuses with their `info`, and stream events with their payload, in order. */
  readonly log: string[];
  readonly times: Times;
  readonly snapshots: string[];
}

declare global {
  interface Window {
    wcs: WcsClient;
  }
}

/** Makes the client available to the page that loads this bundle. */
export function offerWcsClient(sdk: Sdk, roomApi: RoomApi): void {
  // The Room API of the oldest version looks for the SDK there.
  Object.assign(window, { Flashphoner: sdk });
  window.wcs = new WcsClient(sdk, roomApi);
}

const STATUSES = ['PENDING', 'PUBLISHING', 'PLAYING', 'UNPUBLISHED', 'STOPPED', 'FAILED', 'RESIZE', 'NOT_ENOUGH_BANDWIDTH'];
const SMALL = { audio: true, video: { width: 320, height: 240 } };

class WcsClient {
  /** States of the session, in order. */
  readonly sessionLog: string[] = [];
  /** What happened in the rooms of the Room API, in order. */
  readonly roomLog: string[] = [];
  readonly quality: string[] = [];
  readonly #sdk: Sdk;
  readonly #roomApi: RoomApi;
  readonly #streams = new Map<string, Held>();
  /** When each stream was asked for, by its id. */
  readonly #frames: { readonly message: string; readonly at: number; readonly data: Record<string, unknown> }[] = [];
  readonly #sent = new Map<string, number>();
  /** The picture that is published instead of the camera's. */
  #canvas: HTMLCanvasElement | undefined;
  #session: SdkSession | undefined;
  #roomSession: SdkRoomSession | undefined;
  #room: SdkRoom | undefined;

  constructor(sdk: Sdk, roomApi: RoomApi) {
    this.#sdk = sdk;
    this.#roomApi = roomApi;
    this.#watchFrames();
  }

  /** Opens a session. @returns once it is established, or has ended. */
  async connect(urlServer: string, options: SessionOptions = {}): Promise<void> {
    await this.#sdk.init({});
    const session = this.#sdk.createSession({ urlServer, ...options });
    this.#session = session;
    await this.#sessionEstablished(session);
  }

  /** Opens a session of the Room API. */
  async connectToRooms(urlServer: string, username: string, token?: string): Promise<void> {
    await this.#sdk.init({});
    this.#roomSession = this.#roomApi.connect({ urlServer, username, ...(token !== undefined && { token }) });
    await this.#sessionEstablished(this.#roomSession);
  }

  join(name: string, record?: boolean): void {
    const room = connected(this.#roomSession).join({ name, ...(record !== undefined && { record }) });
    this.#room = room;
    const named = (event: string) => (participant: SdkParticipant) => {
      this.roomLog.push(`${event} ${participant.name()}`);
    };
    room.on('STATE', () => {
      this.roomLog.push(`STATE ${this.participants().join(', ')}`);
    });
    for (const event of ['JOINED', 'LEFT', 'PUBLISHED']) room.on(event, named(event));
    room.on('MESSAGE', ({ from, text }: { from: SdkParticipant; text: string }) => {
      this.roomLog.push(`MESSAGE ${from.name()} ${text}`);
    });
    room.on('FAILED', (_room: unknown, info: unknown) => {
      this.roomLog.push(`FAILED ${String(info)}`);
    });
  }

  async leave(): Promise<void> {
    await this.#room?.leave();
    this.roomLog.push('left');
  }

  /** The others as the SDK knows them: `login:number of streams`. */
  participants(): string[] {
    return (this.#room?.getParticipants() ?? []).map((one) => `${one.name()}:${one.getStreams().length}`);
  }

  sendMessage(to: string, text: string): void {
    this.#participant(to).sendMessage(text, () => {
      this.roomLog.push(`message to ${to} failed`);
    });
  }

  publishInRoom(key: string, constraints: object = SMALL): void {
    const display = this.#display(key);
    this.#hold(key, display, connected(this.#room).publish({ display, constraints }));
  }

  playFromRoom(key: string, login: string, index = 0): void {
    const display = this.#display(key);
    const stream = this.#participant(login).getStreams()[index];
    if (!stream) throw new Error(`${login} has no stream ${index}`);
    this.#hold(key, display, stream.play(display));
  }

  publish(name: string, { constraints = SMALL, noise = false, ...options }: PublishOptions = {}): void {
    const wanted = noise ? { ...constraints, customStream: this.#noise() } : constraints;
    this.#make(`publish ${name}`, name, { constraints: wanted, ...options }).stream.publish();
  }

  /** Makes the noise larger or smaller that is published, and has it sent as it is, whatever the line is like. */
  async resizeNoise(width: number, height: number): Promise<void> {
    if (!this.#canvas) throw new Error('no noise is published');
    for (const sender of window.probe.connections.flatMap((connection) => connection.getSenders())) {
      if (sender.track?.kind !== 'video') continue;
      await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
    }
    Object.assign(this.#canvas, { width, height });
  }

  play(name: string, key = `play ${name}`, options: PublishOptions = {}): void {
    this.#make(key, name, options).stream.play();
  }

  stop(key: string): void {
    this.#held(key).stream.stop();
  }

  mute(key: string, method: 'muteAudio' | 'unmuteAudio' | 'muteVideo' | 'unmuteVideo'): void {
    this.#held(key).stream[method]();
  }

  sendData(key: string, payload: object): void {
    this.#held(key).stream.sendData(payload);
  }

  /** Data of the application itself, outside of all rooms. */
  async sendSessionData(payload: object): Promise<void> {
    await connected(this.#session).sendData(payload);
  }

  /** @returns whether a stream can be played, and why not. */
  async available(name: string): Promise<string> {
    const { stream } = this.#make(`available ${name} ${Math.random()}`, name, {});
    return stream.available().then(
      () => 'available',
      () => stream.getInfo() ?? 'not available',
    );
  }

  /** @returns the picture of a stream as its width and height. */
  async snapshot(name: string): Promise<string> {
    const held = this.#make(`snapshot ${name} ${Math.random()}`, name, {});
    held.stream.snapshot();
    while (held.snapshots.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const [answer = ''] = held.snapshots;
    if (answer.startsWith('failed')) return answer;
    const image = new Image();
    image.src = `data:image/png;base64,${answer}`;
    await image.decode();
    return `${image.naturalWidth}x${image.naturalHeight}`;
  }

  disconnect(): void {
    this.#session?.disconnect();
    this.#roomSession?.disconnect();
  }

  log(key: string): string[] {
    return this.#streams.get(key)?.log ?? [];
  }

  times(key: string): Times {
    const { stream, times } = this.#held(key);
    const sent = this.#sent.get(stream.id());
    return { ...times, ...(sent !== undefined && { sent }) };
  }

  state(key: string): StreamState {
    const { stream } = this.#held(key);
    const { width, height } = stream.videoResolution();
    return {
      status: stream.status(),
      info: stream.getInfo(),
      width,
      height,
      audioMuted: stream.getAudioState()?.muted,
      videoMuted: stream.getVideoState()?.muted,
      bandwidth: { needed: Number(stream.getRemoteBitrate()), available: Number(stream.getNetworkBandwidth()) },
    };
  }

  /** The file of a stream that was recorded, as applications ask for it. */
  recordName(key: string): string {
    return this.#held(key).stream.getRecordInfo() ?? '';
  }

  async reception(key: string): Promise<Reception> {
    const video = this.#held(key).display.querySelector('video');
    const media = video?.srcObject instanceof MediaStream ? video.srcObject : undefined;
    const ids = new Set(media?.getTracks().map(({ id }) => id));
    const found = { framesDecoded: 0, audioPackets: 0, audioEnergy: 0 };
    for (const connection of window.probe.connections.filter(({ connectionState }) => connectionState === 'connected')) {
      (await connection.getStats()).forEach((entry: Record<string, unknown>) => {
        if (entry.type !== 'inbound-rtp' || !ids.has(String(entry.trackIdentifier))) return;
        if (entry.kind === 'video') found.framesDecoded = Number(entry.framesDecoded);
        else Object.assign(found, { audioPackets: Number(entry.packetsReceived), audioEnergy: Number(entry.totalAudioEnergy) });
      });
    }
    return { videoWidth: video?.videoWidth ?? 0, videoHeight: video?.videoHeight ?? 0, ...found };
  }

  #sessionEstablished(session: SdkSession | SdkRoomSession): Promise<void> {
    return new Promise((resolve) => {
      for (const status of ['ESTABLISHED', 'DISCONNECTED', 'FAILED']) {
        session.on(status, () => {
          this.sessionLog.push(status);
          resolve();
        });
      }
    });
  }

  #noise(): MediaStream {
    this.#canvas = document.createElement('canvas');
    drawNoise(this.#canvas);
    return this.#canvas.captureStream(10);
  }

  #make(key: string, name: string, { line, onlyTcp, ...options }: PublishOptions): Held {
    const display = this.#display(key);
    const detour = onlyTcp === true ? withoutUdp : line !== undefined && ((sdp: string) => byWayOf(line, sdp));
    const hook = detour !== false && { sdpHook: ({ sdpString }: { readonly sdpString: string }) => detour(sdpString) };
    return this.#hold(key, display, connected(this.#session).createStream({ name, display, ...options, ...hook }));
  }

  #hold(key: string, display: HTMLElement, stream: SdkStream): Held {
    const held: Held = { stream, display, log: [], times: {}, snapshots: [] };
    this.#streams.set(key, held);
    for (const status of STATUSES) {
      stream.on(status, () => {
        const info = stream.getInfo();
        held.log.push(info === undefined || info === '' ? status : `${status} ${info}`);
        if (status === 'PUBLISHING' || status === 'PLAYING') held.times.reached ??= performance.now();
      });
    }
    stream.on('UPDATE', (quality) => {
      this.quality.push(String(quality));
    });
    stream.on('STREAM_EVENT', (event) => {
      const { type, payload } = event as { type: string; payload?: { snapshot?: string; info?: string } };
      if (type === 'snapshotCompleted') held.snapshots.push(payload?.snapshot ?? '');
      else if (type === 'snapshotFailed') held.snapshots.push(`failed ${payload?.info ?? ''}`);
      else held.log.push(payload === undefined ? type : `${type} ${JSON.stringify(payload)}`);
    });
    this.#watchFirstFrame(held);
    return held;
  }

  /** Everything that came of one message, as the server sent it: its first argument, and when that was. */
  received(message: string): { readonly at: number; readonly data: Readonly<Record<string, unknown>> }[] {
    return this.#frames.filter((frame) => frame.message === message);
  }

  #watchFrames(): void {
    const request = /^\{"message":"(?:publish|play)Stream".*?"mediaSessionId":"([^"]+)"/u;
    const note = (frame: string): void => {
      const [, id] = request.exec(frame) ?? [];
      if (id !== undefined) this.#sent.set(id, performance.now());
    };
    const frames = this.#frames;
    window.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener('message', ({ data }: MessageEvent<string>) => {
          const {
            message,
            data: [first],
          } = JSON.parse(data) as { message: string; data: Record<string, unknown>[] };
          frames.push({ message, at: performance.now(), data: first ?? {} });
        });
      }

      override send(frame: string): void {
        note(frame);
        super.send(frame);
      }
    };
  }

  #watchFirstFrame({ display, times }: Held): void {
    const look = (): void => {
      const video = display.querySelector('video');
      if (video) video.requestVideoFrameCallback(() => (times.firstFrame ??= performance.now()));
      else requestAnimationFrame(look);
    };
    look();
  }

  #display(key: string): HTMLElement {
    const display = document.createElement('div');
    display.dataset.key = key;
    // Some versions of the SDK fit the picture into the element around its own.
    document.body.append(display);
    return display;
  }

  #held(key: string): Held {
    const held = this.#streams.get(key);
    if (!held) throw new Error(`there is no ${key}`);
    return held;
  }

  #participant(login: string): SdkParticipant {
    const participant = this.#room?.getParticipants().find((one) => one.name() === login);
    if (!participant) throw new Error(`${login} is not in the room`);
    return participant;
  }
}

/** Draws something on a canvas that no encoder can foresee, whatever the size of the canvas. */
function drawNoise(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext('2d');
  setInterval(() => {
    if (!context) return;
    const image = context.createImageData(canvas.width, canvas.height);
    const block = Math.min(65_536, image.data.length);
    crypto.getRandomValues(new Uint8Array(image.data.buffer, 0, block));
    for (let filled = block; filled < image.data.length; filled *= 2) image.data.copyWithin(filled, 0, filled);
    for (let alpha = 3; alpha < image.data.length; alpha += 4) image.data[alpha] = 255;
    context.putImageData(image, 0, 0);
  }, 100);
}

function connected<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('there is no session');
  return thing;
}
