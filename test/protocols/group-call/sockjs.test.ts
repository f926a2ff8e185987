import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startStack, type Stack } from '../../harness/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

describe.each(['/rtc', '/group-call'])('SockJS at %s', (prefix) => {
  it('greets, and tells what it can to pages of any origin, with credentials', async () => {
    const greeting = await fetch(stack.edge.url + prefix);
    expect([greeting.status, await greeting.text()]).toEqual([200, 'Welcome to SockJS!\n']);
    const info = await fetch(`${stack.edge.url}${prefix}/info?t=1`, { headers: { origin: 'https://example.org' } });
    expect(await info.json()).toEqual({ websocket: true, origins: ['*:*'], cookie_needed: false, entropy: expect.any(Number) as number });
    expect(info.headers.get('access-control-allow-origin')).toBe('https://example.org');
    expect(info.headers.get('access-control-allow-credentials')).toBe('true');
    expect(info.headers.get('vary')).toBe('Origin');
    expect(info.headers.get('cache-control')).toContain('no-store');
    const preflight = await fetch(`${stack.edge.url}${prefix}/info`, { method: 'OPTIONS', headers: { origin: 'https://example.org' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'https://example.org']);
  });

  it('has no HTTP transports', async () => {
    for (const transport of ['xhr_streaming', 'xhr', 'eventsource', 'jsonp']) {
      expect((await fetch(`${stack.edge.url}${prefix}/000/abc/${transport}`, { method: 'POST' })).status).toBe(404);
    }
  });

  it('frames messages, several in a frame too, and keeps their order', async () => {
    const socket = new WebSocket(`${stack.edge.url.replace(/^http/u, 'ws')}${prefix}/123/abcdefgh/websocket`);
    const frames: string[] = [];
    socket.on('message', (data: Buffer) => frames.push(data.toString()));
    await once(socket, 'open');
    const join = JSON.stringify({ id: 'joinRoom', userId: '1', roomId: `sockjs ${prefix}` });
    const [off, on] = [false, true].map((video) => JSON.stringify({ id: 'videoStateFrom', video }));
    socket.send('');
    socket.send(JSON.stringify([join, off, on]));
    socket.send(JSON.stringify(off));
    await expect.poll(() => frames.length).toBe(5);
    expect(frames[0]).toBe('o');
    const messages = frames.slice(1).map((frame) => JSON.parse((JSON.parse(frame.slice(1)) as [string])[0]) as unknown);
    expect(frames.slice(1).every((frame) => frame.startsWith('a'))).toBe(true);
    expect(messages).toEqual([
      { id: 'existingParticipants', members: [] },
      ...[false, true, false].map((video) => ({ id: 'videoStateAnswer', userId: '1', video })),
    ]);
    socket.close();
  });

  it.each(['{', '[7]', '{"id":"leaveRoom"}', '[["x"]]'])('closes a client whose framing is broken: %s', async (frame) => {
    const socket = new WebSocket(`${stack.edge.url.replace(/^http/u, 'ws')}${prefix}/123/abcdefgh/websocket`);
    const frames: string[] = [];
    socket.on('message', (data: Buffer) => frames.push(data.toString()));
    await once(socket, 'open');
    socket.send(frame);
    await expect.poll(() => frames).toEqual(['o', 'c[1002,"Broken framing"]']);
    socket.terminate();
  });
});
