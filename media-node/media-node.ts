import { ROOM_LEASE_SECONDS } from '../shared/media-api.ts';
import type { Config } from './config.ts';
import { Documents } from './documents/documents.ts';
import { Courier } from './events/courier.ts';
import { Outboxes } from './events/outboxes.ts';
import type { Handlers } from './http/call.ts';
import { connectionHandlers } from './http/connections.ts';
import { consumerHandlers } from './http/consumers.ts';
import { documentHandlers } from './http/documents.ts';
import { iceServerHandlers } from './http/ice-servers.ts';
import { producerHandlers } from './http/producers.ts';
import { recordingHandlers } from './http/recordings.ts';
import { roomHandlers } from './http/rooms.ts';
import { Server } from './http/server.ts';
import { transportHandlers } from './http/transports.ts';
import { createLog } from './log.ts';
import type { Logger } from './log.ts';
import { Metrics } from './metrics.ts';
import { Recordings } from './recording/recordings.ts';
import { Rooms } from './sfu/rooms.ts';
import { WorkerPool } from './sfu/worker-pool.ts';
import { Verifier } from './signing.ts';

const DRAIN_MS = 1_000;
const FLUSH_MS = 3_000;

/** A running media node. */
export interface MediaNode {
  /** Where it listens for calls, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Process ids of the SFU processes that are alive. */
  workerPids(): number[];
  /**
   * Stops gracefully: takes no more calls, finishes those that have begun, tells the rooms, delivers what events it can, and ends the SFU
   * processes; within some seconds. May be called twice.
   */
  close(): Promise<void>;
}

export interface MediaNodeOptions {
  /** For tests that cannot wait for the lease of the contract to expire. */
  readonly leaseSeconds?: number;
}

function handlersFor(rooms: Rooms, recordings: Recordings, documents: Documents, config: Config): Handlers {
  return {
    ...roomHandlers(rooms),
    ...transportHandlers(rooms),
    ...producerHandlers(rooms, config.ffmpegBin),
    ...consumerHandlers(rooms),
    ...connectionHandlers(rooms),
    ...recordingHandlers(rooms, recordings),
    ...documentHandlers(documents),
    ...iceServerHandlers(config.ice),
  };
}

function metricsOf(rooms: Rooms, recordings: Recordings, documents: Documents, pool: WorkerPool): Metrics {
  return new Metrics({
    rooms: () => rooms.size,
    transports: () => rooms.counts.transports,
    producers: () => rooms.counts.producers,
    consumers: () => rooms.counts.consumers,
    recordings: () => recordings.running,
    recordingBytes: () => recordings.bytes,
    documents: () => documents.size,
    workers: () => pool.size,
    workerDeaths: () => pool.deaths,
  });
}

function connect(rooms: Rooms, recordings: Recordings, outboxes: Outboxes): void {
  rooms.on('event', (room, event) => {
    outboxes.add(room, event);
  });
  recordings.on('finished', ({ id, generation }, { recording, container, duration, bytes, cause }) => {
    // A room that is closed has had its last event.
    if (!rooms.has(id, generation)) return;
    const reason = cause === undefined ? {} : { cause };
    outboxes.add({ id, generation }, { type: 'recording-finished', recording, container, duration, bytes, ...reason });
  });
  rooms.on('closed', (room, isOrdered) => {
    recordings.endRoom(room);
    void outboxes.close(room, isOrdered);
  });
}

function announce(log: Logger, { mode, rtc, edgeUrl }: Config, url: string): void {
  const summary = { url, edgeUrl, workers: rtc.workers, rtcListenIp: rtc.listenIp, rtcAnnouncedAddress: rtc.announcedAddress };
  if (mode === 'development') log.warn(summary, 'DEVELOPMENT MODE: loopback only, open metrics. Never run a public service like this.');
  log.info(summary, 'the media node is listening');
}

/**
 * Starts a media node.
 *
 * @param config from `loadConfig`.
 * @throws WorkerBinaryError when the SFU binary cannot be used; Error when a port is taken. The message says what to do.
 */
export async function startMediaNode(config: Config, { leaseSeconds = ROOM_LEASE_SECONDS }: MediaNodeOptions = {}): Promise<MediaNode> {
  const log = createLog(config.logLevel);
  const pool = await WorkerPool.create(config.rtc, log);
  const recordings = await Recordings.open(config.recordings, config.ffmpegBin, log);
  const documents = await Documents.create(config.documentLifetimeSeconds);
  const rooms = new Rooms(pool, leaseSeconds, log);
  const metrics = metricsOf(rooms, recordings, documents, pool);
  const courier = new Courier(config.edgeUrl, config.secret);
  const outboxes = new Outboxes(courier, metrics, log);
  connect(rooms, recordings, outboxes);
  const server = new Server({
    handlers: handlersFor(rooms, recordings, documents, config),
    verifier: new Verifier([config.secret, ...(config.previousSecret === undefined ? [] : [config.previousSecret])]),
    log: log.child({ class: 'Server' }),
    metrics,
    metricsToken: config.metricsToken,
    isReady: () => pool.size > 0,
    callStarted: (operation) => metrics.callStarted(operation),
  });

  async function stop(): Promise<void> {
    server.refuseCalls();
    await server.drain(DRAIN_MS);
    await Promise.all([documents.shutDown(), recordings.shutDown()]);
    rooms.shutDown();
    await outboxes.flush(FLUSH_MS);
    pool.close();
    server.close();
    await courier.close();
    log.info('the media node has stopped');
  }

  try {
    const port = await server.listen(config.host, config.port);
    const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    announce(log, config, url);
    let stopped: Promise<void> | undefined;
    return { url, port, workerPids: () => pool.pids, close: () => (stopped ??= stop()) };
  } catch (error) {
    await stop();
    throw error;
  }
}
