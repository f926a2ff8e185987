/**
 * A client that joins a room exactly in the order of section 4.1 of the protocol and knows nothing of Parley. The two libraries are handed in, so that
 * every published version of them can be tried.
 */

/** What this client uses of mediasoup-client: the same in all versions. */
interface DeviceLike {
  readonly rtpCapabilities: unknown;
  load(options: { routerRtpCapabilities: never }): Promise<void>;
  createSendTransport(parameters: never): TransportLike;
  createRecvTransport(parameters: never): TransportLike;
}

interface TransportLike {
  on(
    event: 'connect',
    listener: (parameters: { dtlsParameters: unknown }, done: () => void, failed: (error: Error) => void) => void,
  ): unknown;
  on(
    event: 'produce',
    listener: (
      parameters: { rtpParameters: unknown; appData: Record<string, unknown> },
      done: (result: { id: string }) => void,
      failed: (error: Error) => void,
    ) => void,
  ): unknown;
  produce(options: { track: MediaStreamTrack; appData: Record<string, unknown> }): Promise<{ pause(): void; resume(): void }>;
  consume(options: { id: string; producerId: string; kind: 'audio' | 'video'; rtpParameters: never }): Promise<{
    track: MediaStreamTrack;
    close(): void;
  }>;
}

interface PeerLike {
  on(event: 'open', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: { method: string; data: unknown }) => void): unknown;
  notify(method: string, data: object): Promise<void>;
  close(): void;
}

export interface Libraries {
  readonly Device: new () => DeviceLike;
  readonly Peer: new (transport: never) => PeerLike;
  readonly WebSocketTransport: new (url: string) => unknown;
}

interface ProducerEntry {
  readonly type: string;
  readonly id: string;
}

interface NotificationData {
  readonly user: string;
  readonly type: string;
  readonly id: string;
  readonly producers: readonly ProducerEntry[];
}

declare global {
  interface Window {
    newBareClient: (edge: string, roomName: string, userMail: string) => BareClient;
    bareClient: BareClient;
  }
}

/** Makes the client available to the page that loads this bundle. */
export function offerBareClient(libraries: Libraries): void {
  window.newBareClient = (edge, roomName, userMail) => new BareClient(libraries, { edge, roomName, userMail });
}

interface Identity {
  readonly edge: string;
  readonly roomName: string;
  readonly userMail: string;
}

class BareClient {
  /** Every notification that arrived, as `method user type`. */
  readonly notifications: string[] = [];
  readonly #libraries: Libraries;
  readonly #identity: Identity;
  readonly #call: Calls;
  readonly #device: DeviceLike;
  readonly #producers = new Map<string, { pause(): void; resume(): void }>();
  readonly #showcase = new Showcase();
  #receive: TransportLike | undefined;
  #peer: PeerLike | undefined;

  constructor(libraries: Libraries, identity: Identity) {
    this.#libraries = libraries;
    this.#identity = identity;
    this.#call = callsTo(identity);
    this.#device = new libraries.Device();
  }

  async join(): Promise<void> {
    const { exists } = await this.#call.get<{ exists: boolean }>('exists');
    if (!exists) await this.#call.post('createRoom');
    await this.#call.get('attendees');
    const attendee = await this.#call.post<{ rtpCapabilities: never; sendParams: never; recvParams: never }>('createAttendee');
    await this.#device.load({ routerRtpCapabilities: attendee.rtpCapabilities });
    const send = this.#device.createSendTransport(attendee.sendParams);
    this.#receive = this.#device.createRecvTransport(attendee.recvParams);
    this.#connectOn(send, 'connectSender');
    this.#connectOn(this.#receive, 'connectReceiver');
    await this.#produce(send);
    await this.#consumeAll();
    await this.#openSocket();
    await this.#consumeAll();
  }

  /** Pauses a track and tells the others. */
  async pause(type: string): Promise<void> {
    this.#producers.get(type)?.pause();
    await this.#peer?.notify('producerPaused', { user: this.#identity.userMail, type });
  }

  async resume(type: string): Promise<void> {
    this.#producers.get(type)?.resume();
    await this.#peer?.notify('producerResumed', { user: this.#identity.userMail, type });
  }

  leave(): void {
    this.#peer?.close();
  }

