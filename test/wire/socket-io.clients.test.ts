/** The official clients of three generations, unmodified, against the echo server in workerd. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startEchoServer, type EchoServer } from '../echo-server/start.ts';
import { ask, GENERATIONS, once, type Client } from './helpers/official-clients.ts';

const TRANSPORTS: readonly { transports: ('polling' | 'websocket')[]; final: string }[] = [
  { transports: ['websocket'], final: 'websocket' },
  { transports: ['polling'], final: 'polling' },
  { transports: ['polling', 'websocket'], final: 'websocket' },
];

const CASES = GENERATIONS.flatMap((generation) => TRANSPORTS.map((transport) => ({ ...generation, ...transport })));

let server: EchoServer;

beforeAll(async () => {
  server = await startEchoServer({ pingInterval: 1_000, pingTimeout: 10_000 });
}, 60_000);

afterAll(() => server.stop());

describe.each(CASES)('client $generation by $transports', ({ connect, transports, final }) => {
  const open = async (namespace = '/'): Promise<Client> => {
    const client = connect(`${server.url}${namespace}`, { transports, forceNew: true, reconnection: false });
    await once(client, 'auth');
    return client;
  };

  it('sends and receives texts and binary data in order, while the transport changes', async () => {
    const client = await open();
    const sent = Array.from({ length: 40 }, (_, index) =>
      index % 4 === 3 ? [index, Buffer.from([index, 255, 0])] : [index, `안녕 😀 ${index}`],
    );
    const received: unknown[][] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message-back', (...args) => {
        if (received.push(args) === sent.length) resolve();
      });
    });
    for (const args of sent) {
      client.emit('message', ...args);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await all;
    expect(received).toEqual(sent);
    expect(client.io.engine.transport.name).toBe(final);
    client.disconnect();
  });

  it('is answered through the acknowledgement', async () => {
    const client = await open();
    expect(await ask(client, 1, '2', { 3: [true] })).toEqual([1, '2', { 3: [true] }]);
    expect(await ask(client, Buffer.from([1, 2, 3]), { deep: Buffer.from([4]) })).toEqual([
      Buffer.from([1, 2, 3]),
      { deep: Buffer.from([4]) },
    ]);
    client.disconnect();
  });

  it('enters another namespace', async () => {
    const client = await open('/custom');
    expect(client.connected).toBe(true);
    client.disconnect();
  });

  it('survives several heartbeats', async () => {
    const client = await open();
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(await ask(client, 'still there')).toEqual(['still there']);
    client.disconnect();
  });

  it('sends a large message', async () => {
    const client = await open();
    const large = 'x'.repeat(900_000);
    expect(await ask(client, large)).toEqual([large]);
    client.disconnect();
  });

  it('works a hundred times at once', async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => open()));
    const answers = await Promise.all(clients.map((client, index) => ask(client, index)));
    expect(answers).toEqual(clients.map((_, index) => [index]));
    for (const client of clients) client.disconnect();
  });
});

describe('refusals', () => {
  it.each(GENERATIONS)('of a namespace reach client $generation', async ({ generation, connect }) => {
    const client = connect(`${server.url}/unknown`, { forceNew: true, reconnection: false });
    const [error] = await once(client, generation === '2.x' ? 'error' : 'connect_error');
    expect(error instanceof Error ? error.message : error).toBe('Invalid namespace');
    client.disconnect();
  });
});
