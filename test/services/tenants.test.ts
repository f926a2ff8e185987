import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revocation, rotation, settingsChange } from '../../worker/tenants/administration.ts';
import { keyHash } from '../../worker/tenants/key.ts';
import type { Edge } from '../harness/edge.ts';
import { startProbedEdge } from './member.ts';
import { administer, basic, makeTenant } from './tenant.ts';

const KEY = 'f1d2d2f924e986ac86fdf7b36c94bcdf';
const OTHER_KEY = 'e242ed3bffccdf271b7fbaf34ed72d08';
const SECRET = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c';

/** What was read is believed for half a minute, so every test takes codes that nobody asked for before. */
const development: { edge?: Edge } = {};
const production: { edge?: Edge } = {};

beforeAll(async () => {
  [development.edge, production.edge] = await Promise.all([
    startProbedEdge(),
    startProbedEdge({ PARLEY_MODE: 'production', ACCESS_TOKEN_SECRET: SECRET }),
  ]);
});

afterAll(() => Promise.all([development.edge?.stop(), production.edge?.stop()]));

function running({ edge }: { edge?: Edge }): Edge {
  if (!edge) throw new Error('it was not started');
  return edge;
}

/** Whether the tenant API lets somebody in. */
async function ask(edge: Edge, headers: Record<string, string>): Promise<number> {
  return (await fetch(`${edge.url}/api/tenant/recordings`, { headers })).status;
}

/** Whose credentials they are for a client that wants into a room, as protocols ask. */
async function authenticate(edge: Edge, code: string, key: string): Promise<unknown> {
  const response = await fetch(`${edge.url}/probe-authenticate`, { method: 'POST', body: JSON.stringify({ code, key }) });
  return response.json();
}

describe('the tenant API', () => {
  it.each([
    ['development', development],
    ['production', production],
  ] as const)('opens for a tenant and its key only, in %s mode', async (mode, place) => {
    const edge = running(place);
    await makeTenant(edge, `acme.${mode}`, KEY, { credentials: 'code' });
    await makeTenant(edge, `other-${mode}`, OTHER_KEY);
    expect(await ask(edge, basic(`acme.${mode}`, KEY))).toBe(200);
    expect(await ask(edge, basic(`other-${mode}`, OTHER_KEY))).toBe(200);
    const wrong: Record<string, string>[] = [
      {},
      basic(`acme.${mode}`, OTHER_KEY),
      basic(`acme.${mode}`, ''),
      basic(`acme.${mode}`, `${KEY} `),
      basic(`ACME.${mode}`, KEY),
      basic('nobody', KEY),
      basic("' OR 1=1 --", KEY),
      basic('', ''),
      basic('x'.repeat(10_000), KEY),
      { authorization: 'Basic nonsense' },
      { authorization: `Bearer ${KEY}` },
    ];
    for (const headers of wrong) expect([headers, await ask(edge, headers)]).toEqual([headers, 401]);
    const { headers } = await fetch(`${edge.url}/api/tenant/calls`);
    expect(headers.get('www-authenticate')).toBe('Basic realm="tenant", charset="UTF-8"');
  });

  it('shows nothing of other tenants, and has nothing where it has nothing', async () => {
    const edge = running(production);
    await makeTenant(edge, 'empty', KEY);
    for (const list of ['recordings', 'calls', 'files']) {
      const response = await fetch(`${edge.url}/api/tenant/${list}`, { headers: basic('empty', KEY) });
      expect(await response.json()).toEqual({ items: [] });
    }
    for (const path of ['nothing', 'recordings/x', "recordings/'--", 'recordings/x/file']) {
      expect((await fetch(`${edge.url}/api/tenant/${path}`, { headers: basic('empty', KEY) })).status).toBe(404);
    }
    expect((await fetch(`${edge.url}/api/tenant/nothing`)).status).toBe(401);
  });

  it('has the demo tenant in development mode, with its key, and not in production', async () => {
    expect(await ask(running(development), basic('default', 'demo'))).toBe(200);
    expect(await ask(running(development), basic('default', 'other'))).toBe(401);
    expect(await ask(running(production), basic('default', 'demo'))).toBe(401);
  });
});

