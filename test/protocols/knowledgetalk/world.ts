import { startStack, type Stack } from '../../harness/stack.ts';
import { type ClientKind, FOUR, KtClient, TWO } from './client.ts';

/** An edge with a media node, and the clients of one test. */
export class World {
  readonly stack: Stack;
  readonly #open: KtClient[] = [];

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<World> {
    return new World(await startStack(settings));
  }

  private constructor(stack: Stack) {
    this.stack = stack;
  }

  async client(kind: ClientKind = FOUR): Promise<KtClient> {
    const client = await KtClient.open(this.stack.edge.url, kind);
    this.#open.push(client);
    return client;
  }

  /** Members of one new room, of both generations in turn, that know of each other: nothing that they have been told is left. */
  async room(count: number, fields: object = {}): Promise<KtClient[]> {
    const members: KtClient[] = [];
    let roomId = '';
    for (let index = 0; index < count; index += 1) {
      const member = await this.client(index % 2 === 0 ? TWO : FOUR);
      if (index === 0) roomId = await member.create(fields);
      await member.join(roomId);
      members.push(member);
      for (const one of members) await one.settled();
    }
    return members;
  }

  /** Another member of a room; what the others are told of it is left for them to see. */
  async newcomer(roomId: string, operation = 'RoomJoin'): Promise<KtClient> {
    const client = await this.client();
    await client.join(roomId, operation);
    return client;
  }

  /** Ends what one test has opened. */
  clear(): void {
    for (const client of this.#open.splice(0)) client.close();
  }

  async stop(): Promise<void> {
    this.clear();
    await this.stack.stop();
  }
}
