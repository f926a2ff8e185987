/** Calls that have no way to each other but the relay: real coturn, real browser, credentials from the real media node. */
import { createHmac } from 'node:crypto';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaNode } from '../../media-node/media-node.ts';
import { sign } from '../../media-node/signing.ts';
import { type IceServer, IceServersSchema } from '../../shared/ice.ts';
import { Edge } from '../harness/edge.ts';
import { eventually } from '../harness/eventually.ts';
import { startTestMediaNode } from '../harness/media-node.ts';
import { freePort } from '../harness/ports.ts';
import { TEST_SECRET } from '../harness/secrets.ts';
import { basic, makeTenant } from '../services/tenant.ts';
import { acceptAnswer, gather, negotiate, openPeer, Pages, received } from './peers.ts';
import { TurnServer } from './turn-server.ts';

const TURN_SECRET = 'b05f6cf3e2ad4f17a5c89d1207e4863bb94d5a7e';
const NOBODY = 'http://127.0.0.1:9';
const EXPECTED_FRAMES = 10;
const EXPECTED_AUDIO_PACKETS = 50;

let turn: TurnServer;
/** The same server: it tells clients their addresses as well. */
let stun: string;
let mediaNode: MediaNode;
let pages: Pages;

beforeAll(async () => {
  turn = await TurnServer.start(TURN_SECRET);
  stun = `stun:127.0.0.1:${turn.port}`;
  mediaNode = await startTestMediaNode(NOBODY, { ...turn.settings, STUN_URLS: stun });
  pages = await Pages.open();
});

afterAll(async () => {
  await Promise.all([pages.close(), mediaNode.close(), turn.stop()]);
});

/** As the edge asks for them on behalf of a member. */
async function iceServers(user: string): Promise<IceServer[]> {
  const path = `/v1/ice-servers?policy=p2p&user=${user}`;
  const authorization = sign(TEST_SECRET, { method: 'GET', path, body: '' });
  const response = await fetch(`${mediaNode.url}${path}`, { headers: { authorization } });
  return IceServersSchema.parse(await response.json()).iceServers;
}

/** A credential for the same server that the media node did not give. */
async function credentialOf(username: string, secret: string): Promise<IceServer[]> {
  const credential = createHmac('sha1', secret).update(username).digest('base64');
  return (await iceServers('mallory')).slice(-1).map(({ urls }) => ({ urls, username, credential }));
}

function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

async function isCallRelayed(page: Page): Promise<boolean> {
  const { framesDecoded, audioPackets, path } = await received(page);
  return framesDecoded >= EXPECTED_FRAMES && audioPackets >= EXPECTED_AUDIO_PACKETS && path.join() === 'relay,relay';
}

describe('a two-person call through the relay', () => {
  it('carries picture and sound in both directions', async () => {
    const [alice, bob] = await Promise.all([pages.page(), pages.page()]);
    await openPeer(alice, await iceServers('alice'));
    await openPeer(bob, await iceServers('bob'));
    const offer = await negotiate(alice);
    await acceptAnswer(alice, await negotiate(bob, offer));
    await eventually('Alice sees and hears Bob through the relay', () => isCallRelayed(alice), 30_000);
    await eventually('Bob sees and hears Alice through the relay', () => isCallRelayed(bob), 30_000);
  });
});

describe('what a tenant gets for its clients', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await Edge.start({ port: await freePort(), mediaNodeUrl: mediaNode.url });
    await makeTenant(edge, 'acme', 'key of acme');
  });
  afterAll(() => edge.stop());

  const ask = (query: string, key = 'key of acme') => fetch(`${edge.url}/api/tenant/ice-servers?${query}`, { headers: basic('acme', key) });

  it('is a relay for calls from browser to browser', async () => {
    const { iceServers: servers, ttl } = IceServersSchema.parse(await (await ask('policy=p2p&user=ada')).json());
    expect(servers.at(-1)?.username).toMatch(/^\d+:ada$/u);
    expect(ttl).toBeGreaterThan(60);
    const { candidateTypes, refusals } = await gather(await pages.page(), servers);
    expect(candidateTypes).toContain('relay');
    expect(refusals).toEqual([]);
  });

  it('is no relay for what goes through the media node', async () => {
    const { iceServers: servers } = IceServersSchema.parse(await (await ask('policy=sfu')).json());
    expect(servers).toEqual([{ urls: [stun] }]);
  });

  it.each([
    ['', 'key of acme', 400, 'policy: '],
    ['policy=N', 'key of acme', 400, 'policy: '],
    [`policy=p2p&user=${'x'.repeat(129)}`, 'key of acme', 400, 'user: '],
    ['policy=p2p', 'guessed', 401, 'the code or the key'],
  ])('is nothing for ?%.20s with the %s', async (query, key, status, beginning) => {
    const response = await ask(query, key);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(new RegExp(`^${beginning}`, 'u'));
  });

  it('has to wait while the media node does not answer', async () => {
    const lonely = await Edge.start({ port: await freePort(), mediaNodeUrl: NOBODY });
    try {
      await makeTenant(lonely, 'acme', 'key of acme');
      const response = await fetch(`${lonely.url}/api/tenant/ice-servers?policy=p2p`, { headers: basic('acme', 'key of acme') });
      expect(response.status).toBe(503);
    } finally {
      await lonely.stop();
    }
  });
});

describe('credentials', () => {
  let page: Page;
  beforeAll(async () => {
    page = await pages.page();
  });

  it('of the media node get a relay address', async () => {
    const { candidateTypes, refusals } = await gather(page, await iceServers('alice'));
    expect(candidateTypes).toContain('relay');
    expect(refusals).toEqual([]);
  });

  it.each([
    ['that have expired', () => credentialOf(`${secondsFromNow(-60)}:mallory`, TURN_SECRET)],
    ['made with another secret', () => credentialOf(`${secondsFromNow(3600)}:mallory`, 'another-b1c47f0e93d2')],
    ['without an expiry', () => credentialOf('mallory', TURN_SECRET)],
    [
      'whose user was changed',
      async () => (await iceServers('alice')).map((server) => ({ ...server, username: `${server.username ?? ''}x` })),
    ],
    [
      'whose expiry was put off',
      async () => (await iceServers('alice')).map((server) => ({ ...server, username: `${secondsFromNow(10 * 86_400)}:alice` })),
    ],
  ])('%s are refused', async (_, forge) => {
    const { candidateTypes, refusals } = await gather(page, await forge());
    expect(candidateTypes).toEqual([]);
    expect(refusals).toContain(401);
  });
});

describe('addresses in private networks', () => {
  /** coturn's own client sends packets through the relay to itself, on loopback. */
  async function sendThroughRelay(server: TurnServer): Promise<string> {
    const [{ username = '', credential = '' } = {}] = await credentialOf(`${secondsFromNow(60)}:carol`, TURN_SECRET);
    const parameters = ['-y', '-n', '5', '-m', '1', '-u', username, '-w', credential, '-p', String(server.port), '127.0.0.1'];
    const client = spawn('turnutils_uclient', parameters, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
    return text(client.stdout);
  }

  it('can be reached through the relay in development', async () => {
    expect(await sendThroughRelay(turn)).toMatch(/Total lost packets 0 /u);
  });

  it('cannot be reached in production', async () => {
    const server = await TurnServer.start(TURN_SECRET, 'production');
    try {
      expect(await sendThroughRelay(server)).toMatch(/error 403 \(Forbidden IP\)/u);
    } finally {
      await server.stop();
    }
  });
});
