import { EventEmitter } from 'node:events';
import { createWorker } from 'mediasoup';
import type { types } from 'mediasoup';
import type { RtcConfig } from '../config.ts';
import { routerCodecs } from './codecs.ts';
import { WorkerBinaryError } from './worker-probe.ts';

/** A healthy binary answers within some 50 ms; on an overloaded machine it may take seconds. */
const START_TIMEOUT_MS = 5_000;

interface MediaWorkerEvents {
  /** The process ended without being told to; everything in it is gone. */
  died: [Error];
}

function listenInfos({ listenIp, announcedAddress, basePort }: RtcConfig, index: number): types.TransportListenInfo[] {
  const address = announcedAddress === undefined ? {} : { announcedAddress };
  const port = basePort === 0 ? {} : { port: basePort + index };
  return [
    { protocol: 'udp', ip: listenIp, ...address, ...port },
    { protocol: 'tcp', ip: listenIp, ...address, ...port },
  ];
}

function cannotListen(error: unknown): never {
  throw new Error(`cannot listen for media (${String(error)}); choose other RTC_LISTEN_IP and RTC_BASE_PORT, or stop what listens there`);
}

async function within<Value>(milliseconds: number, promise: Promise<Value>, onTimeout: () => Error): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(onTimeout());
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Makes the process do what every room needs. A binary of a neighbouring version starts, says so, opens transports, and then understands
 * producers differently (seen with 3.24 and 3.26 against 3.27.1): nobody would ever see a picture.
 */
async function exercise(worker: types.Worker): Promise<void> {
  const router = await worker.createRouter({ mediaCodecs: routerCodecs() });
  const transport = await router.createDirectTransport();
  const codecs = [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }];
  const producer = await transport.produce({ kind: 'video', rtpParameters: { codecs, encodings: [{ ssrc: 1 }] } });
  await transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
  router.close();
}

/**
 * One SFU process with the one UDP and the one TCP port of all its transports.
 * Its routers belong to rooms; how many of them there are is its load.
 */
export class MediaWorker extends EventEmitter<MediaWorkerEvents> {
  /** Which of the configured workers this is; decides its port. */
  readonly index: number;
  readonly webRtcServer: types.WebRtcServer;
  readonly #worker: types.Worker;
  #routers = 0;

  /**
   * @param binary a path that `probeWorkerBinary` has found to work.
   * @throws WorkerBinaryError when the binary does not understand this version of mediasoup; Error when its port is taken.
   */
  static async create(index: number, config: RtcConfig, binary: string): Promise<MediaWorker> {
    const doesNotAnswer = () => new WorkerBinaryError(binary, 'does not answer in the language of this version');
    const worker = await within(START_TIMEOUT_MS, createWorker({ workerBin: binary, logLevel: 'warn' }), doesNotAnswer);
    const isNotUnderstood = (error: unknown) => {
      throw new WorkerBinaryError(binary, `understands something else than this version says (${String(error)})`);
    };
    try {
      await within(START_TIMEOUT_MS, exercise(worker).catch(isNotUnderstood), doesNotAnswer);
      const listening = worker.createWebRtcServer({ listenInfos: listenInfos(config, index) }).catch(cannotListen);
      return new MediaWorker(index, worker, await within(START_TIMEOUT_MS, listening, doesNotAnswer));
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  private constructor(index: number, worker: types.Worker, webRtcServer: types.WebRtcServer) {
    super();
    this.index = index;
    this.#worker = worker;
    this.webRtcServer = webRtcServer;
    worker.on('died', (error) => this.emit('died', error));
  }

  get pid(): number {
    return this.#worker.pid;
  }

  /** Whether the process ended without being told to. */
  get hasDied(): boolean {
    return this.#worker.died;
  }

  /** How many routers live here. */
  get load(): number {
    return this.#routers;
  }

  /** Opens a router. The load counts it at once, so that rooms that open at the same time spread over the workers. */
  async createRouter(mediaCodecs: types.RouterRtpCodecCapability[]): Promise<types.Router> {
    this.#routers += 1;
    try {
      const router = await this.#worker.createRouter({ mediaCodecs });
      router.observer.once('close', () => {
        this.#routers -= 1;
      });
      return router;
    } catch (error) {
      this.#routers -= 1;
      throw error;
    }
  }

  close(): void {
    this.#worker.close();
  }
}
