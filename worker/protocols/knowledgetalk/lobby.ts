import type { EventListener, EventSocket } from '../protocol.ts';
import { EVENT } from './messages.ts';

export class Visitor implements EventListener {
  readonly #client: EventSocket;

  constructor(client: EventSocket) {
    this.#client = client;
  }

  event(_name: string, [message]: readonly unknown[]): void {
    const { eventOp } = message as { eventOp: string };
    this.#client.emit(EVENT, JSON.stringify({ eventOp, code: '200', message: 'OK' }));
  }

  closed(): void {
    // Nothing is kept yet.
  }
}
