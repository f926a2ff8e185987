import { exports } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** A Socket.IO client over a WebSocket inside the runtime, which shares its clock with the room object. */
class Client {
  readonly #socket: WebSocket;
  readonly #packets: string[] = [];
  #acks = 0;

  static async open(): Promise<Client> {
    const request = new Request('http://localhost/socket.io/?EIO=4&transport=websocket', { headers: { upgrade: 'websocket' } });
    const { webSocket } = await exports.default.fetch(request);
    if (!webSocket) throw new Error('the upgrade was refused');
    const client = new Client(webSocket);
    webSocket.send('40');
    await client.#next((packet) => packet.startsWith('40'));
    return client;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.#packets.push(String(data));
    });
    socket.accept();
  }

  async say(event: string, data?: unknown): Promise<[status: string, answer: unknown]> {
    const id = this.#acks++;
    this.#socket.send(`42${id}${JSON.stringify([event, data])}`);
    const head = `43${id}`;
    const packet = await this.#next((one) => one.startsWith(head));
    return JSON.parse(packet.slice(head.length)) as [string, unknown];
  }

  close(): void {
    this.#socket.close();
  }

  async #next(fits: (packet: string) => boolean): Promise<string> {
    for (;;) {
      const packet = this.#packets.find(fits);
      if (packet !== undefined) return packet;
      await scheduler.wait(5);
    }
  }
}

async function tokenFor(room: string): Promise<string> {
  const body = JSON.stringify({ room, user: 'ada', role: 'presenter' });
  const headers = { 'content-type': 'application/json' };
  return (await exports.default.fetch(new Request('http://localhost/tokens/', { method: 'POST', headers, body }))).text();
}

async function login(room: string): Promise<{ client: Client; ticket: string }> {
  const client = await Client.open();
  const [status, answer] = await client.say('login', { token: await tokenFor(room), protocol: '1.2' });
  expect(status).toBe('ok');
  return { client, ticket: (answer as { reconnectionTicket: string }).reconnectionTicket };
}

const MINUTE = 60_000;
let started = 0;

/** Moves the clock to so many minutes after the beginning of the test. Timers go on as ever. */
function atMinute(minute: number): void {
  vi.setSystemTime(started + minute * MINUTE);
}

beforeEach(() => {
  started = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: started });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a ticket is refused when ten minutes have gone by', async () => {
  const { client, ticket } = await login('expiring');
  atMinute(9.9);
  const second = await Client.open();
  const [status, fresh] = await second.say('relogin', ticket);
  expect(status).toBe('ok');
  client.close();
  atMinute(10.1);
  const late = await Client.open();
  expect(await late.say('relogin', ticket)).toEqual(['error', 'Reconnection ticket expired']);
  expect((await (await Client.open()).say('relogin', fresh))[0]).toBe('ok');
});

it('a ticket that was renewed in time is good for ten minutes more', async () => {
  const { client, ticket } = await login('renewed');
  atMinute(9);
  const [status, fresh] = await client.say('refreshReconnectionTicket');
  expect(status).toBe('ok');
  atMinute(18.9);
  expect(await (await Client.open()).say('relogin', ticket)).toEqual(['error', 'Reconnection ticket expired']);
  expect((await (await Client.open()).say('relogin', fresh))[0]).toBe('ok');
});

it('a token is refused when an hour has gone by', async () => {
  const token = await tokenFor('late');
  atMinute(61);
  expect(await (await Client.open()).say('login', { token })).toEqual(['error', 'Token has expired']);
});
