/** Every setting of the media node, read from environment variables once, at start-up. */
import { availableParallelism } from 'node:os';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { secretWeakness } from '../shared/secret-strength.ts';

const HIGHEST_PORT = 65_535;
const MAX_WORKERS = 256;
const DEFAULT_TURN_TTL_SECONDS = 6 * 60 * 60;
const DEFAULT_RECORDINGS_FOLDER = fileURLToPath(new URL('../.parley/recordings', import.meta.url));
const DEFAULT_RECORDINGS_MAX_GB = 20;
const DEFAULT_RECORDING_MAX_SECONDS = 4 * 60 * 60;
const BYTES_PER_GB = 1_000_000_000;
const DEFAULT_DOCUMENT_LIFETIME_SECONDS = 15 * 60;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface RtcConfig {
  /** Address on which media is received and sent. */
  readonly listenIp: string;
  /** Address that clients are told instead of `listenIp`; needed behind NAT and when listening on all addresses. */
  readonly announcedAddress: string | undefined;
  /** Worker i uses `basePort + i` for UDP and for TCP; 0 lets every worker take any free ports. */
  readonly basePort: number;
  readonly workers: number;
  /** Path of the SFU binary; `undefined` is the one that the setup made, or else the one inside the mediasoup package. */
  readonly workerBin: string | undefined;
}

export interface IceConfig {
  readonly stunUrls: readonly string[];
  readonly turnUrls: readonly string[];
  /** Shared with the TURN server (coturn: `static-auth-secret`); given exactly when there are `turnUrls`. */
  readonly turnSecret: string | undefined;
  readonly turnTtlSeconds: number;
  /** What a client is told for its connection to this node. */
  readonly sfuPolicy: 'stun' | 'stun+turn';
}

export interface RecordingsConfig {
  /** Only one node may use it. */
  readonly folder: string;
  /** Of all recordings together. */
  readonly maxBytes: number;
  /** Of one recording. */
  readonly maxSeconds: number;
}

export interface Config {
  readonly mode: 'development' | 'production';
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly secret: string;
  /** Still accepted in calls while a secret is being rotated; never used to sign. */
  readonly previousSecret: string | undefined;
  /** Origin of the edge, to which events are posted. */
  readonly edgeUrl: string;
  /** Bearer token for `/metrics`; `undefined` leaves it open, which only development mode does. */
  readonly metricsToken: string | undefined;
  readonly logLevel: LogLevel;
  readonly rtc: RtcConfig;
  readonly ice: IceConfig;
  /** How long the drawn pages of a document are kept. */
  readonly documentLifetimeSeconds: number;
  /** The program that decodes snapshots and writes recordings: a path, or a name in `PATH`. */
  readonly ffmpegBin: string;
  readonly recordings: RecordingsConfig;
}

