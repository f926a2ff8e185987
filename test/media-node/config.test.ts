import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../media-node/config.ts';
import { randomSecret } from './support/node.ts';

const secret = randomSecret();
const production = {
  MEDIA_NODE_SECRET: secret,
  RTC_ANNOUNCED_ADDRESS: '203.0.113.7',
  METRICS_TOKEN: randomSecret(),
};

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('defaults', () => {
  test('production needs a secret, an address and a metrics token, and listens for media everywhere', () => {
    expect(loadConfig(production)).toEqual({
      mode: 'production',
      host: '127.0.0.1',
      port: 4443,
      secret,
      previousSecret: undefined,
      edgeUrl: 'http://127.0.0.1:8787',
      metricsToken: production.METRICS_TOKEN,
      logLevel: 'info',
      rtc: {
        listenIp: '0.0.0.0',
        announcedAddress: '203.0.113.7',
        basePort: 40_000,
        workers: availableParallelism(),
        workerBin: undefined,
      },
      documentLifetimeSeconds: 900,
      ffmpegBin: 'ffmpeg',
      recordings: { folder: resolve('.parley/recordings'), maxBytes: 20e9, maxSeconds: 14_400 },
      ice: { stunUrls: [], turnUrls: [], turnSecret: undefined, turnTtlSeconds: 21_600, sfuPolicy: 'stun' },
    });
  });

  test('development needs a secret and stays on loopback', () => {
    const { mode, rtc, metricsToken } = loadConfig({ PARLEY_MODE: 'development', MEDIA_NODE_SECRET: secret });
    expect({ mode, listenIp: rtc.listenIp, metricsToken }).toEqual({ mode: 'development', listenIp: '127.0.0.1', metricsToken: undefined });
  });

  test('an empty string counts as unset', () => {
    expect(loadConfig({ ...production, MEDIA_NODE_PORT: '', EDGE_URL: ' ', MEDIA_NODE_SECRET_PREVIOUS: '' })).toEqual(
      loadConfig(production),
    );
  });
});

test('every setting is read', () => {
  const turnSecret = randomSecret();
  const previousSecret = randomSecret();
  const config = loadConfig({
    ...production,
    MEDIA_NODE_HOST: '0.0.0.0',
    MEDIA_NODE_PORT: '0',
    MEDIA_NODE_SECRET_PREVIOUS: previousSecret,
    EDGE_URL: 'https://meet.example.org/',
    LOG_LEVEL: 'debug',
    RTC_LISTEN_IP: '192.0.2.1',
    RTC_BASE_PORT: '50000',
    MEDIA_WORKERS: '3',
    MEDIASOUP_WORKER_BIN: '/opt/worker',
    STUN_URLS: 'stun:a.example.org:3478, stun:b.example.org',
    TURN_URLS: 'turn:a.example.org:3478?transport=udp,turns:a.example.org:5349',
    TURN_SECRET: turnSecret,
    TURN_TTL_SECONDS: '600',
    ICE_POLICY_SFU: 'stun+turn',
  });
  expect(config).toMatchObject({
    host: '0.0.0.0',
    port: 0,
    previousSecret,
    edgeUrl: 'https://meet.example.org',
    logLevel: 'debug',
    rtc: { listenIp: '192.0.2.1', basePort: 50_000, workers: 3, workerBin: '/opt/worker' },
    ice: {
      stunUrls: ['stun:a.example.org:3478', 'stun:b.example.org'],
      turnUrls: ['turn:a.example.org:3478?transport=udp', 'turns:a.example.org:5349'],
      turnSecret,
      turnTtlSeconds: 600,
      sfuPolicy: 'stun+turn',
    },
  });
});

