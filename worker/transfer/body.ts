/** A body that did not come to its end, or is not what it should be. */
export class BodyError extends Error {}

/**
 * Reads the body of a request and answers when all of it has come, also what nobody wanted to read: a client that is still sending when its
 * answer comes may find a broken connection instead of it.
 *
 * @param limit more is never read, in bytes; a body that announces more is not waited for.
 * @param work makes the answer of as much of the body as it likes.
 */
export async function answerToBody(
  request: Request,
  limit: number,
  work: (bytes: AsyncIterable<Uint8Array>) => Promise<Response>,
): Promise<Response> {
  const source = chunksOf(request.body);
  const response = await work({ [Symbol.asyncIterator]: () => ({ next: () => source.next() }) });
  if (Number(request.headers.get('content-length') ?? 0) <= limit) await readOff(source, limit).catch(() => undefined);
  return response;
}

async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body;
  } catch (error) {
    throw new BodyError(`the body was cut off: ${String(error)}`);
  }
}

async function readOff(source: AsyncGenerator<Uint8Array>, limit: number): Promise<void> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) return;
  }
}
