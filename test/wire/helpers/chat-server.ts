import { fileURLToPath } from 'node:url';

import { startWorker, type EchoServer } from '../../echo-server/start.ts';
import type { EngineSettings } from '../../../worker/wire/engine-io/settings.ts';
import { RawSocket } from './raw-client.ts';

const CONFIGURATION = fileURLToPath(new URL('../chat-server/wrangler.jsonc', import.meta.url));

export function startChatServer(settings: Partial<EngineSettings>, recovery: 'on' | 'off' = 'off'): Promise<EchoServer> {
  return startWorker(CONFIGURATION, 0, { SETTINGS: JSON.stringify(settings), RECOVERY: recovery });
}

/** A client of Socket.IO that is driven packet by packet and answers pings by itself. */
export class ChatClient {
  readonly raw: RawSocket;
  #nextAckId = 0;

  constructor(raw: RawSocket) {
    this.raw = raw;
    raw.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary && data.toString() === '2') raw.send('3');
    });
  }

  /** Opens a connection and enters the main namespace; answers the payload of the server's confirmation too. */
  static async enter(url: string, auth: object = {}, revision = 4): Promise<{ client: ChatClient; ids: { sid: string; pid?: string } }> {
    const client = new ChatClient(new RawSocket(`${url}?EIO=${revision}&transport=websocket`));
    await client.raw.nextData();
    if (revision === 4) client.raw.send(`40${JSON.stringify(auth)}`);
    const answer = (await client.raw.nextData()) as string;
    return { client, ids: JSON.parse(answer.slice(2) || '{}') as { sid: string; pid?: string } };
  }

  emit(name: string, ...args: unknown[]): void {
    this.raw.send(`42${JSON.stringify([name, ...args])}`);
  }

  /** Asks and reads the answer, which must be the next packet. */
  async ask(name: string, ...args: unknown[]): Promise<unknown[]> {
    const id = this.#nextAckId++;
    this.raw.send(`42${id}${JSON.stringify([name, ...args])}`);
    const answer = (await this.raw.nextData()) as string;
    const prefix = `43${id}`;
    if (!answer.startsWith(prefix)) throw new Error(`expected ${prefix}…, not ${answer.slice(0, 200)}`);
    return JSON.parse(answer.slice(prefix.length)) as unknown[];
  }

  /** The next event: its name and its arguments. */
  async event(): Promise<unknown[]> {
    const packet = (await this.raw.nextData()) as string;
    return JSON.parse(packet.slice(packet.indexOf('['))) as unknown[];
  }
}