describe('each wrong setting is one line that names it', () => {
  test.each<[name: string, environment: Record<string, string>, line: RegExp]>([
    ['no mode of that name', { PARLEY_MODE: 'prod' }, /^PARLEY_MODE: must be one of development, production$/u],
    ['a port above the highest', { MEDIA_NODE_PORT: '65536' }, /^MEDIA_NODE_PORT: must be a whole number from 0 to 65535/u],
    ['a port that is no number', { MEDIA_NODE_PORT: '44x' }, /^MEDIA_NODE_PORT: /u],
    ['a short secret', { MEDIA_NODE_SECRET: 'a1B2c3D4e5' }, /^MEDIA_NODE_SECRET: is shorter than 32 characters; make one with/u],
    ['an obvious secret', { MEDIA_NODE_SECRET: `ChangeMe${secret}` }, /^MEDIA_NODE_SECRET: contains a word that is easy to guess/u],
    ['a repeated secret', { MEDIA_NODE_SECRET: 'f9Kz3mQx7RtY'.repeat(4) }, /^MEDIA_NODE_SECRET: is not random enough/u],
    [
      'a secret of few characters',
      { MEDIA_NODE_SECRET: 'aabababbabaabbabaababbabababbaabab' },
      /^MEDIA_NODE_SECRET: is not random enough/u,
    ],
    ['a weak previous secret', { MEDIA_NODE_SECRET_PREVIOUS: 'short' }, /^MEDIA_NODE_SECRET_PREVIOUS: is shorter/u],
    ['a previous secret that is the current one', { MEDIA_NODE_SECRET_PREVIOUS: secret }, /^MEDIA_NODE_SECRET_PREVIOUS: is the same/u],
    ['an edge that is no origin', { EDGE_URL: 'https://meet.example.org/events' }, /^EDGE_URL: must be an http or https origin/u],
    ['an edge that is no URL', { EDGE_URL: 'meet.example.org' }, /^EDGE_URL: /u],
    ['a listen address that is a name', { RTC_LISTEN_IP: 'eth0' }, /^RTC_LISTEN_IP: must be an IP address/u],
    ['an announced address with a port path', { RTC_ANNOUNCED_ADDRESS: 'http://a/b' }, /^RTC_ANNOUNCED_ADDRESS: /u],
    ['ports above the highest', { RTC_BASE_PORT: '65535', MEDIA_WORKERS: '2' }, /^RTC_BASE_PORT: 2 workers .* choose a lower one$/u],
    ['no workers', { MEDIA_WORKERS: '0' }, /^MEDIA_WORKERS: must be a whole number from 1/u],
    ['a STUN URL that is a TURN URL', { STUN_URLS: 'turn:a.example.org' }, /^STUN_URLS: must be a comma separated list such as stun:/u],
    ['TURN without its secret', { TURN_URLS: 'turn:a.example.org' }, /^TURN_SECRET: is missing while TURN_URLS is set/u],
    ['a TURN secret without TURN', { TURN_SECRET: secret }, /^TURN_URLS: is missing/u],
    ['a policy that needs TURN without TURN', { ICE_POLICY_SFU: 'stun+turn' }, /^TURN_URLS: is missing/u],
    ['credentials that expire at once', { TURN_TTL_SECONDS: '5' }, /^TURN_TTL_SECONDS: must be a whole number from 60/u],
    ['a log level that does not exist', { LOG_LEVEL: 'verbose' }, /^LOG_LEVEL: must be one of trace, /u],
    ['a weak metrics token', { METRICS_TOKEN: 'letmein' }, /^METRICS_TOKEN: is shorter/u],
  ])('%s', (_name, environment, line) => {
    expect(problemsOf({ ...production, ...environment })).toEqual([expect.stringMatching(line)]);
  });

  test.each<[missing: keyof typeof production, line: RegExp]>([
    ['MEDIA_NODE_SECRET', /^MEDIA_NODE_SECRET: is missing; set it to the secret that the edge has too/u],
    ['RTC_ANNOUNCED_ADDRESS', /^RTC_ANNOUNCED_ADDRESS: is missing; set it to the public address/u],
    ['METRICS_TOKEN', /^METRICS_TOKEN: is missing; set the bearer token/u],
  ])('production without %s', (missing, line) => {
    expect(problemsOf({ ...production, [missing]: '' })).toEqual([expect.stringMatching(line)]);
  });

  test.each(['MEDIA_NODE_HOST', 'RTC_LISTEN_IP'])('development mode refuses a %s that others can reach', (name) => {
    const environment = { PARLEY_MODE: 'development', MEDIA_NODE_SECRET: secret, [name]: '0.0.0.0' };
    expect(problemsOf(environment)).toEqual([expect.stringMatching(`^${name}: development mode listens on loopback only`)]);
  });

  test('all of them are told at once', () => {
    const lines = problemsOf({ ...production, LOG_LEVEL: 'x', MEDIA_NODE_PORT: 'x', EDGE_URL: 'x' });
    expect(lines.map((line) => line.split(':', 1)[0])).toEqual(expect.arrayContaining(['LOG_LEVEL', 'MEDIA_NODE_PORT', 'EDGE_URL']));
    expect(lines).toHaveLength(3);
  });

  test('no line repeats a secret', () => {
    const weak = 'f9Kz3mQx7RtY'.repeat(4);
    expect(problemsOf({ ...production, MEDIA_NODE_SECRET: weak, TURN_SECRET: weak, METRICS_TOKEN: weak }).join()).not.toContain('f9Kz');
  });
});