/** Start-up is refused; `problems` has one line for each wrong setting, saying what is wrong and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

function integer(name: string, lowest: number, highest: number) {
  return z
    .string()
    .refine(
      (text) => /^\d{1,9}$/u.test(text) && Number(text) >= lowest && Number(text) <= highest,
      `must be a whole number from ${lowest} to ${highest}; example: ${name}=${lowest}`,
    )
    .transform(Number);
}

const HOW_TO_MAKE_ONE = 'make one with: openssl rand -hex 32';

function strongSecret(missing?: string) {
  return z.string(missing).superRefine((text, context) => {
    const weakness = secretWeakness(text);
    if (weakness !== undefined) context.addIssue({ code: 'custom', message: `${weakness}; ${HOW_TO_MAKE_ONE}` });
  });
}

function urlList(example: string, pattern: RegExp) {
  return z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .refine((urls) => urls.every((url) => pattern.test(url)), `must be a comma separated list such as ${example}`);
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username } = new URL(text);
  return /^https?:$/u.test(protocol) && pathname === '/' && search === '' && hash === '' && username === '';
}

function oneOf<const Value extends string>(values: readonly Value[]) {
  return z.enum(values, `must be one of ${values.join(', ')}`);
}

const EnvironmentSchema = z.object({
  PARLEY_MODE: oneOf(['development', 'production']).default('production'),
  MEDIA_NODE_HOST: z.string().default('127.0.0.1'),
  MEDIA_NODE_PORT: integer('MEDIA_NODE_PORT', 0, HIGHEST_PORT).default(4443),
  MEDIA_NODE_SECRET: strongSecret(`is missing; set it to the secret that the edge has too; ${HOW_TO_MAKE_ONE}`),
  MEDIA_NODE_SECRET_PREVIOUS: strongSecret().optional(),
  EDGE_URL: z
    .string()
    .refine(isOrigin, 'must be an http or https origin without a path; example: https://meet.example.org')
    .transform((text) => new URL(text).origin)
    .default('http://127.0.0.1:8787'),
  METRICS_TOKEN: strongSecret().optional(),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  RTC_LISTEN_IP: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address of this machine; example: 0.0.0.0')
    .optional(),
  RTC_ANNOUNCED_ADDRESS: z
    .string()
    .regex(/^[\w.:-]{1,253}$/u, 'must be the IP address or host name at which clients reach this machine')
    .optional(),
  RTC_BASE_PORT: integer('RTC_BASE_PORT', 0, HIGHEST_PORT).default(40_000),
  MEDIA_WORKERS: integer('MEDIA_WORKERS', 1, MAX_WORKERS).optional(),
  MEDIASOUP_WORKER_BIN: z.string().optional(),
  STUN_URLS: urlList('stun:stun.example.org:3478', /^stuns?:[^\s,?]+$/u).default([]),
  TURN_URLS: urlList('turn:turn.example.org:3478?transport=udp', /^turns?:[^\s,]+$/u).default([]),
  TURN_SECRET: strongSecret().optional(),
  TURN_TTL_SECONDS: integer('TURN_TTL_SECONDS', 60, 7 * 24 * 60 * 60).default(DEFAULT_TURN_TTL_SECONDS),
  ICE_POLICY_SFU: oneOf(['stun', 'stun+turn']).default('stun'),
  FFMPEG_BIN: z.string().default('ffmpeg'),
  RECORDINGS_DIR: z.string().default(DEFAULT_RECORDINGS_FOLDER),
  RECORDINGS_MAX_GB: integer('RECORDINGS_MAX_GB', 1, 100_000).default(DEFAULT_RECORDINGS_MAX_GB),
  RECORDING_MAX_SECONDS: integer('RECORDING_MAX_SECONDS', 1, 7 * 24 * 60 * 60).default(DEFAULT_RECORDING_MAX_SECONDS),
  DOCUMENT_LIFETIME_SECONDS: integer('DOCUMENT_LIFETIME_SECONDS', 1, 24 * 60 * 60).default(DEFAULT_DOCUMENT_LIFETIME_SECONDS),
});
type Environment = z.output<typeof EnvironmentSchema>;

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isEveryAddress(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

function toConfig(env: Environment): Config {
  return {
    mode: env.PARLEY_MODE,
    host: env.MEDIA_NODE_HOST,
    port: env.MEDIA_NODE_PORT,
    secret: env.MEDIA_NODE_SECRET,
    previousSecret: env.MEDIA_NODE_SECRET_PREVIOUS,
    edgeUrl: env.EDGE_URL,
    metricsToken: env.METRICS_TOKEN,
    logLevel: env.LOG_LEVEL,
    rtc: {
      listenIp: env.RTC_LISTEN_IP ?? (env.PARLEY_MODE === 'development' ? '127.0.0.1' : '0.0.0.0'),
      announcedAddress: env.RTC_ANNOUNCED_ADDRESS,
      basePort: env.RTC_BASE_PORT,
      workers: env.MEDIA_WORKERS ?? availableParallelism(),
      workerBin: env.MEDIASOUP_WORKER_BIN,
    },
    ice: {
      stunUrls: env.STUN_URLS,
      turnUrls: env.TURN_URLS,
      turnSecret: env.TURN_SECRET,
      turnTtlSeconds: env.TURN_TTL_SECONDS,
      sfuPolicy: env.ICE_POLICY_SFU,
    },
    documentLifetimeSeconds: env.DOCUMENT_LIFETIME_SECONDS,
    ffmpegBin: env.FFMPEG_BIN,
    recordings: {
      folder: resolve(env.RECORDINGS_DIR),
      maxBytes: env.RECORDINGS_MAX_GB * BYTES_PER_GB,
      maxSeconds: env.RECORDING_MAX_SECONDS,
    },
  };
}

/** Settings that are right one by one and wrong together. */
function* contradictions({ mode, host, rtc, ice, metricsToken, secret: current, previousSecret }: Config): Generator<string> {
  if (mode === 'development' && !isLoopback(host)) {
    yield 'MEDIA_NODE_HOST: development mode listens on loopback only; use 127.0.0.1 or set PARLEY_MODE=production';
  }
  if (mode === 'development' && !isLoopback(rtc.listenIp)) {
    yield 'RTC_LISTEN_IP: development mode listens on loopback only; use 127.0.0.1 or set PARLEY_MODE=production';
  }
  if (mode === 'production' && isEveryAddress(rtc.listenIp) && rtc.announcedAddress === undefined) {
    yield `RTC_ANNOUNCED_ADDRESS: is missing; set it to the public address of this machine, because clients cannot connect to ${rtc.listenIp}`;
  }
  if (mode === 'production' && metricsToken === undefined) {
    yield `METRICS_TOKEN: is missing; set the bearer token with which /metrics may be read; ${HOW_TO_MAKE_ONE}`;
  }
  if (previousSecret === current) {
    yield 'MEDIA_NODE_SECRET_PREVIOUS: is the same as MEDIA_NODE_SECRET; set the old secret, or nothing when no rotation is going on';
  }
  if (rtc.basePort !== 0 && rtc.basePort + rtc.workers - 1 > HIGHEST_PORT) {
    yield `RTC_BASE_PORT: ${rtc.workers} workers starting at port ${rtc.basePort} need ports above ${HIGHEST_PORT}; choose a lower one`;
  }
  if (ice.turnUrls.length > 0 && ice.turnSecret === undefined) {
    yield "TURN_SECRET: is missing while TURN_URLS is set; set it to coturn's static-auth-secret";
  }
  if (ice.turnUrls.length === 0 && (ice.turnSecret !== undefined || ice.sfuPolicy === 'stun+turn')) {
    yield 'TURN_URLS: is missing while TURN_SECRET or ICE_POLICY_SFU=stun+turn is set; set it to the URLs of the TURN server';
  }
}

function withoutEmptyStrings(environment: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''));
}

/**
 * Reads and checks the settings. An empty string counts as unset.
 *
 * @param environment `process.env`, or a part of it.
 * @throws ConfigError when a setting is wrong.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const parsed = EnvironmentSchema.safeParse(withoutEmptyStrings(environment));
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  const config = toConfig(parsed.data);
  const problems = [...contradictions(config)];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
