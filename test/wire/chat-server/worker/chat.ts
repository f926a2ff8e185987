import { DurableConnections } from '../../../../worker/wire/durable-object/connections.ts';
import { SocketObject } from '../../../../worker/wire/durable-object/socket-object.ts';
import type { Ack, SocketApplication, Verdict } from '../../../../worker/wire/socket-io/application.ts';
import { SocketServer } from '../../../../worker/wire/socket-io/server.ts';
import type { Socket } from '../../../../worker/wire/socket-io/socket.ts';
import { settingsOf, type Environment } from './environment.ts';

const ADOPT_PATH = '/adopt';

/** A room in which each event exercises one ability of the layer. */
export class Chat extends SocketObject<Environment> implements SocketApplication {
  readonly #server: SocketServer;
  protected readonly connections: DurableConnections;
  /** Different in each life of the object, so that a test sees that the object slept in between. */
  readonly #life = crypto.randomUUID();

  constructor(ctx: DurableObjectState, environment: Environment) {
    super(ctx, environment);
    const recovery = environment.RECOVERY === 'on' ? { recovery: { storage: ctx.storage.kv } } : {};
    this.#server = new SocketServer(this, recovery);
    this.connections = new DurableConnections(ctx, this.#server, { settings: settingsOf(environment) });
  }

  override fetch(request: Request): Promise<Response> | Response {
    return new URL(request.url).pathname === ADOPT_PATH ? this.connections.adopt(request) : super.fetch(request);
  }

  connecting({ namespace, auth }: { namespace: string; auth: Readonly<Record<string, unknown>> }): Verdict | Promise<Verdict> {
    if (auth.token === 'wrong') return { accept: false, message: 'Not authorized', data: { retry: false } };
    if (auth.token === 'slow') return new Promise((resolve) => setTimeout(resolve, 50, { accept: true }));
    if (auth.token === 'broken') throw new Error('the application broke');
    return { accept: true, data: { namespace } };
  }

  connected(socket: Socket): void {
    if (socket.recovered) socket.emit('welcome back', [socket.data]);
  }

  event(socket: Socket, name: string, args: readonly unknown[], ack: Ack | undefined): void {
    switch (name) {
      case 'life':
        ack?.(this.#life);
        break;
      case 'remember':
        socket.data = args[0];
        ack?.();
        break;
      case 'recall':
        ack?.(socket.data);
        break;
      case 'say':
        this.#server.of(socket.namespace.name).emit('said', args);
        break;
      case 'say to others':
        this.#server.of(socket.namespace.name).emit('said', args, { except: [socket.id] });
        break;
      case 'ask me':
        socket.emit('question', ['?'], { context: args[0], timeout: Number(args[1] ?? 60_000) });
        break;
      case 'answer later':
        this.ctx.storage.kv.put('later', [socket.id, ack?.id]);
        break;
      case 'answer now':
        this.#answerNow(args);
        break;
      case 'flood':
        this.#flood(socket, Number(args[0]), Number(args[1]));
        break;
      case 'leave':
        this.connections.release(socket.session);
        break;
      case 'reasons':
        ack?.(this.ctx.storage.kv.get('reasons') ?? []);
        break;
      case 'fail':
        throw new Error('the application failed');
    }
  }

  acknowledged(socket: Socket, context: unknown, args: readonly unknown[] | undefined): void {
    socket.emit('answered', [context, args ?? 'too late']);
  }

  disconnected(_socket: Socket, reason: string): void {
    this.ctx.storage.kv.put('reasons', [...(this.ctx.storage.kv.get<string[]>('reasons') ?? []), reason]);
  }

  failed(): void {
    // The tests look at what clients see.
  }

  #answerNow(args: readonly unknown[]): void {
    const [id, ackId] = this.ctx.storage.kv.get<[string, number]>('later') ?? ['', 0];
    this.#server.of('/').sockets.get(id)?.acknowledge(ackId, args);
  }

  #flood(socket: Socket, count: number, bytes: number): void {
    const text = 'x'.repeat(bytes);
    const namespace = this.#server.of(socket.namespace.name);
    for (let index = 0; index < count; index++) namespace.emit('flood', [index, text], { except: [socket.id] });
  }
}