  #connectOn(transport: TransportLike, operation: string): void {
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#call.post(operation, { dtlsParameters }).then(done, failed);
    });
  }

  async #produce(transport: TransportLike): Promise<void> {
    transport.on('produce', ({ rtpParameters, appData }, done, failed) => {
      this.#call.post<{ id: string }>('createProducer', { type: appData.type, rtpParameters }).then(done, failed);
    });
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks()) {
      const type = track.kind === 'audio' ? 'mic' : 'webcam';
      this.#producers.set(type, await transport.produce({ track, appData: { type } }));
    }
  }

  async #consumeAll(): Promise<void> {
    const all = await this.#call.get<Record<string, ProducerEntry[]>>('producers');
    for (const [user, entries] of Object.entries(all)) {
      if (user === this.#identity.userMail) continue;
      this.#showcase.know(user);
      for (const entry of entries) await this.#consume(user, entry);
    }
  }

  async #consume(user: string, { type, id }: ProducerEntry): Promise<void> {
    if (this.#showcase.has(user, type)) return;
    this.#showcase.reserve(user, type);
    const rtpCapabilities = this.#device.rtpCapabilities;
    const offer = await this.#call.post<{ id: string; rtpParameters: never }>('createConsumer', {
      id,
      producerMail: user,
      rtpCapabilities,
    });
    const kind = type === 'mic' ? 'audio' : 'video';
    const consumer = await this.#receive?.consume({ id: offer.id, rtpParameters: offer.rtpParameters, producerId: id, kind });
    if (consumer) this.#showcase.put(user, type, consumer);
  }

  #openSocket(): Promise<void> {
    const { edge, roomName, userMail } = this.#identity;
    // The public client does not encode the values either.
    const url = `${edge.replace('http', 'ws')}?roomName=${roomName}&userMail=${userMail}`;
    const peer = new this.#libraries.Peer(new this.#libraries.WebSocketTransport(url) as never);
    this.#peer = peer;
    peer.on('notification', ({ method, data }) => {
      this.#handleNotification(method, data as NotificationData);
    });
    return new Promise((resolve) => peer.on('open', resolve));
  }

  #handleNotification(method: string, data: NotificationData): void {
    this.notifications.push([method, data.user, data.type].filter(Boolean).join(' '));
    // The public client throws in this case; here a test can see it.
    if (method !== 'userJoined' && !this.#showcase.knows(data.user)) this.notifications.push(`unknown user ${data.user}`);
    if (method === 'userJoined') this.#showcase.know(data.user);
    if (method === 'userJoined') for (const entry of data.producers) void this.#consume(data.user, entry);
    if (method === 'producerAdded') void this.#consume(data.user, data);
    if (method === 'producerRemoved') this.#showcase.remove(data.user, data.type);
    if (method === 'userLeft') this.#showcase.forget(data.user);
  }
}

type Calls = ReturnType<typeof callsTo>;

function callsTo({ edge, roomName, userMail }: Identity) {
  const base = `${edge}/api/media/rooms`;
  const resultOf = async <Result>(response: Response): Promise<Result> => {
    const { status, result } = (await response.json()) as { status: string; result: Result };
    if (status !== 'success') throw new Error(String(result));
    return result;
  };
  return {
    get: async <Result>(name: string): Promise<Result> => resultOf(await fetch(`${base}/${name}?roomName=${roomName}`)),
    post: async <Result>(name: string, parameters: object = {}): Promise<Result> =>
      resultOf(
        await fetch(`${base}/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ roomName, userMail, ...parameters }),
        }),
      ),
  };
}

/** Plays what arrives, one element for each track, and keeps the public client's table of known users. */
class Showcase {
  readonly #users = new Set<string>();
  readonly #shown = new Map<string, { close(): void } | undefined>();

  know(user: string): void {
    this.#users.add(user);
  }

  knows(user: string): boolean {
    return this.#users.has(user);
  }

  has(user: string, type: string): boolean {
    return this.#shown.has(`${type} ${user}`);
  }

  reserve(user: string, type: string): void {
    this.#shown.set(`${type} ${user}`, undefined);
  }

  put(user: string, type: string, consumer: { track: MediaStreamTrack; close(): void }): void {
    this.#shown.set(`${type} ${user}`, consumer);
    const element = document.createElement(type === 'mic' ? 'audio' : 'video');
    element.autoplay = true;
    element.muted = type !== 'mic';
    element.srcObject = new MediaStream([consumer.track]);
    const frame = document.createElement('div');
    frame.dataset.type = type;
    frame.append(element);
    elementOf(user).append(frame);
  }

  remove(user: string, type: string): void {
    this.#shown.get(`${type} ${user}`)?.close();
    this.#shown.delete(`${type} ${user}`);
    elementOf(user).querySelector(`[data-type=${type}]`)?.remove();
  }

  forget(user: string): void {
    this.#users.delete(user);
    for (const type of ['mic', 'webcam', 'screen']) this.remove(user, type);
    elementOf(user).remove();
  }
}

function elementOf(user: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>('section')].find((section) => section.dataset.user === user);
  if (found) return found;
  const section = document.createElement('section');
  section.dataset.user = user;
  document.body.append(section);
  return section;
}
