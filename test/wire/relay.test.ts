/** Clients whose room is named in a message: the front door's pipe, and the lobby of polling clients. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { ChatClient, startChatServer } from './helpers/chat-server.ts';
import { GENERATIONS, once, type Client } from './helpers/official-clients.ts';
import { RawSocket } from './helpers/raw-client.ts';

let server: EchoServer;

beforeAll(async () => {
  server = await startChatServer({ pingInterval: 500, pingTimeout: 5_000 });
}, 60_000);

afterAll(() => server.stop());

function ask(client: Client, name: string, ...args: unknown[]): Promise<unknown> {
  return new Promise((resolve) => {
    client.emit(name, ...args, resolve);
  });
}

const CASES = GENERATIONS.flatMap((generation) => (['websocket', 'polling'] as const).map((transport) => ({ ...generation, transport })));

describe.each(CASES)('client $generation by $transport at the front door', ({ generation, connect, transport }) => {
  const open = async (): Promise<Client> => {
    const client = connect(server.url, { transports: [transport], path: '/door/socket.io/', forceNew: true, reconnection: false });
    await once(client, 'connect');
    return client;
  };

  it('is passed on to its room, stays there over heartbeats, and comes back', async () => {
    const client = await open();
    const room = `joint-${generation}-${transport}`;
    const { client: other } = await ChatClient.enter(`${server.url}/room/${room}/socket.io/`);
    expect(await ask(client, 'where', 1)).toBe('lobby');
    client.emit('join', room);
    await ask(client, 'remember', 'mine');
    const said = once(client, 'said');
    other.emit('say', 'hello', [1, 2]);
    expect(await said).toEqual(['hello', [1, 2]]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await ask(client, 'recall')).toBe('mine');
    client.emit('say', Buffer.from([1, 2, 3]));
    await other.event();
    client.emit('leave');
    await expect.poll(() => ask(client, 'where')).toBe('lobby');
    client.disconnect();
  });

  it('is missed in its room when it vanishes', async () => {
    const client = await open();
    const room = `vanish-${generation}-${transport}`;
    const { client: other } = await ChatClient.enter(`${server.url}/room/${room}/socket.io/`);
    client.emit('join', room);
    await ask(client, 'remember', 'mine');
    client.disconnect();
    await expect.poll(() => other.ask('reasons')).toHaveLength(1);
  });
});

describe('the pipe of a plain WebSocket', () => {
  it('passes on frames in both directions and the close code', async () => {
    const client = new RawSocket(`${server.url}/raw`);
    await client.opened();
    client.send('piped');
    expect(await client.next()).toMatch(/^0\{"sid"/);
    client.send('40');
    expect(await client.nextData()).toMatch(/^40\{/);
    client.send('451-0["say",{"_placeholder":true,"num":0}]');
    client.send(Uint8Array.of(1, 2));
    expect(await client.nextData()).toBe('451-["said",{"_placeholder":true,"num":0}]');
    expect(await client.nextData()).toEqual(Buffer.from([1, 2]));
    client.send('nonsense');
    expect(await client.closed).toEqual({ code: 1002, reason: 'parse error' });
  });
});
