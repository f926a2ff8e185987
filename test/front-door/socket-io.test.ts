/** The Socket.IO entrance of the whole edge, with the official clients of three generations. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Edge } from '../harness/edge.ts';
import { freePort } from '../harness/ports.ts';
import { type Client, GENERATIONS, once } from '../wire/helpers/official-clients.ts';

const TRANSPORTS: readonly { transports: ('polling' | 'websocket')[]; final: string }[] = [
  { transports: ['websocket'], final: 'websocket' },
  { transports: ['polling'], final: 'polling' },
  { transports: ['polling', 'websocket'], final: 'websocket' },
];

const CASES = GENERATIONS.flatMap((generation) => TRANSPORTS.map((transport) => ({ ...generation, ...transport })));
const PLACES = [
  { namespace: '/SignalServer', path: '/socket.io' },
  { namespace: '/', path: '/socket.io' },
  { namespace: '/SignalServer', path: '/knowledgetalk/socket.io' },
];

const KEEP_ALIVE = { eventOp: 'KeepAlive', cpCode: 'demo', authKey: '' };
const ANSWER = { eventOp: 'KeepAlive', code: '200' };

let edge: Edge;
const clients: Client[] = [];

beforeAll(async () => {
  // Nothing here needs media.
  edge = await Edge.start({ port: await freePort(), mediaNodeUrl: 'http://127.0.0.1:1' });
});

afterAll(() => edge.stop());

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function opened(client: Client): Client {
  clients.push(client);
  return client;
}

describe.each(CASES)('client $generation by $transports', ({ connect, transports, final }) => {
  it.each(PLACES)('is answered in $namespace at $path', async ({ namespace, path }) => {
    const client = opened(connect(edge.url + namespace, { transports, path, forceNew: true, reconnection: false }));
    await once(client, 'connect');
    for (let round = 0; round < 3; round += 1) {
      const answered = once(client, 'knowledgetalk');
      client.emit('knowledgetalk', KEEP_ALIVE);
      expect(await answered).toEqual([expect.objectContaining(ANSWER)]);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(client.io.engine.transport.name).toBe(final);
  });

  it('is put out of the namespace when no protocol knows its first event', async () => {
    const client = opened(connect(edge.url, { transports, forceNew: true, reconnection: false }));
    await once(client, 'connect');
    client.emit('something else', 1);
    const [reason] = await once(client, 'disconnect');
    expect(reason).toBe('io server disconnect');
  });

  it('is refused a namespace that belongs to no protocol', async () => {
    const client = opened(connect(`${edge.url}/elsewhere`, { transports, forceNew: true, reconnection: false }));
    const refusal = await new Promise((resolve) => {
      for (const event of ['connect_error', 'error']) client.once(event, resolve);
    });
    expect(String(refusal)).toContain('Invalid namespace');
  });
});

describe('polling by hand', () => {
  const ORIGIN = 'https://meet.example.org';

  it.each([3, 4])('names the exact origin and allows credentials, also in the preflight (EIO=%i)', async (revision) => {
    const url = `${edge.url}/socket.io/?EIO=${revision}&transport=polling`;
    const answers = [
      await fetch(url, { headers: { origin: ORIGIN } }),
      await fetch(url, { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' } }),
      await fetch(`${url}&sid=nobody`, { headers: { origin: ORIGIN } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 400]);
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
    }
  });

  it.each(['', 'nobody', 'A'.repeat(60), '%00', 'x'.repeat(5_000)])(
    'a session id that was not given out here is unknown: %j',
    async (sid) => {
      const answer = await fetch(`${edge.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST' });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ code: sid === '' ? 2 : 1, message: expect.any(String) as string });
    },
  );
});

describe('the client library', () => {
  it.each([
    ['4', '4.8.4', ['socket.io.js', 'socket.io.min.js', 'socket.io.js.map', 'socket.io.min.js.map']],
    ['2', '2.5.0', ['socket.io.js', 'socket.io.min.js', 'socket.io.js.map']],
  ])('of generation %s is handed out where SOCKET_IO_CLIENT_VERSION says so', async (version, release, files) => {
    const other =
      version === '4'
        ? edge
        : await Edge.start({ port: await freePort(), mediaNodeUrl: 'http://127.0.0.1:1', settings: { SOCKET_IO_CLIENT_VERSION: version } });
    for (const file of files) expect((await fetch(`${other.url}/socket.io/${file}`)).status).toBe(200);
    expect(await (await fetch(`${other.url}/socket.io/socket.io.js`)).text()).toContain(`v${release}`);
    if (other !== edge) await other.stop();
  });
});
