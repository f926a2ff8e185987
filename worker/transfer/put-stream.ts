/** Of this size are the pieces in which R2 takes an object whose length nobody knows; only the last may be smaller. */
const PIECE = 5 * 1024 * 1024;

/** More bytes came than were allowed. */
export class TooLargeError extends Error {}

/**
 * Stores what is being received, in pieces, and never holds more than two of them in memory. An object appears whole or not at all.
 *
 * @param limit in bytes.
 * @returns its size in bytes.
 * @throws TooLargeError beyond the limit, and whatever the source throws; nothing is stored then.
 */
export async function putStream(
  bucket: R2Bucket,
  key: string,
  bytes: AsyncIterable<Uint8Array>,
  { limit, type }: { limit: number; type: string },
): Promise<number> {
  const options = { httpMetadata: { contentType: type } };
  const pieces = piecesOf(bounded(bytes, limit));
  const first = await pieces.next();
  const head = first.done === true ? new Uint8Array() : first.value;
  if (head.length < PIECE) {
    await bucket.put(key, head, options);
    return head.length;
  }
  const upload = await bucket.createMultipartUpload(key, options);
  try {
    const parts = [await upload.uploadPart(1, head)];
    let size = head.length;
    for await (const piece of { [Symbol.asyncIterator]: () => pieces }) {
      parts.push(await upload.uploadPart(parts.length + 1, piece));
      size += piece.length;
    }
    await upload.complete(parts);
    return size;
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

async function* bounded(bytes: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit) throw new TooLargeError(`more than ${limit} bytes`);
    yield chunk;
  }
}

/** Cuts into pieces of exactly the same size, but for the last. */
async function* piecesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    let rest = chunk;
    while (size + rest.length >= PIECE) {
      const border = PIECE - size;
      yield joined([...chunks, rest.subarray(0, border)], PIECE);
      rest = rest.subarray(border);
      chunks = [];
      size = 0;
    }
    if (rest.length === 0) continue;
    chunks.push(rest);
    size += rest.length;
  }
  if (size > 0) yield joined(chunks, size);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
