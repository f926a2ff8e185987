/** A client that does not read costs at most the send limit and is closed; the others do not notice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EchoServer } from '../echo-server/start.ts';
import { BackPressure, byteLength } from '../../worker/wire/back-pressure.ts';
import { ChatClient, startChatServer } from './helpers/chat-server.ts';
import { PollingClient, sleep } from './helpers/raw-client.ts';

const LIMIT = 1_048_576;

let server: EchoServer;

beforeAll(async () => {
  server = await startChatServer({}, 'on');
}, 60_000);

afterAll(() => server.stop());

describe('a room in which one client does not read', () => {
  it.each([3, 4])('closes it (revision %i), lets it resume, and serves the others without a gap', async (revision) => {
    const room = `${server.url}/room/stuck-${String(revision)}/socket.io/`;
    const { client: sender } = await ChatClient.enter(room);
    const { client: reader } = await ChatClient.enter(room);
    const { client: stuck } = await ChatClient.enter(room, {}, revision);
    stuck.raw.socket.pause();
    for (let round = 0; round < 20; round++) {
      sender.emit('flood', 10, 10_000);
      for (let index = 0; index < 10; index++) expect((await reader.event()).slice(0, 2)).toEqual(['flood', index]);
    }
    await expect.poll(() => sender.ask('reasons'), { timeout: 8_000, interval: 200 }).toEqual([['back pressure']]);
    stuck.raw.socket.resume();
    expect(await stuck.raw.closed).toEqual({ code: 1013, reason: 'back pressure' });
  });

  it('closes one that left half of the limit unread for a while', async () => {
    const room = `${server.url}/room/half/socket.io/`;
    const { client: sender } = await ChatClient.enter(room);
    const { client: stuck } = await ChatClient.enter(room);
    stuck.raw.socket.pause();
    sender.emit('flood', 60, 10_000);
    await sleep(13_000);
    expect(await sender.ask('reasons')).toEqual([['back pressure']]);
    stuck.raw.socket.resume();
    expect((await stuck.raw.closed).code).toBe(1013);
  });

  it('closes a polling client that does not fetch', async () => {
    const path = '/room/polling/socket.io/';
    const { client: sender } = await ChatClient.enter(`${server.url}${path}`);
    const client = await PollingClient.open(server.url, path, 4);
    await client.post('40');
    await client.getText();
    sender.emit('flood', 120, 10_000);
    await expect.poll(() => sender.ask('reasons'), { timeout: 8_000, interval: 200 }).toEqual([['back pressure']]);
    expect((await client.get()).status).toBe(400);
  });
});

describe('the account of a client', () => {
  let now = 0;
  const newAccount = (): BackPressure => new BackPressure(LIMIT, () => now);

  it('asks for a proof, and counts from there once it came', () => {
    const account = newAccount();
    expect(account.sent(LIMIT / 4)).toBe('none');
    expect(account.sent(1)).toBe('ask');
    account.asked();
    expect(account.sent(LIMIT / 2)).toBe('none');
    account.answered();
    now += 3_000;
    expect(account.sent(LIMIT / 2)).toBe('ask');
    account.asked();
    now += 3_000;
    expect(account.sent(1)).toBe('over');
  });

  it('lets a burst exceed the limit for a moment, up to a bound', () => {
    const account = newAccount();
    account.sent(LIMIT / 2);
    account.asked();
    expect(account.sent(LIMIT)).toBe('none');
    expect(account.stallsAt()).toBe(now + 3_000);
    expect(account.sent(2.5 * LIMIT)).toBe('none');
    expect(account.sent(1)).toBe('over');
  });

  it('gives no credit for an answer that nobody asked for', () => {
    const account = newAccount();
    account.sent(4 * LIMIT);
    account.answered();
    expect(account.sent(1)).toBe('over');
  });

  it('gives credit for what stands in the way of the answer', () => {
    const account = newAccount();
    account.sent(LIMIT);
    account.asked();
    account.received(LIMIT);
    now += 5_000;
    expect(account.sent(LIMIT)).toBe('none');
    expect(account.sent(1)).toBe('over');
  });

  it('gives a silent client up', () => {
    const account = newAccount();
    account.sent(LIMIT / 2);
    expect(account.stallsAt()).toBeUndefined();
    account.asked();
    expect(account.stallsAt()).toBe(now + 10_000);
    account.answered();
    expect(account.stallsAt()).toBeUndefined();
  });

  it.each(['', 'ascii', 'ümlaut', '€', '안녕', '😀'])('counts "%s" in bytes', (text) => {
    expect(byteLength(text)).toBe(Buffer.byteLength(text));
  });
});
