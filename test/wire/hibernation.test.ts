/** workerd puts an object to sleep after ten seconds without work. These tests wait for that between any two packets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { ChatClient, startChatServer } from './helpers/chat-server.ts';
import { PollingClient, RawSocket, sleep } from './helpers/raw-client.ts';

const UNTIL_ASLEEP = 12_500;

let server: EchoServer;

beforeAll(async () => {
  // No heartbeat must wake the object before it is asleep.
  server = await startChatServer({ pingInterval: 40_000, pingTimeout: 40_000 });
}, 60_000);

afterAll(() => server.stop());

const room = (name: string): string => `${server.url}/room/${name}/socket.io/`;

describe.concurrent('a sleeping object', () => {
  it('really sleeps', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('really'));
    const [life] = await client.ask('life');
    await sleep(UNTIL_ASLEEP);
    expect(await client.ask('life')).not.toEqual([life]);
  });

  it('keeps namespaces, data and who is there', async ({ expect }) => {
    const { client: anna } = await ChatClient.enter(room('keeps'));
    const { client: berta } = await ChatClient.enter(room('keeps'));
    anna.raw.send('40/second,');
    expect(await anna.raw.nextData()).toMatch(/^40\/second,/);
    await anna.ask('remember', { name: 'Anna' });
    await sleep(UNTIL_ASLEEP);
    expect(await anna.ask('recall')).toEqual([{ name: 'Anna' }]);
    anna.raw.send('42/second,0["recall"]');
    expect(await anna.raw.nextData()).toBe('43/second,0[{"namespace":"/second"}]');
    anna.emit('say', 'hello');
    expect(await berta.event()).toEqual(['said', 'hello']);
  });

  it('keeps data that is too large for an attachment', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('large'));
    const large = 'x'.repeat(50_000);
    await client.ask('remember', large);
    await sleep(UNTIL_ASLEEP);
    expect(await client.ask('recall')).toEqual([large]);
  });

  it('finishes a binary event that was cut in two', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('binary'));
    client.raw.send('452-["say",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.raw.send(Buffer.alloc(40_000, 7));
    await sleep(UNTIL_ASLEEP);
    client.raw.send(Buffer.from([8]));
    expect(await client.raw.nextData()).toContain('452-["said",');
    expect(await client.raw.nextData()).toEqual(Buffer.alloc(40_000, 7));
    expect(await client.raw.nextData()).toEqual(Buffer.from([8]));
  });

  it('finishes a binary event of a polling client of which one packet had arrived', async ({ expect }) => {
    const client = await PollingClient.open(server.url, '/room/half-polling/socket.io/', 4);
    await client.post('40');
    await client.getText();
    await client.post('451-["say",{"_placeholder":true,"num":0}]');
    await sleep(UNTIL_ASLEEP + 5_000);
    await client.post('bAQI=');
    expect(await client.getText()).toBe('451-["said",{"_placeholder":true,"num":0}]\u001ebAQI=');
  });

  it('lets a client in that had opened its connection before', async ({ expect }) => {
    const socket = new RawSocket(`${room('opened')}?EIO=4&transport=websocket`);
    await socket.nextData();
    await sleep(UNTIL_ASLEEP);
    socket.send('40{"token":"wrong"}');
    expect(await socket.nextData()).toBe('44{"message":"Not authorized","data":{"retry":false}}');
    socket.send('40');
    expect(await socket.nextData()).toMatch(/^40\{"sid":/);
  });

  it('upgrades a session that was opened by polling before', async ({ expect }) => {
    const client = await PollingClient.open(server.url, '/room/upgrades/socket.io/', 4);
    await client.post('40');
    await client.getText();
    await client.post('42["say","not fetched"]');
    await sleep(UNTIL_ASLEEP + 5_000);
    const socket = client.upgrade();
    await socket.opened();
    socket.send('2probe');
    expect(await socket.next()).toBe('3probe');
    socket.send('5');
    expect(await socket.nextData()).toBe('42["said","not fetched"]');
    socket.send('427["recall"]');
    expect(await socket.nextData()).toBe('437[{"namespace":"/"}]');
    await sleep(UNTIL_ASLEEP);
    socket.send('428["recall"]');
    expect(await socket.nextData()).toBe('438[{"namespace":"/"}]');
  });

  it('goes on polling after an upgrade that did not get beyond its probe', async ({ expect }) => {
    const client = await PollingClient.open(server.url, '/room/half-upgrade/socket.io/', 4);
    await client.post('40');
    await client.getText();
    const socket = client.upgrade();
    await socket.opened();
    socket.send('2probe');
    expect(await socket.next()).toBe('3probe');
    await sleep(UNTIL_ASLEEP + 5_000);
    expect(await socket.next()).toBeNull();
    await client.post('427["recall"]');
    expect(await client.getText()).toBe('437[{"namespace":"/"}]');
  });

  it('hands out the last packets of a session that has ended, and serves others', async ({ expect }) => {
    const client = await PollingClient.open(server.url, '/room/ended/socket.io/', 4);
    await client.post('40');
    await client.getText();
    await client.post('42["say","not fetched"]');
    await client.post('1');
    await sleep(UNTIL_ASLEEP + 5_000);
    expect(await client.getText()).toBe('42["said","not fetched"]\u001e6');
    const { client: other } = await ChatClient.enter(room('ended'));
    expect(await other.ask('recall')).toEqual([{ namespace: '/' }]);
  });

  it('remembers what it has asked a client', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('asked'));
    client.emit('ask me', { why: 'test' });
    expect(await client.raw.nextData()).toBe('420["question","?"]');
    await sleep(UNTIL_ASLEEP);
    client.raw.send('430["because"]');
    expect(await client.event()).toEqual(['answered', { why: 'test' }, ['because']]);
  });

  it('can answer a client that asked before', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('answers'));
    client.raw.send('427["answer later"]');
    await sleep(UNTIL_ASLEEP);
    client.emit('answer now', 'at last');
    expect(await client.raw.nextData()).toBe('437["at last"]');
  });

  it('notices that a client leaves', async ({ expect }) => {
    const { client: anna } = await ChatClient.enter(room('leaves'));
    const { client: berta } = await ChatClient.enter(room('leaves'));
    await sleep(UNTIL_ASLEEP);
    berta.raw.close();
    await berta.raw.closed;
    expect(await anna.ask('reasons')).toEqual([['transport close']]);
  });

  it('keeps clients of revision 3, and answers their heartbeats asleep', async ({ expect }) => {
    const { client } = await ChatClient.enter(room('third'), {}, 3);
    const [life] = await client.ask('life');
    await sleep(UNTIL_ASLEEP);
    client.raw.send('2');
    expect(await client.raw.next()).toBe('3');
    const [newLife] = await client.ask('life');
    expect(newLife).not.toBe(life);
  });

  it('keeps a polling client between two requests, and what it has not fetched', async ({ expect }) => {
    const client = await PollingClient.open(server.url, '/room/polling/socket.io/', 4);
    await client.post('40');
    expect(await client.getText()).toMatch(/^40\{/);
    await client.post('42["say","before"]');
    await sleep(UNTIL_ASLEEP + 5_000);
    await client.post('42["say","after"]');
    expect(await client.getText()).toBe('42["said","before"]\u001e42["said","after"]');
  });
});

describe('the alarm', () => {
  it('wakes an object to ping, and again to end the session of a client that does not answer', async () => {
    const sleepy = await startChatServer({ pingInterval: 30_000, pingTimeout: 14_000 });
    const { client } = await ChatClient.enter(`${sleepy.url}/room/alarm/socket.io/`);
    client.raw.socket.pause();
    await sleep(60_000);
    client.raw.socket.resume();
    expect((await client.raw.closed).reason).toBe('ping timeout');
    await sleepy.stop();
  }, 120_000);
});
