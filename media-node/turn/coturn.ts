/** The configuration of a coturn server that accepts the credentials of `ice-servers.ts` and nothing else. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { secretWeakness } from '../../shared/secret-strength.ts';

const DEFAULT_TURN_PORT = 3478;
const DEFAULT_TURNS_PORT = 5349;

/**
 * A relay that reaches these lets strangers into the operator's own network: addresses that are private, of this machine, of the link,
 * or translated from IPv4 (RFC 6890). Multicast has a switch of its own.
 */
const CLOSED_RANGES = [
  '0.0.0.0-0.255.255.255',
  '10.0.0.0-10.255.255.255',
  '100.64.0.0-100.127.255.255',
  '127.0.0.0-127.255.255.255',
  '169.254.0.0-169.254.255.255',
  '172.16.0.0-172.31.255.255',
  '192.0.0.0-192.0.0.255',
  '192.0.2.0-192.0.2.255',
  '192.88.99.0-192.88.99.255',
  '192.168.0.0-192.168.255.255',
  '198.18.0.0-198.19.255.255',
  '198.51.100.0-198.51.100.255',
  '203.0.113.0-203.0.113.255',
  '240.0.0.0-255.255.255.255',
  '::',
  '::1',
  '::ffff:0:0-::ffff:ffff:ffff',
  '64:ff9b::-64:ff9b::ffff:ffff',
  '100::-100::ffff:ffff:ffff:ffff',
  '2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
  '2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];

/** `turn:host:port?transport=udp` (RFC 7065); an IPv6 address stands in brackets. */
const TURN_URL = /^(?<scheme>turns?):(?<host>\[[\da-f:.]+\]|[\w.-]+)(?::(?<port>\d{1,5}))?(?:\?transport=(?:udp|tcp))?$/iu;

const TurnUrlSchema = z.string().transform((url, context) => {
  const { scheme, host, port } = TURN_URL.exec(url.trim())?.groups ?? {};
  if (scheme === undefined || host === undefined) {
    context.addIssue({ code: 'custom', message: `has "${url}"; write it as turn:turn.example.org:3478?transport=udp` });
    return z.NEVER;
  }
  const secure = scheme.toLowerCase() === 'turns';
  return { host, secure, port: port === undefined ? (secure ? DEFAULT_TURNS_PORT : DEFAULT_TURN_PORT) : Number(port) };
});
type TurnUrl = z.output<typeof TurnUrlSchema>;

function addressList() {
  return z
    .string()
    .transform((text) => text.split(',').map((address) => address.trim()))
    .refine(
      (ranges) => ranges.every((range) => range.split('-').every((address) => isIP(address) !== 0)),
      'must be addresses or ranges such as 10.0.0.5 or 10.0.0.1-10.0.0.9',
    );
}

const SettingsSchema = z.object({
  PARLEY_MODE: z.enum(['development', 'production']).default('production'),
  TURN_URLS: z
    .string('is missing; set it to the URLs that clients are given, for example turn:127.0.0.1:3478 in development')
    .transform((text) => text.split(','))
    .pipe(z.array(TurnUrlSchema)),
  TURN_SECRET: z
    .string('is missing; set it to the secret that the media node has too; make one with: openssl rand -hex 32')
    .superRefine((secret, context) => {
      const weakness = secretWeakness(secret);
      if (weakness !== undefined) context.addIssue({ code: 'custom', message: `${weakness}; make one with: openssl rand -hex 32` });
      // A line of coturn's file ends at its first comment sign or line break.
      if (!/^[\w.~+/=-]+$/u.test(secret))
        context.addIssue({ code: 'custom', message: 'must consist of letters, digits and . _ ~ + / = -' });
    }),
  TURN_LISTEN_IP: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address of this machine')
    .optional(),
  TURN_EXTERNAL_ADDRESS: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be the public IP address of this machine')
    .optional(),
  TURN_RELAY_PORTS: z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/u, 'must be a range such as 49152-65535')
    .default('49152-65535'),
  TURN_ALLOWED_PEERS: addressList().default([]),
  TURN_TLS_CERT: z.string().startsWith('/', 'must be the absolute path of a PEM file').optional(),
  TURN_TLS_KEY: z.string().startsWith('/', 'must be the absolute path of a PEM file').optional(),
});
export type CoturnSettings = z.output<typeof SettingsSchema>;

/** The message has one line for each wrong setting, and says what to do. */
export class CoturnSettingsError extends Error {
  override readonly name = 'CoturnSettingsError';
}

