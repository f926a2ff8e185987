import { once } from 'node:events';
import SockJS from 'sockjs-client';
import { type ClientOptions, WebSocket } from 'ws';
import { eventually } from '../../harness/eventually.ts';

/** A message of the server; every test knows which fields it looks at. */
export type Message = Readonly<Record<string, unknown>> & { readonly id: string };

/** How a client's messages travel: the real `sockjs-client`, or a WebSocket on one of the paths. */
export type Line = 'sockjs' | '/rtc/websocket' | '/socket' | '/group-call' | '/any/where';

interface Socket {
  send(text: string): void;
  close(): void;
  /** Cuts the line without a word, where the library can. */
  cut(): void;
}

/** A client of the protocol, without media. */
export class Member {
  readonly userId: string;
  /** What came and has not been looked at. */
  readonly messages: Message[] = [];
  /** How the server closed the socket, or the client's own close. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  #socket: Socket | undefined;

  static async open(edgeUrl: string, userId: string, line: Line = '/socket', query = ''): Promise<Member> {
    const member = new Member(userId);
    member.#socket = line === 'sockjs' ? await member.#openSockJs(edgeUrl + '/rtc') : await member.#openRaw(edgeUrl + line + query);
    return member;
  }

  private constructor(userId: string) {
    this.userId = userId;
  }

  /** Sends a message, or whatever else. */
  say(message: unknown): void {
    this.#socket?.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Says `joinRoom` and waits until the member is in the room. @returns the members that were there. */
  async join(roomId: string, fields: object = {}): Promise<unknown> {
    this.say({ id: 'joinRoom', token: 't-1', userId: this.userId, communityId: '3', roomId, video: true, audio: true, ...fields });
    const [first] = await this.take(1);
    if (first?.id !== 'existingParticipants') throw new Error(`the first message is ${JSON.stringify(first)}`);
    return first.members;
  }

  /** Waits for as many messages and takes them. */
  async take(count: number): Promise<Message[]> {
    await eventually(`${this.userId} gets ${count} messages`, () => this.messages.length >= count);
    return this.messages.splice(0, count);
  }

  /** Waits for a message, and takes it and everything before it. */
  async next(id: string): Promise<Message> {
    let found: Message | undefined;
    await eventually(`${this.userId} gets ${id}`, () => {
      const index = this.messages.findIndex((message) => message.id === id);
      found = this.messages.splice(0, index + 1).at(-1);
      return found !== undefined;
    });
    return found ?? { id };
  }

  /** Waits until everything that was said has been dealt with: the answer to this comes last. @returns what came before it. */
  async settled(): Promise<Message[]> {
    this.say({ id: 'audioStateFrom', userId: this.userId, audio: true });
    await eventually(`${this.userId} is answered`, () =>
      this.messages.some((one) => one.id === 'audioStateAnswer' && one.userId === this.userId),
    );
    return this.messages.splice(0).slice(0, -1);
  }

  /** Joins a room of its own, after whatever came before. */
  async settledIn(roomId: string): Promise<void> {
    this.say({ id: 'joinRoom', userId: `${this.userId} later`, roomId });
    this.say({ id: 'videoStateFrom', video: true });
    const isThere = (message: Message) => message.id === 'videoStateAnswer' && message.userId === `${this.userId} later`;
    await eventually(`${this.userId} is in ${roomId}`, () => this.messages.some(isThere), 30_000);
  }

  close(): void {
    this.#socket?.close();
  }

  cut(): void {
    this.#socket?.cut();
  }

  #received(text: string): void {
    this.messages.push(JSON.parse(text) as Message);
  }

  async #openSockJs(url: string): Promise<Socket> {
    const socket = new SockJS(url);
    socket.onmessage = ({ data }) => {
      this.#received(String(data));
    };
    socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
    await eventually('SockJS connects', () => socket.readyState === SockJS.OPEN);
    const { transport } = socket as unknown as { transport: string };
    if (transport !== 'websocket') throw new Error(`SockJS fell back to ${transport}`);
    return {
      send: (text) => {
        socket.send(text);
      },
      close: () => {
        socket.close();
      },
      cut: () => {
        socket.close();
      },
    };
  }

  async #openRaw(url: string): Promise<Socket> {
    // The local runtime leaves the TCP connection open after a close that was not an answer to the client.
    // The published types do not know this option yet.
    const options: ClientOptions = Object.assign<ClientOptions, object>({}, { closeTimeout: 100 });
    const socket = new WebSocket(url.replace(/^http/u, 'ws'), options);
    socket.on('message', (data: Buffer) => {
      this.#received(data.toString());
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return {
      send: (text) => {
        socket.send(text);
      },
      close: () => {
        socket.close();
      },
      cut: () => {
        socket.terminate();
      },
    };
  }
}
