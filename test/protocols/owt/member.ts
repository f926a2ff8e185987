import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../../harness/eventually.ts';
import { type Client, GENERATIONS } from '../../wire/helpers/official-clients.ts';

/** A notification of the server: its event and its payload. Every test knows which fields it looks at. */
export interface Notification {
  readonly event: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into payloads of every shape
  readonly data: any;
}

type GenerationName = (typeof GENERATIONS)[number]['generation'];

export interface MemberOptions {
  readonly user?: string;
  readonly role?: string;
  readonly protocol?: unknown;
  readonly generation?: GenerationName;
  readonly transports?: readonly ('polling' | 'websocket')[];
}

/** What the server answers a login with, as far as tests look at it. */
export interface Login {
  readonly id: string;
  readonly user: string;
  readonly role: string;
  readonly permission: unknown;
  readonly room: {
    readonly id: string;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
    readonly streams: any[];
    readonly views: unknown[];
    readonly participants: { readonly id: string; readonly user: string; readonly role: string }[];
  };
  readonly reconnectionTicket: string;
}

const NOTIFICATIONS = ['participant', 'stream', 'progress', 'text', 'drop'] as const;

/** Asks for a token as the sample pages do. */
export async function tokenFor(edgeUrl: string, room: string, user = 'ada', role = 'presenter'): Promise<string> {
  const response = await fetch(`${edgeUrl}/tokens/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, user, role }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
  return response.text();
}

/** Decodes a token or a ticket like the SDKs do. */
export function decoded(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text, 'base64').toString('latin1')) as Record<string, unknown>;
}

/** A client of the protocol without media: the official Socket.IO client, and literal frames. */
export class Member {
  /** What came and has not been looked at. */
  readonly notifications: Notification[] = [];
  disconnects = 0;
  login: Login | undefined;
  ticket = '';
  readonly client: Client;

  /** Connects without logging in. @param host where a token says, or the edge. */
  static async connect(host: string, { generation = '4.x', transports }: MemberOptions = {}): Promise<Member> {
    const chosen = GENERATIONS.find((one) => one.generation === generation);
    if (!chosen) throw new Error(`no client of generation ${generation}`);
    const options = { forceNew: true, reconnection: false, ...(transports && { transports }) };
    const member = new Member(chosen.connect(host, options));
    await eventually('a client connects', () => member.client.connected);
    return member;
  }

  /** Gets a token, connects to the host in it and logs in. */
  static async join(edgeUrl: string, room: string, options: MemberOptions = {}): Promise<Member> {
    const token = await tokenFor(edgeUrl, room, options.user, options.role);
    const member = await Member.connect(`http://${String(decoded(token).host)}`, options);
    const [status, login] = await member.say('login', { token, ...LOGIN, protocol: options.protocol ?? '1.2' });
    if (status !== 'ok') throw new Error(`not logged in: ${String(login)}`);
    member.login = login as Login;
    member.ticket = member.login.reconnectionTicket;
    return member;
  }

  private constructor(client: Client) {
    this.client = client;
    for (const event of NOTIFICATIONS) {
      client.on(event, (data: unknown) => this.notifications.push({ event, data }));
    }
    client.on('disconnect', () => {
      this.disconnects += 1;
    });
  }

  get id(): string {
    return this.login?.id ?? '';
  }

  /** Sends a request and waits for its answer. */
  say(event: string, ...args: readonly unknown[]): Promise<unknown[]> {
    const answered = new Promise<unknown[]>((resolve) => {
      this.client.emit(event, ...args, (...answer: unknown[]) => {
        resolve(answer);
      });
    });
    const late = wait(8_000, undefined, { ref: false }).then(() => {
      throw new Error(`${event} was not answered`);
    });
    return Promise.race([answered, late]);
  }

  /** Publishes in one of the forms. @returns the session and its transport. */
  async publish(body: object): Promise<{ id: string; transportId: string }> {
    return opened(await this.say('publish', body));
  }

  async subscribe(body: object): Promise<{ id: string; transportId: string }> {
    return opened(await this.say('subscribe', body));
  }

  /** Offers, and waits for the answer. */
  async negotiate(transportId: string, sdp: string): Promise<string> {
    const acknowledged = await this.say('soac', { id: transportId, signaling: { type: 'offer', sdp } });
    if (acknowledged[0] !== 'ok') throw new Error(`the offer was refused: ${JSON.stringify(acknowledged)}`);
    const { data } = await this.next('progress', ({ id, status }) => id === transportId && status === 'soac');
    return String(data.data.sdp);
  }

  /** Waits for a notification, and takes it and everything before it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
  async next(event: string, fits: (data: any) => boolean = () => true): Promise<Notification> {
    let found: Notification | undefined;
    await eventually(`${this.id} is told ${event}`, () => {
      const index = this.notifications.findIndex((one) => one.event === event && fits(one.data));
      found = this.notifications.splice(0, index + 1).at(-1);
      return found !== undefined;
    });
    return found ?? { event, data: undefined };
  }

  /** Waits until everything that was said so far has been dealt with. @returns what came before that. */
  async settled(): Promise<Notification[]> {
    await this.say('text', { to: this.id, message: 'settled' });
    await eventually('what was said comes back', () => this.notifications.some(({ data }) => data?.message === 'settled'));
    return this.notifications.splice(0).filter(({ data }) => data?.message !== 'settled');
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.client.io.engine.close();
  }

  close(): void {
    this.client.disconnect();
  }
}

/** What the JavaScript SDK says of itself. */
export const LOGIN = { userAgent: { sdk: { type: 'JavaScript', version: '5.1' } } };

function opened([status, data]: unknown[]): { id: string; transportId: string } {
  if (status !== 'ok') throw new Error(`refused: ${String(data)}`);
  return data as { id: string; transportId: string };
}
