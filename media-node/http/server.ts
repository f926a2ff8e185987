import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import uWS from 'uWebSockets.js';
import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { Exchange } from './exchange.ts';
import { registerHealth } from './health.ts';
import type { HealthContext } from './health.ts';
import { refusal, registerRoutes } from './routes.ts';
import type { RouteContext } from './routes.ts';

/** A fourth form of `listen` that uWebSockets.js has and its type declarations forget. */
interface ExclusiveListen {
  listen(host: string, port: number, options: number, callback: (socket: us_listen_socket | false) => void): void;
}

/** Without this, a second node on the same port would silently get half of the connections. */
const EXCLUSIVE_PORT = 1;

const DRAIN_POLL_MS = 5;

type ServerContext = Omit<RouteContext, 'isShuttingDown'> & HealthContext;

/** The HTTP side of the media node. */
export class Server {
  readonly #app: TemplatedApp;
  #socket: us_listen_socket | undefined;
  #calls = 0;
  #isShuttingDown = false;

  constructor(context: ServerContext) {
    this.#app = uWS.App();
    registerHealth(this.#app, { ...context, isReady: () => !this.#isShuttingDown && context.isReady() });
    registerRoutes(this.#app, {
      ...context,
      isShuttingDown: () => this.#isShuttingDown,
      callStarted: (operation) => this.#count(context.callStarted(operation)),
    });
    this.#app.any('/*', (response, request) => {
      new Exchange(response, request).answer(refusal('route-not-found', 'the media node has no such endpoint'));
    });
  }

  /**
   * Starts to listen.
   *
   * @param port 0 takes any free one.
   * @returns the port.
   * @throws Error when the port is taken or the host is not an address of this machine.
   */
  async listen(host: string, port: number): Promise<number> {
    return this.#listen(host, port === 0 ? await freePort(host) : port);
  }

  /** From now on calls are answered with `shutting-down` and no connections are taken; calls that have begun go on. */
  refuseCalls(): void {
    this.#isShuttingDown = true;
    if (this.#socket !== undefined) uWS.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
  }

  /** Waits until the calls that have begun are answered, but not longer than this. */
  async drain(milliseconds: number): Promise<void> {
    const end = Date.now() + milliseconds;
    while (this.#calls > 0 && Date.now() < end) await sleep(DRAIN_POLL_MS);
  }

  /** Cuts all connections. */
  close(): void {
    this.refuseCalls();
    this.#app.close();
  }

  #listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      (this.#app as TemplatedApp & ExclusiveListen).listen(host, port, EXCLUSIVE_PORT, (socket) => {
        if (socket === false) {
          reject(
            new Error(`cannot listen on ${host}:${port}; choose other MEDIA_NODE_HOST and MEDIA_NODE_PORT, or stop what listens there`),
          );
          return;
        }
        this.#socket = socket;
        resolve(uWS.us_socket_local_port(socket));
      });
    });
  }

  #count(finished: (status: number) => void): (status: number) => void {
    this.#calls += 1;
    return (status) => {
      this.#calls -= 1;
      finished(status);
    };
  }
}

/**
 * uWebSockets.js allows a port to be taken again right after a restart (SO_REUSEADDR) only where it was named. If it chose the port itself, the
 * node could not come back to it for a minute.
 */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
