import { describe, expect, it } from 'vitest';
import { coturnConfiguration, CoturnSettingsError, readCoturnSettings } from '../../media-node/turn/coturn.ts';

const SECRET = 'e1c0a94d7b3f46528f0d6a7b91c25e3d';
const FILES = { userDatabase: '/run/turndb', pidFile: '/run/pid' };

function linesFor(environment: Record<string, string>): string[] {
  const settings = readCoturnSettings({ TURN_URLS: 'turn:turn.example.org', TURN_SECRET: SECRET, ...environment });
  return coturnConfiguration(settings, FILES).split('\n');
}

describe('the configuration of coturn', () => {
  it('accepts time-limited credentials and nothing else', () => {
    const lines = linesFor({});
    expect(lines).toEqual(
      expect.arrayContaining(['use-auth-secret', `static-auth-secret=${SECRET}`, 'userdb=/run/turndb', 'no-cli', 'no-tcp-relay']),
    );
    expect(lines.filter((line) => /^(?:user=|no-auth|lt-cred-mech)/u.test(line))).toEqual([]);
  });

  it('keeps strangers out of private networks in production', () => {
    const lines = linesFor({ TURN_ALLOWED_PEERS: '10.0.0.5, 10.1.0.1-10.1.0.9' });
    for (const range of ['10.0.0.0-10.255.255.255', '127.0.0.0-127.255.255.255', '192.168.0.0-192.168.255.255', '::1']) {
      expect(lines).toContain(`denied-peer-ip=${range}`);
    }
    expect(lines).toEqual(expect.arrayContaining(['allowed-peer-ip=10.0.0.5', 'allowed-peer-ip=10.1.0.1-10.1.0.9']));
    expect(lines).not.toContain('allow-loopback-peers');
  });

  it('stays on loopback in development', () => {
    expect(linesFor({ PARLEY_MODE: 'development' })).toEqual(
      expect.arrayContaining(['listening-ip=127.0.0.1', 'relay-ip=127.0.0.1', 'allow-loopback-peers']),
    );
  });

  it('takes ports, realm and TLS from the URLs', () => {
    const urls = 'turn:turn.example.org:3479?transport=udp,turn:turn.example.org:3479?transport=tcp,turns:turn.example.org:443';
    const lines = linesFor({
      TURN_URLS: urls,
      TURN_TLS_CERT: '/etc/cert.pem',
      TURN_TLS_KEY: '/etc/key.pem',
      TURN_RELAY_PORTS: '50000-50999',
    });
    expect(lines).toEqual(
      expect.arrayContaining([
        'realm=turn.example.org',
        'listening-port=3479',
        'tls-listening-port=443',
        'cert=/etc/cert.pem',
        'pkey=/etc/key.pem',
        'min-port=50000',
        'max-port=50999',
      ]),
    );
    expect(linesFor({})).toEqual(expect.arrayContaining(['listening-port=3478', 'no-tls', 'no-dtls']));
  });

  it.each([
    [{ TURN_SECRET: '' }, /TURN_SECRET is missing; .*openssl rand/u],
    [{ TURN_SECRET: 'short' }, /TURN_SECRET is shorter than/u],
    [{ TURN_SECRET: `${SECRET}\nno-auth` }, /TURN_SECRET must consist of letters/u],
    [{ TURN_URLS: '' }, /TURN_URLS is missing/u],
    [{ TURN_URLS: 'turn.example.org' }, /TURN_URLS has "turn\.example\.org"; write it as turn:/u],
    [{ TURN_URLS: 'turn:a.example:1,turn:a.example:2' }, /TURN_URLS has several ports/u],
    [{ TURN_URLS: 'turns:a.example' }, /TURN_TLS_CERT and TURN_TLS_KEY are needed/u],
    [{ TURN_ALLOWED_PEERS: '10.0.0.0/8' }, /TURN_ALLOWED_PEERS must be addresses or ranges/u],
    [{ TURN_RELAY_PORTS: '50000' }, /TURN_RELAY_PORTS must be a range/u],
    [{ TURN_EXTERNAL_ADDRESS: 'turn.example.org' }, /TURN_EXTERNAL_ADDRESS must be the public IP address/u],
    [{ TURN_TLS_CERT: 'cert.pem' }, /TURN_TLS_CERT must be the absolute path/u],
  ])('refuses %o', (environment, message) => {
    expect(() => linesFor(environment)).toThrow(CoturnSettingsError);
    expect(() => linesFor(environment)).toThrow(message);
  });
});
