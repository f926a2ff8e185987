/** How clients of the protocol talk to the server, as OWT's JavaScript SDK does it: which messages, in which order, and nothing of Parley. */

interface Socket {
  on(event: string, listener: (data: unknown) => void): void;
  emit(event: string, ...args: unknown[]): void;
  disconnect(): void;
  connect(): void;
  readonly connected: boolean;
  readonly io: { readonly engine: { close(): void }; reconnection(on: boolean): void };
}
export type SocketIo = (host: string, options: object) => Socket;

/** A notification, as far as clients read it. */
export interface Notice {
  readonly id: string;
  readonly sessionId?: string;
  readonly status: string;
  /** What it is depends on the notification. */
  readonly data: unknown;
}

export interface Login {
  readonly id: string;
  readonly reconnectionTicket: string;
  readonly room: {
    readonly streams: readonly StreamInfo[];
    readonly participants: readonly { readonly id: string; readonly user: string }[];
  };
}

export interface StreamInfo {
  readonly id: string;
  readonly info: { readonly owner: string; readonly attributes: object };
  readonly media: {
    readonly tracks?: readonly {
      readonly id: string;
      readonly type: 'audio' | 'video';
      readonly rid?: string;
      readonly source?: string;
      readonly status: string;
      readonly parameters?: { readonly resolution?: { readonly width: number; readonly height: number } };
    }[];
    readonly audio?: object;
    readonly video?: { readonly original?: readonly { readonly simulcastRid?: string }[]; readonly format?: object };
  };
}

export class Signaling {
  /** Every notification but answers, in words. */
  readonly log: string[] = [];
  /** The ids of those who left. */
  readonly departed: string[] = [];
  onProgress: (notice: Notice) => void = () => undefined;
  onStream: (notice: Notice) => void = () => undefined;
  onParticipant: (notice: { action: string; data: unknown }) => void = () => undefined;
  readonly #io: SocketIo;
  #socket: Socket | undefined;
  #ticket = '';
  #isLeaving = false;
  /** How often it has come back. */
  returns = 0;

  constructor(io: SocketIo) {
    this.#io = io;
  }

  /** Decodes the token, connects to the host in it and logs in with the whole of it. */
  join(token: string, protocol: string): Promise<Login> {
    const { host, secure } = JSON.parse(atob(token)) as { host: string; secure: boolean };
    const socket = this.#io(`${secure ? 'https' : 'http'}://${host}`, {
      reconnection: true,
      reconnectionAttempts: 10,
      'force new connection': true,
    });
    this.#socket = socket;
    socket.on('progress', (data) => {
      const notice = data as Notice;
      if (notice.status !== 'soac') this.log.push(`progress ${notice.status} ${notice.id} ${notice.sessionId ?? '-'}`);
      this.onProgress(notice);
    });
    socket.on('stream', (data) => {
      const notice = data as Notice;
      const { field, value } = notice.status === 'update' ? (notice.data as Record<string, unknown>) : {};
      // A stream as it is now: when its pictures get another size, or some of its tracks end.
      if (field !== '.') this.log.push(['stream', notice.status, notice.id, ...(field === undefined ? [] : [field, value])].join(' '));
      this.onStream(notice);
    });
    socket.on('participant', (data) => {
      const notice = data as { action: string; data: unknown };
      this.log.push(`participant ${notice.action}`);
      if (notice.action === 'leave') this.departed.push(String(notice.data));
      this.onParticipant(notice);
    });
    socket.on('text', (data) => {
      const { to, message } = data as Record<string, string>;
      this.log.push(`text ${to} ${message}`);
    });
    socket.on('drop', () => this.log.push('drop'));
    socket.on('disconnect', () => this.log.push('disconnect'));
    return new Promise((resolve, reject) => {
      socket.on('connect_error', () => {
        reject(new Error(`connect_error:${host}`));
      });
      const login = { token, userAgent: { sdk: { type: 'JavaScript', version: '5.1' } }, protocol };
      socket.emit('login', login, (status: string, data: Login) => {
        if (status !== 'ok') {
          reject(new Error(JSON.stringify(data)));
          return;
        }
        this.#ticket = data.reconnectionTicket;
        socket.on('connect', () => {
          this.#return(socket);
        });
        resolve(data);
      });
    });
  }

  /** Sends a request. @returns its answer's data. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the answer depends on the request
  request(event: string, data?: unknown): Promise<any> {
    return new Promise((resolve, reject) => {
      this.#socket?.emit(event, ...(data === undefined ? [] : [data]), (status: string, answer: unknown) => {
        if (status === 'ok' || status === 'success') resolve(answer);
        else reject(new Error(String(answer)));
      });
    });
  }

  /** Loses the connection, as in a tunnel. The library comes back by itself. */
  cut(): void {
    this.#socket?.io.engine.close();
  }

  /** Loses the connection, and does not come back by itself. */
  stayAway(): void {
    this.#socket?.io.reconnection(false);
    this.cut();
  }

  comeBack(): void {
    this.#socket?.connect();
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.request('logout');
    this.#socket?.disconnect();
  }

  #return(socket: Socket): void {
    if (this.#isLeaving) return;
    socket.emit('relogin', this.#ticket, (status: string, ticket: string) => {
      if (status === 'ok') this.#ticket = ticket;
      else this.log.push(`relogin refused: ${ticket}`);
      this.returns += 1;
    });
  }
}
