import { afterAll, beforeAll, expect, it } from 'vitest';
import { MEDIA_EVENTS_PATH, type MediaEventBatch } from '../../shared/media-api.ts';
import { type SigningOptions, signedHeaders } from '../harness/signed.ts';
import { startStack, type Stack } from '../harness/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack.stop());

const batch: MediaEventBatch = {
  room: 'default/nowhere',
  generation: 1,
  first: 1,
  events: [{ type: 'producer-closed', producer: 'p1' }],
};

async function post(body: string, options: SigningOptions = {}, path = MEDIA_EVENTS_PATH): Promise<number> {
  const headers = signedHeaders('POST', MEDIA_EVENTS_PATH, body, options);
  const response = await fetch(stack.edge.url + path, { method: 'POST', body, headers });
  return response.status;
}

it('events of a room that is not open are refused for good', async () => {
  expect(await post(JSON.stringify(batch))).toBe(404);
});

it('unsigned, forged, old and altered events are refused', async () => {
  const body = JSON.stringify(batch);
  const nonce = 'ab'.repeat(16);
  expect((await fetch(stack.edge.url + MEDIA_EVENTS_PATH, { method: 'POST', body })).status).toBe(401);
  expect(await post(body, { secret: 'x'.repeat(40) })).toBe(401);
  expect(await post(body, { stamp: { time: Date.now() - 31_000, nonce } })).toBe(401);
  expect(await post(body, { stamp: { time: Date.now() + 31_000, nonce } })).toBe(401);
  expect(await post(body, {}, `${MEDIA_EVENTS_PATH}?x=1`)).toBe(401);
  const headers = signedHeaders('POST', MEDIA_EVENTS_PATH, body);
  const altered = await fetch(stack.edge.url + MEDIA_EVENTS_PATH, { method: 'POST', body: body.replace('p1', 'p2'), headers });
  expect(altered.status).toBe(401);
});

it('what is signed but makes no sense is refused', async () => {
  for (const body of ['', '{', '[]', '{"room":"x"}', JSON.stringify({ ...batch, first: 0 }), JSON.stringify({ ...batch, events: [] })]) {
    expect(await post(body)).toBe(400);
  }
  expect(await post(JSON.stringify({ ...batch, padding: 'x'.repeat(90_000) }))).toBe(413);
});
