/** What clients of the protocol say to the server and how they take what they are told. It knows nothing of Parley. */

export type Usage = 'cam' | 'screen';

interface Feed {
  readonly id: string;
  readonly display: string;
}

export interface StrokeInfo {
  readonly tool: 'pen' | 'eraser';
  readonly color: string;
  readonly strokeWidth: number;
}

/** A message of the server: clients read these fields without looking whether they are there. */
export interface Message {
  readonly eventOp?: string;
  readonly signalOp?: string;
  readonly code?: string;
  readonly roomId: string;
  readonly userId: string;
  readonly who: string;
  readonly members: Readonly<Record<string, { readonly NAME: string }>>;
  readonly useMediaSvr?: 'Y' | 'N';
  readonly host?: boolean;
  readonly changeView?: boolean;
  readonly action: string;
  readonly usage?: Usage;
  readonly sdp: RTCSessionDescriptionInit;
  readonly pluginId?: string;
  readonly displayId: string;
  readonly feeds: readonly Feed[];
  readonly message: string;
  readonly url: string;
  readonly fileServerUrl: string;
  readonly recordingInfo: {
    readonly fileServerUrl: string;
    readonly extension: string;
    readonly fileName: string;
    readonly filePath: string;
  };
  readonly status: string;
  readonly axisX: number;
  readonly axisY: number;
  readonly drawingInfo: StrokeInfo;
}

interface Socket {
  on(event: string, listener: (message: Message) => void): void;
  emit(event: 'knowledgetalk', message: object): void;
  disconnect(): void;
  readonly io: { readonly engine: { readonly transport: { readonly name: string } } };
}

export interface SocketIo {
  connect(url: string, options: object): Socket;
}

/** The clients that are known by name in public documents: the vendor's multi-party app, and a sample that loads the library from the server. */
export type Kind = 'vendor' | 'sample';

const CONNECT_OPTIONS: Readonly<Record<Kind, object>> = {
  vendor: { reconnect: true, transports: ['websocket'] },
  sample: { reconnect: true },
};

const CREDENTIALS: Readonly<Record<Kind, object>> = {
  vendor: { cpCode: 'knowledgetalk', authKey: '' },
  sample: { cpCode: 'sample', authKey: 'eyJhbGciOiJIUzI1NiJ9.eyJjcCI6InNhbXBsZSJ9.c2FtcGxl' },
};

const KEEP_ALIVE_INTERVAL = 50_000;

/** One connection to the signal server. Answers are found by the name of the operation, as there is nothing else to find them by. */
export class Signaling {
  /** Names of what came, with the action or the code. */
  readonly log: string[] = [];
  /** What the others said. */
  readonly chat: string[] = [];
  /** Handles what is not the answer of a question. */
  onMessage: (name: string, message: Message) => void = () => undefined;
  readonly opened: Promise<void>;
  /** Which transport the connection began with; it may have changed before the server's first word. */
  readonly firstTransport: string;
  readonly #kind: Kind;
  readonly #socket: Socket;
  readonly #questions = new Map<string, (message: Message) => void>();

  constructor(io: SocketIo, kind: Kind, server: string) {
    this.#kind = kind;
    this.#socket = io.connect(`${server}/SignalServer`, CONNECT_OPTIONS[kind]);
    this.firstTransport = this.transport;
    this.opened = new Promise((resolve) => {
      this.#socket.on('connect', () => {
        resolve();
      });
    });
    this.#socket.on('knowledgetalk', (message) => {
      this.#take(message);
    });
    if (kind === 'vendor') void this.#keepAlive();
  }

  /** Which transport carries the connection at present. */
  get transport(): string {
    return this.#socket.io.engine.transport.name;
  }

  say(message: object): void {
    this.#socket.emit('knowledgetalk', { ...CREDENTIALS[this.#kind], ...message });
  }

  /** Says something and waits for the next message of the same name that has a code. */
  ask(message: { readonly eventOp: string } & Record<string, unknown>): Promise<Message> {
    const answered = new Promise<Message>((resolve) => {
      this.#questions.set(message.eventOp, resolve);
    });
    this.say(message);
    return answered;
  }

  /** The vendor's clients confirm what the server tells them, with nothing but a code. */
  acknowledge(eventOp: string): void {
    if (this.#kind === 'vendor') this.say({ eventOp, code: '200' });
  }

  close(): void {
    this.#socket.disconnect();
  }

  async #keepAlive(): Promise<void> {
    await this.opened;
    this.say({ eventOp: 'KeepAlive' });
    setInterval(() => {
      this.say({ eventOp: 'KeepAlive' });
    }, KEEP_ALIVE_INTERVAL);
  }

  #take(message: Message): void {
    const name = message.eventOp ?? message.signalOp ?? 'nothing';
    this.log.push([name, message.action, message.code, message.userId].filter(Boolean).join(' '));
    if (name === 'Chat') this.chat.push(message.message);
    const answer = this.#questions.get(name);
    if (answer && message.code !== undefined) {
      this.#questions.delete(name);
      answer(message);
    } else {
      this.onMessage(name, message);
    }
  }
}
