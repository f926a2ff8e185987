import type { Env } from '../platform/env.ts';
import { entrances } from '../protocols/index.ts';
import type { Upgrade } from '../protocols/protocol.ts';
import { acceptMessages, type MessageListener, type MessageSocket, RAW_FRAMING } from '../wire/message-socket.ts';
import { doorOf } from './door.ts';

/** A client on no particular path has this long for its first message, in milliseconds. */
const PATIENCE = 30_000;

/** "Unsupported data" and "policy violation" (RFC 6455, section 7.4.1). */
const NOT_RECOGNISED = { code: 1003, reason: 'no protocol recognises this message' };
const SILENT = { code: 1008, reason: 'the first message did not come in time' };

/** Accepts a WebSocket whose URL says nothing, and lets its first message decide which protocol it speaks. */
export function attendUnknown(upgrade: Upgrade, env: Env): Response {
  return acceptMessages(RAW_FRAMING, (client) => new Stranger(client, upgrade, env));
}

class Stranger implements MessageListener {
  readonly #client: MessageSocket;
  readonly #upgrade: Upgrade;
  readonly #env: Env;
  readonly #patience: ReturnType<typeof setTimeout>;
  /** Attends to the client since it was recognised. */
  #listener: MessageListener | undefined;

  constructor(client: MessageSocket, upgrade: Upgrade, env: Env) {
    this.#client = client;
    this.#upgrade = upgrade;
    this.#env = env;
    this.#patience = setTimeout(() => {
      client.close(SILENT.code, SILENT.reason);
    }, PATIENCE);
  }

  message(text: string): void {
    this.#listener ??= this.#recognise(text);
    if (this.#listener) this.#listener.message(text);
    else this.#client.close(NOT_RECOGNISED.code, NOT_RECOGNISED.reason);
  }

  closed(code: number, reason: string): void {
    clearTimeout(this.#patience);
    this.#listener?.closed(code, reason);
  }

  #recognise(text: string): MessageListener | undefined {
    clearTimeout(this.#patience);
    for (const { name, lobby } of entrances) {
      if (lobby?.byFirstMessage?.recognises(text)) {
        return lobby.byFirstMessage.attend(this.#client, this.#upgrade, doorOf(name, this.#env));
      }
    }
    return undefined;
  }
}
