import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setLogEventListeners } from 'mediasoup';
import type { RtcConfig } from '../config.ts';
import { MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { probeWorkerBinary } from './worker-probe.ts';
import { MediaWorker } from './worker.ts';

const PROBE_TIMEOUT_MS = 5_000;
const FIRST_RESTART_DELAY_MS = 50;
const LONGEST_RESTART_DELAY_MS = 5_000;

/** A new process needs some 50 ms; whoever asks while there is none waits at most this long, which is less than the edge waits. */
const MAX_WAIT_FOR_WORKER_MS = 1_500;

interface WorkerPoolEvents {
  started: [MediaWorker];
}

/** The SFU processes of this node: always as many as configured, each with its own port. */
export class WorkerPool extends EventEmitter<WorkerPoolEvents> {
  readonly #config: RtcConfig;
  readonly #binary: string;
  readonly #log: Logger;
  readonly #workers = new Map<number, MediaWorker>();
  readonly #closing = new AbortController();
  #deaths = 0;

  /**
   * Starts all workers.
   *
   * @throws WorkerBinaryError when the binary is broken or of another version; Error when a port is taken.
   */
  static async create(config: RtcConfig, log: Logger): Promise<WorkerPool> {
    logMediasoup(log.child({ class: 'mediasoup' }));
    const binary = await probeWorkerBinary(config.workerBin, PROBE_TIMEOUT_MS);
    const pool = new WorkerPool(config, binary, log.child({ class: 'WorkerPool' }));
    try {
      await Promise.all(Array.from({ length: config.workers }, (_, index) => pool.#start(index)));
    } catch (error) {
      pool.close();
      throw error;
    }
    return pool;
  }

  private constructor(config: RtcConfig, binary: string, log: Logger) {
    super();
    this.#config = config;
    this.#binary = binary;
    this.#log = log;
  }

  /** How many workers are alive. */
  get size(): number {
    return this.#workers.size;
  }

  /** Whether as many workers are alive as are configured. */
  get isComplete(): boolean {
    return this.size === this.#config.workers;
  }

  /** How many workers have died since the start. */
  get deaths(): number {
    return this.#deaths;
  }

  get pids(): number[] {
    return [...this.#workers.values()].map(({ pid }) => pid);
  }

  /**
   * The worker for the next room: the one with the fewest routers. Waits when all have just died.
   *
   * @throws MediaError `shutting-down` when there is none for too long.
   */
  async leastLoaded(): Promise<MediaWorker> {
    const [least] = [...this.#workers.values()].sort((a, b) => a.load - b.load);
    return least ?? (await this.#nextStarted());
  }

  close(): void {
    this.#closing.abort();
    for (const worker of this.#workers.values()) worker.close();
    this.#workers.clear();
  }

  async #nextStarted(): Promise<MediaWorker> {
    try {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(MAX_WAIT_FOR_WORKER_MS)]);
      const [worker] = (await once(this, 'started', { signal })) as WorkerPoolEvents['started'];
      return worker;
    } catch {
      throw new MediaError('shutting-down', 'no SFU process is running at the moment; try again later');
    }
  }

  async #start(index: number): Promise<void> {
    const worker = await MediaWorker.create(index, this.#config, this.#binary);
    if (this.#closing.signal.aborted) {
      worker.close();
      return;
    }
    worker.once('died', (error) => {
      this.#replace(worker, error);
    });
    this.#workers.set(index, worker);
    this.emit('started', worker);
    this.#log.info({ worker: index, pid: worker.pid }, 'SFU process started');
  }

  #replace(worker: MediaWorker, error: Error): void {
    if (this.#closing.signal.aborted) return;
    this.#deaths += 1;
    this.#workers.delete(worker.index);
    this.#log.error({ worker: worker.index, pid: worker.pid, error: error.message }, 'SFU process died; starting a new one');
    void this.#restart(worker.index);
  }

  /** Tries until it works: the port of the dead process may stay taken for a moment. */
  async #restart(index: number): Promise<void> {
    for (let delay = FIRST_RESTART_DELAY_MS; !this.#closing.signal.aborted; delay = Math.min(delay * 2, LONGEST_RESTART_DELAY_MS)) {
      try {
        await this.#start(index);
        return;
      } catch (error) {
        this.#log.error({ worker: index, error: String(error), delay }, 'SFU process did not start; trying again');
        await sleep(delay, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }
}

/** mediasoup calls an error what a client's wrong parameters cause; for the node these are nothing more than a refusal. */
function logMediasoup(log: Logger): void {
  setLogEventListeners({
    onwarn: (namespace, message) => {
      log.debug({ namespace }, message);
    },
    onerror: (namespace, message, error) => {
      log.warn({ namespace, error: error?.message }, message);
    },
  });
}
