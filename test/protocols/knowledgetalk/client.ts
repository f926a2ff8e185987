import { eventually } from '../../harness/eventually.ts';
import { type Client, GENERATIONS, once } from '../../wire/helpers/official-clients.ts';

/** A message of the server; every test knows which fields it looks at. */
export type Message = Readonly<Record<string, unknown>>;

export interface ClientKind {
  /** The official library that speaks: 2.x and 4.x are those of real clients. */
  readonly generation: '2.x' | '3.x' | '4.x';
  readonly transports: ('polling' | 'websocket')[];
  readonly namespace: '/SignalServer' | '/';
}

export const TWO: ClientKind = { generation: '2.x', transports: ['websocket'], namespace: '/SignalServer' };
export const FOUR: ClientKind = { generation: '4.x', transports: ['polling', 'websocket'], namespace: '/SignalServer' };

const CREDENTIALS = { cpCode: 'demo', authKey: '' };

export function nameOf({ eventOp, signalOp }: Message): unknown {
  return eventOp ?? signalOp;
}

let barriers = 0;

/** A client of the protocol without media: an official Socket.IO client that says what it is told to. */
export class KtClient {
  /** What came and has not been looked at. */
  readonly messages: Message[] = [];
  /** As the server calls it, in its present room. */
  userId = '';
  roomId = '';
  readonly socket: Client;

  static async open(edgeUrl: string, kind: ClientKind = FOUR): Promise<KtClient> {
    const found = GENERATIONS.find(({ generation }) => generation === kind.generation);
    if (!found) throw new Error(`no library of generation ${kind.generation}`);
    const socket = found.connect(edgeUrl + kind.namespace, { transports: kind.transports, forceNew: true, reconnection: false });
    const client = new KtClient(socket);
    await once(socket, 'connect');
    return client;
  }

  private constructor(socket: Client) {
    this.socket = socket;
    socket.on('knowledgetalk', (...args) => {
      if (args.length !== 1) throw new Error(`an event with ${args.length} arguments`);
      this.messages.push(args[0] as Message);
    });
  }

  /** Says something with credentials, as all clients do. */
  say(message: object): void {
    this.emit({ ...CREDENTIALS, ...message });
  }

  /** Says something as it is. */
  emit(message: unknown): void {
    this.socket.emit('knowledgetalk', message);
  }

  /** Says something and waits for the next message of the same name; what came before stays. */
  async ask(message: Message): Promise<Message> {
    this.say(message);
    return this.pick((one) => nameOf(one) === String(nameOf(message)).trim());
  }

  /** Waits for a message, and takes it only. */
  async pick(fits: (message: Message) => boolean, what = String(fits)): Promise<Message> {
    await eventually(what, () => this.messages.some(fits)).catch((error: unknown) => {
      throw new Error(`${this.userId} waits in vain among ${JSON.stringify(this.messages).slice(0, 2_000)}`, { cause: error });
    });
    return this.messages.splice(this.messages.findIndex(fits), 1)[0] ?? {};
  }

  /** Waits for a message of a name, and takes it only. */
  next(name: string): Promise<Message> {
    return this.pick((message) => nameOf(message) === name, name);
  }

  /** Waits for as many messages and takes them. */
  async take(count: number): Promise<Message[]> {
    await eventually(`${count} messages`, () => this.messages.length >= count);
    return this.messages.splice(0, count);
  }

  /** Waits until the room has dealt with everything that was said. @returns what came meanwhile. */
  async settled(): Promise<Message[]> {
    const reqNo = `barrier-${++barriers}`;
    this.say({ eventOp: 'EditFeed', userId: 'nobody', type: 'video', status: 'on', reqNo });
    await eventually('the room answers', () => this.messages.some((message) => message.reqNo === reqNo));
    return this.messages.splice(0).filter((message) => message.reqNo !== reqNo);
  }

  async create(fields: object = {}): Promise<string> {
    const { code, roomId } = await this.ask({ eventOp: 'CreateRoom', ...fields });
    if (code !== '200') throw new Error(`CreateRoom is answered ${String(code)}`);
    return String(roomId);
  }

  async join(roomId: string, operation = 'RoomJoin'): Promise<Message> {
    const answer = await this.ask({ eventOp: operation, roomId });
    if (answer.code !== '200') throw new Error(`${operation} is answered ${JSON.stringify(answer)}`);
    this.userId = String(answer.userId);
    this.roomId = roomId;
    return answer;
  }

  close(): void {
    this.socket.disconnect();
  }

  /** Cuts the connection without a word of Socket.IO. */
  cut(): void {
    this.socket.io.engine.close();
  }
}
