/** `npm run echo-server [-- --port P --ping-interval MS --ping-timeout MS]`: a Socket.IO and Engine.IO server for test suites from outside. */
import { serveEcho } from '../test/echo-server/start.ts';
import { Failure } from './bootstrap.mjs';

export async function main(parameters: string[]): Promise<number> {
  try {
    await serveEcho(parameters);
    return 0;
  } catch (error) {
    throw new Failure(`The echo server cannot run: ${error instanceof Error ? error.message : String(error)}`);
  }
}