/**
 * Reads the settings from the variables that the media node has too. An empty string counts as unset.
 *
 * @throws CoturnSettingsError when a setting is wrong.
 */
export function readCoturnSettings(environment: Readonly<Record<string, string | undefined>>): CoturnSettings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = SettingsSchema.safeParse(given);
  if (!parsed.success) {
    throw new CoturnSettingsError(parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`).join('\n'));
  }
  const problems = [...contradictions(parsed.data)];
  if (problems.length > 0) throw new CoturnSettingsError(problems.join('\n'));
  return parsed.data;
}

function portsOf(urls: readonly TurnUrl[], secure: boolean): number[] {
  return [...new Set(urls.filter((url) => url.secure === secure).map((url) => url.port))];
}

/** Settings that are right one by one and wrong together. */
function* contradictions({ TURN_URLS, TURN_TLS_CERT, TURN_TLS_KEY }: CoturnSettings): Generator<string> {
  for (const secure of [false, true]) {
    if (portsOf(TURN_URLS, secure).length > 1)
      yield `TURN_URLS has several ports for ${secure ? 'turns' : 'turn'}; one server listens on one`;
  }
  const hasCertificate = TURN_TLS_CERT !== undefined && TURN_TLS_KEY !== undefined;
  if (portsOf(TURN_URLS, true).length > 0 && !hasCertificate)
    yield 'TURN_TLS_CERT and TURN_TLS_KEY are needed for the turns: URLs in TURN_URLS';
}

export interface CoturnFiles {
  /** A user database of its own: the system's may hold users and secrets that would be accepted as well. */
  readonly userDatabase: string;
  readonly pidFile: string;
}

/** The lines of `turnserver.conf`. They contain the secret. */
export function coturnConfiguration(settings: CoturnSettings, files: CoturnFiles): string {
  const lines = [
    '# The credentials of the TURN REST convention, and no others.',
    'use-auth-secret',
    `static-auth-secret=${settings.TURN_SECRET}`,
    `realm=${settings.TURN_URLS[0]?.host ?? 'parley'}`,
    `userdb=${files.userDatabase}`,
    `pidfile=${files.pidFile}`,
    'fingerprint',
    'stale-nonce=600',
    'no-cli',
    'no-rfc5780',
    'no-stun-backward-compatibility',
    'no-software-attribute',
    'no-tcp-relay',
    'no-tlsv1',
    'no-tlsv1_1',
    'log-file=stdout',
    ...listenerLines(settings),
    ...peerLines(settings),
  ];
  return `${lines.join('\n')}\n`;
}

function* listenerLines(settings: CoturnSettings): Generator<string> {
  const [lowest, highest] = settings.TURN_RELAY_PORTS.split('-');
  yield `min-port=${lowest ?? ''}`;
  yield `max-port=${highest ?? ''}`;
  yield `listening-port=${portsOf(settings.TURN_URLS, false)[0] ?? DEFAULT_TURN_PORT}`;
  const address = settings.TURN_LISTEN_IP ?? (settings.PARLEY_MODE === 'development' ? '127.0.0.1' : undefined);
  if (address !== undefined) {
    yield `listening-ip=${address}`;
    yield `relay-ip=${address}`;
  }
  if (settings.TURN_EXTERNAL_ADDRESS !== undefined) yield `external-ip=${settings.TURN_EXTERNAL_ADDRESS}`;
  yield* tlsLines(settings);
}

function* tlsLines({ TURN_URLS, TURN_TLS_CERT, TURN_TLS_KEY }: CoturnSettings): Generator<string> {
  const [port] = portsOf(TURN_URLS, true);
  if (port === undefined) {
    yield 'no-tls';
    yield 'no-dtls';
    return;
  }
  yield `tls-listening-port=${port}`;
  yield `cert=${TURN_TLS_CERT ?? ''}`;
  yield `pkey=${TURN_TLS_KEY ?? ''}`;
}

/** Which addresses a client may send to through the relay. */
function* peerLines({ PARLEY_MODE, TURN_ALLOWED_PEERS }: CoturnSettings): Generator<string> {
  yield 'no-multicast-peers';
  if (PARLEY_MODE === 'development') {
    // Everything runs on this machine, and the server listens on loopback only.
    yield 'allow-loopback-peers';
    return;
  }
  for (const range of CLOSED_RANGES) yield `denied-peer-ip=${range}`;
  for (const range of TURN_ALLOWED_PEERS) yield `allowed-peer-ip=${range}`;
}
