import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Visitor } from '../../worker/protocols/owt/lobby.ts';
import { issueToken, type Seal } from '../../worker/protocols/owt/token.ts';
import type { Door, EventSocket } from '../../worker/protocols/protocol.ts';

/** The time at the front door is three minutes, so it is not waited for. What a client is told there otherwise, the other tests find out with a real one. */
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Client implements EventSocket {
  readonly id = 'client';
  readonly answers: string[] = [];
  ends: string[] = [];

  emit(): void {
    throw new Error('nobody has anything to tell');
  }
  acknowledge(ackId: number, json: string): void {
    this.answers.push(`${ackId} ${json}`);
  }
  whenRoomy(callback: () => void): void {
    callback();
  }
  dismiss(): void {
    this.ends.push('dismissed');
  }
  close(): void {
    this.ends.push('closed');
  }
}

const seal: Seal = { sign: () => Promise.resolve('00'), isSigned: (_text, signature) => Promise.resolve(signature === '00') };

function visitor(enter: Door['enter'] = () => Promise.resolve({ admitted: false, status: 409 })): { client: Client; visitor: Visitor } {
  const client = new Client();
  // Nothing else of a door is asked for by a lobby.
  return { client, visitor: new Visitor(client, { ...seal, enter } as Door) };
}

const token = () => issueToken({ room: 'default/r', user: 'ada', role: 'presenter' }, new URL('http://edge:8787'), Date.now(), seal);

it('a client that does not log in is closed after three minutes; what it asks meanwhile is refused after five seconds', async () => {
  const { client, visitor: stranger } = visitor();
  stranger.event('publish', [{}], 1);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(client.answers).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(client.answers).toEqual(['1 "error","Illegal request"']);
  await vi.advanceTimersByTimeAsync(3 * 60_000 - 5_001);
  stranger.event('publish', [{}], 2);
  expect(client.ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(client.ends).toEqual(['closed']);
});

it('a client that has logged in may say nothing for as long as it likes', async () => {
  const room = { send: () => undefined, close: () => undefined, addEventListener: () => undefined };
  const { client, visitor: ada } = visitor(() => Promise.resolve({ admitted: true, socket: room }));
  ada.event('login', [{ token: await token() }], 1);
  await vi.advanceTimersByTimeAsync(60 * 60_000);
  expect(client.ends).toEqual([]);
});

it('more requests than a client has on its way are refused at once', () => {
  const { client, visitor: stranger } = visitor();
  for (let ackId = 0; ackId < 257; ackId += 1) stranger.event('text', [{}], ackId);
  expect(client.answers).toEqual(['256 "error","Illegal request"']);
});

it('a client is told when its room cannot be reached, and may try again later', async () => {
  const { client, visitor: ada } = visitor(() => Promise.reject(new Error('no room object')));
  ada.event('login', [{ token: await token() }], 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(client.answers).toEqual(['1 "error","Media is not available, try again"']);
  expect(client.ends).toEqual(['dismissed']);
});