describe('clients', () => {
  it('are let in with code and key, or with the code alone where the tenant wants it so', async () => {
    for (const edge of [running(development), running(production)]) {
      await makeTenant(edge, 'keyed', KEY, { sessionLife: 'lenient' });
      await makeTenant(edge, 'open', KEY, { credentials: 'code', roomCapacity: 7 });
      expect(await authenticate(edge, 'keyed', KEY)).toMatchObject({
        code: 'keyed',
        settings: { sessionLife: 'lenient', unknownRoom: 'vendor', roomCapacity: 24 },
      });
      expect(await authenticate(edge, 'keyed', '')).toBeNull();
      expect(await authenticate(edge, 'keyed', OTHER_KEY)).toBeNull();
      expect(await authenticate(edge, 'open', '')).toMatchObject({ code: 'open', settings: { roomCapacity: 7 } });
    }
  });

  it('whom nobody knows are of the demo tenant in development mode, and nobody in production', async () => {
    for (const code of ['demo-client', '', 'KP-CCCTEST', '\u{1f600}', "'; DROP TABLE tenants; --"]) {
      expect(await authenticate(running(development), code, 'anything')).toMatchObject({ code: 'default' });
      expect(await authenticate(running(production), code, 'anything')).toBeNull();
    }
    expect(await authenticate(running(production), 'default', 'demo')).toBeNull();
  });

  it('of a tenant with the code of the demo tenant need its key, in development mode too', async () => {
    const edge = await startProbedEdge();
    try {
      await makeTenant(edge, 'default', KEY);
      expect(await authenticate(edge, 'default', 'anything')).toBeNull();
      expect(await authenticate(edge, 'default', 'demo')).toBeNull();
      expect(await authenticate(edge, 'default', KEY)).toMatchObject({ code: 'default' });
    } finally {
      await edge.stop();
    }
  });
});

describe('a key', () => {
  it('that was rotated is worth nothing, or something until a time', async () => {
    const edge = running(production);
    await makeTenant(edge, 'rotated', KEY);
    await administer(edge, rotation('rotated', await keyHash('rotated', OTHER_KEY), 0));
    expect(await ask(edge, basic('rotated', KEY))).toBe(401);
    expect(await ask(edge, basic('rotated', OTHER_KEY))).toBe(200);

    await makeTenant(edge, 'overlap', KEY);
    await administer(edge, rotation('overlap', await keyHash('overlap', OTHER_KEY), Date.now() + 1500));
    expect([await ask(edge, basic('overlap', KEY)), await ask(edge, basic('overlap', OTHER_KEY))]).toEqual([200, 200]);
    await wait(1600);
    expect([await ask(edge, basic('overlap', KEY)), await ask(edge, basic('overlap', OTHER_KEY))]).toEqual([401, 200]);
  });

  it('of a tenant that was revoked opens nothing, once it is no longer remembered', async () => {
    const edge = running(production);
    await makeTenant(edge, 'revoked', KEY);
    await administer(edge, revocation('revoked', Date.now()));
    expect(await ask(edge, basic('revoked', KEY))).toBe(401);

    await makeTenant(edge, 'remembered', KEY);
    expect(await ask(edge, basic('remembered', KEY))).toBe(200);
    await administer(edge, revocation('remembered', Date.now()));
    const deadline = Date.now() + 35_000;
    while ((await ask(edge, basic('remembered', KEY))) !== 401) {
      if (Date.now() > deadline) throw new Error('the revoked key still opens');
      await wait(1000);
    }
  });

  it('is stored as a hash only', async () => {
    const edge = running(production);
    await makeTenant(edge, 'hashed', KEY);
    const { results } = await (await edge.database()).prepare('SELECT * FROM tenants').all();
    expect(JSON.stringify(results)).not.toContain(KEY);
  });
});

it('settings are changed one by one, and go back to their defaults', async () => {
  const edge = running(production);
  await makeTenant(edge, 'settled', KEY, { sessionLife: 'lenient', roomCapacity: 5 });
  await administer(edge, settingsChange('settled', { roomCapacity: null, unknownRoom: 'document' }));
  expect(await authenticate(edge, 'settled', KEY)).toMatchObject({
    settings: { sessionLife: 'lenient', roomCapacity: 24, unknownRoom: 'document' },
  });
});

it('credentials are asked for in the database once, however many messages carry them', async () => {
  const edge = running(production);
  await makeTenant(edge, 'busy', KEY);
  const begin = performance.now();
  await authenticate(edge, 'busy', KEY);
  await administer(edge, settingsChange('busy', { roomCapacity: 3 }));
  // Had the database been asked again, the new setting would have been seen.
  expect(await authenticate(edge, 'busy', KEY)).toMatchObject({ settings: { roomCapacity: 24 } });
  expect(performance.now() - begin).toBeLessThan(30_000);
});
