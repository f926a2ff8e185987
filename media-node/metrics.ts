import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MediaOperation } from '../shared/media-api.ts';
import type { EventTally } from './events/outbox.ts';

/** What is counted when somebody asks, instead of being kept up to date. */
export interface Census {
  readonly rooms: () => number;
  readonly transports: () => number;
  readonly producers: () => number;
  readonly consumers: () => number;
  readonly recordings: () => number;
  readonly recordingBytes: () => number;
  readonly documents: () => number;
  readonly workers: () => number;
  readonly workerDeaths: () => number;
}

const CENSUS_HELP: Record<keyof Census, readonly [name: string, help: string]> = {
  rooms: ['parley_media_rooms', 'Open rooms.'],
  transports: ['parley_media_transports', 'Open transports.'],
  producers: ['parley_media_producers', 'Open producers.'],
  consumers: ['parley_media_consumers', 'Open consumers.'],
  recordings: ['parley_media_recordings', 'Recordings that go on.'],
  recordingBytes: ['parley_media_recording_bytes', 'Bytes of all recordings on this disk.'],
  documents: ['parley_media_documents', 'Documents whose drawn pages are kept.'],
  workers: ['parley_media_workers', 'Running SFU processes.'],
  workerDeaths: ['parley_media_worker_deaths_total', 'SFU processes that died since the start.'],
};

/** From a tenth of a millisecond, the fastest calls, to a second, which is already a failure for a person who waits for a picture. */
const DURATION_BUCKETS_SECONDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1];

/** The node's metrics in the format of Prometheus. Each node has its own registry, so that several can run in one process. */
export class Metrics implements EventTally {
  readonly #registry = new Registry();
  readonly #events = new Counter({
    name: 'parley_media_events_total',
    help: 'Events for the edge, by what became of them.',
    labelNames: ['fate'],
    registers: [this.#registry],
  });
  readonly #retries = new Counter({
    name: 'parley_media_event_retries_total',
    help: 'Event requests that the edge did not take and that are made again.',
    registers: [this.#registry],
  });
  readonly #calls = new Histogram({
    name: 'parley_media_call_duration_seconds',
    help: 'Control calls by operation and HTTP status.',
    labelNames: ['operation', 'status'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers: [this.#registry],
  });

  constructor(census: Census) {
    collectDefaultMetrics({ register: this.#registry });
    for (const [key, [name, help]] of Object.entries(CENSUS_HELP)) {
      const count = census[key as keyof Census];
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(count());
        },
      });
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Starts the clock of a call; the result stops it. */
  callStarted(operation: MediaOperation): (status: number) => void {
    const stop = this.#calls.startTimer({ operation });
    return (status) => {
      stop({ status });
    };
  }

  sent(events: number): void {
    this.#events.inc({ fate: 'sent' }, events);
  }

  dropped(events: number): void {
    this.#events.inc({ fate: 'dropped' }, events);
  }

  retried(): void {
    this.#retries.inc();
  }
}
