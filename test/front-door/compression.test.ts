/** The runtime compresses WebSockets where clients offer it, unless it is told not to. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startStack, type Stack } from '../harness/stack.ts';
import { ApiClient } from '../protocols/mediasoup-http/api-client.ts';

const ADA = { roomName: 'quiet', userMail: 'ada@example.org' };

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  const api = new ApiClient(stack.edge.url);
  await api.succeed(api.post('createRoom', ADA));
  await api.succeed(api.post('createAttendee', ADA));
});
afterAll(() => stack.stop());

it.each([
  { what: 'Socket.IO', path: '/socket.io/?EIO=4&transport=websocket', subprotocols: [] },
  { what: 'a raw WebSocket at the front door', path: '/socket', subprotocols: [] },
  { what: 'a room', path: `/?${new URLSearchParams(ADA).toString()}`, subprotocols: ['protoo'] },
])('$what is not compressed, although the client offers it', async ({ path, subprotocols }) => {
  const socket = new WebSocket(stack.edge.url.replace('http', 'ws') + path, subprotocols, { perMessageDeflate: true });
  const [[response]] = (await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])) as [[IncomingMessage], unknown];
  expect([response.statusCode, response.headers['sec-websocket-extensions'], socket.extensions]).toEqual([101, undefined, '']);
  socket.terminate();
});
