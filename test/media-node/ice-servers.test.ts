import { webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { iceServersFor } from '../../media-node/turn/ice-servers.ts';
import { randomSecret, startTestNode } from './support/node.ts';

const config = {
  stunUrls: ['stun:stun.example.org:3478'],
  turnUrls: ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:5349'],
  turnSecret: 'north',
  turnTtlSeconds: 600,
  sfuPolicy: 'stun' as const,
};
const STUN = { urls: config.stunUrls };
const NOW = 1_767_225_600_500;

/** The credential by another implementation of HMAC than the media node's. */
async function credential(username: string, secret: string): Promise<string> {
  const key = await webcrypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
  return Buffer.from(await webcrypto.subtle.sign('HMAC', key, Buffer.from(username))).toString('base64');
}

describe('the servers of a policy', () => {
  test('p2p gets STUN, and TURN with a credential that expires', async () => {
    const username = '1767226200:Zoë';
    expect(iceServersFor(config, 'p2p', 'Zoë', NOW)).toEqual({
      iceServers: [STUN, { urls: config.turnUrls, username, credential: await credential(username, 'north') }],
      ttl: 600,
    });
  });

  test('sfu gets STUN only', () => {
    expect(iceServersFor(config, 'sfu', 'Zoë', NOW)).toEqual({ iceServers: [STUN], ttl: 600 });
  });

  test('sfu gets TURN too where the operator says so', () => {
    const both = iceServersFor({ ...config, sfuPolicy: 'stun+turn' }, 'sfu', 'Zoë', NOW);
    expect(both).toEqual(iceServersFor(config, 'p2p', 'Zoë', NOW));
  });

  test('nothing that is not configured is given out', () => {
    const nothing = { ...config, stunUrls: [], turnUrls: [], turnSecret: undefined };
    expect(iceServersFor(nothing, 'p2p', 'Zoë', NOW)).toEqual({ iceServers: [], ttl: 600 });
  });
});

test('over HTTP', async () => {
  const secret = randomSecret();
  const t = await startTestNode({ STUN_URLS: 'stun:a.example.org', TURN_URLS: 'turn:a.example.org', TURN_SECRET: secret });
  const { iceServers, ttl } = await t.client.call('iceServers', { query: { policy: 'p2p', user: 'Zoë & co' } });
  expect(ttl).toBe(6 * 60 * 60);
  const username = iceServers[1]?.username ?? '';
  expect(username).toMatch(/^\d{10}:Zoë & co$/u);
  expect(iceServers[1]?.credential).toBe(await credential(username, secret));
  expect(Number(username.split(':')[0]) - Date.now() / 1000).toBeCloseTo(ttl, -2);
  const anonymous = await t.client.call('iceServers', { query: { policy: 'p2p' } });
  expect(anonymous.iceServers[1]?.username).toMatch(/:guest$/u);
  expect((await t.client.call('iceServers', { query: { policy: 'sfu' } })).iceServers).toEqual([{ urls: ['stun:a.example.org'] }]);
  await t.close();
});
